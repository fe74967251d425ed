#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: git_hotfix_pick
short_description: Bring commits or patches into a hotfix
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Cherry-picks commits, or applies patch files, onto the branch of a hotfix that
    M(oncall.recovery.git_hotfix_start) has started. All of them go in, or none.
  - What the branch has already is said and skipped.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.actiongroup_git
  - oncall.recovery._git
  - oncall.recovery._production_tag
attributes:
  check_mode:
    support: full
    details:
      - Picks in a worktree that is thrown away, so that a conflict shows. No ref changes.
  diff_mode:
    support: none
    details:
      - The commits are named in the result.
  idempotent:
    support: full
options:
  name:
    description:
      - Name of the hotfix.
    type: str
    required: true
  commits:
    description:
      - Commits to pick, in this order, as C(git cherry-pick -x) does.
      - A commit, a branch, a tag, or a range V(older..newer), which leaves the older one out and
        takes the others from the oldest on. A branch is meant as it is on the remote.
      - A commit that is missing in the clone is fetched.
    type: list
    elements: str
  patches:
    description:
      - Paths of patch files to apply after O(commits), in this order. Mails, as C(git format-patch)
        writes them, become commits with their author and message; a plain diff becomes a commit
        with O(commit_message).
    type: list
    elements: path
  mainline:
    description:
      - For commits that are merges, the number of the parent that they are seen from, usually V(1).
        In a range, the commits that the merges brought in are then left out.
    type: int
  commit_message:
    description:
      - Message of the commits that are made of plain diffs. Without it, C(Apply) and the name of
        the file.
    type: str
  on_conflict:
    description:
      - V(abort) puts everything back as it was before the module ran.
      - V(leave) leaves the conflict in the worktree, which is filled with all files. Once it is
        resolved and C(git add) has been run, running the module again with the same changes goes
        on.
    type: str
    choices:
      - abort
      - leave
    default: abort
  try_in:
    description:
      - A new or empty folder that gets all files as they would be, in check mode, so that tests can
        run on them. It is no repository, and it is the caller's to remove.
      - Outside of check mode the files are in the worktree, and this does nothing.
    type: path
seealso:
  - module: oncall.recovery.git_hotfix_start
  - module: oncall.recovery.git_hotfix_finish
notes:
  - "The usual errors: a conflict, with the change and the files in RV(conflict); there is no such
    commit; a commit is a merge and O(mainline) is not set; the hotfix was not started, or is
    finished."
"""

EXAMPLES = r"""
- name: Bring the fix in
  oncall.recovery.git_hotfix_pick:
    repo: /srv/shop
    name: INC-4711
    commits:
      - 4f2a91c07d5b8e6f3a1c9d0e2b4f6a8c0e1d3f5b

- name: Bring in what a merged branch changed, and a range
  oncall.recovery.git_hotfix_pick:
    repo: /srv/shop
    name: INC-4711
    commits:
      - main~3
      - main~2..main
    mainline: 1

- name: Apply a patch, and let a person resolve it if it conflicts
  oncall.recovery.git_hotfix_pick:
    repo: /srv/shop
    name: INC-4711
    patches:
      - /tmp/0001-answer-400.patch
    on_conflict: leave
"""

RETURN = r"""
picks:
  description: What became of each change, in the order in which they were given.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The commit, or C(sha256:) and the digest of the patch file.
      type: str
      sample: 4f2a91c07d5b8e6f3a1c9d0e2b4f6a8c0e1d3f5b
    subject:
      description: First line of the commit's message, or name of the patch file.
      type: str
      sample: Answer 400 for an empty cart
    outcome:
      description:
        - V(picked) is one that was brought in, V(contained) one whose change the branch had
          already, V(picked_before) one that an earlier run has brought in.
      type: str
      sample: picked
    commits:
      description: The commits that it became on the hotfix's branch.
      type: list
      elements: str
      sample: [b71d3e5f9a2c4e6d8f0b1a3c5d7e9f1b3d5f7a9c]
commit:
  description:
    - The commit that the branch is at. In check mode, the one that it would be at; it belongs to no
      branch, and O(oncall.recovery.git_hotfix_finish#module:try_commit) takes it.
  returned: success
  type: str
  sample: b71d3e5f9a2c4e6d8f0b1a3c5d7e9f1b3d5f7a9c
conflict:
  description: The change that does not fit.
  returned: on a conflict
  type: dict
  contains:
    change:
      description: The commit or patch.
      type: str
      sample: commit 4f2a91c07d5b (Answer 400 for an empty cart)
    files:
      description: The files that conflict, from the top of the repository.
      type: list
      elements: str
      sample: [shop/cart.py]
    worktree:
      description: Where it waits to be resolved, with O(on_conflict=leave).
      type: str
      sample: /srv/shop/.git/oncall-recovery/hotfix/INC-4711/tree
name:
  description: Name of the hotfix.
  returned: success
  type: str
  sample: INC-4711
branch:
  description: Its branch.
  returned: success, unless it is tried in check mode before it was started
  type: str
  sample: hotfix/INC-4711
base_tag:
  description: The tag that it was started from.
  returned: success, unless it is tried in check mode before it was started
  type: str
  sample: v1.2.3
base_commit:
  description: The commit of that tag.
  returned: success, unless it is tried in check mode before it was started
  type: str
  sample: 9c1f0e2a4b7d8f6e5a3c1b0d9e8f7a6b5c4d3e2f
worktree:
  description: Where it is checked out. Empty once it is finished.
  returned: success, unless it is tried in check mode before it was started
  type: str
  sample: /srv/shop/.git/oncall-recovery/hotfix/INC-4711/tree
checkout:
  description: Which files the worktree has.
  returned: success, unless it is tried in check mode before it was started
  type: str
  sample: sparse
step:
  description: The last step that it has reached, see M(oncall.recovery.git_hotfix_info).
  returned: success
  type: str
  sample: picked
notes:
  description: What else a person should know, such as that a shallow clone was deepened.
  returned: success
  type: list
  elements: str
  sample: []
"""

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._adapter import (
    finish,
    reporting_errors,
    require_at_least,
)
from ansible_collections.oncall.recovery.plugins.module_utils._adapter_git import (
    git_module,
    open_hotfix,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.pick import PickRequest, pick
from ansible_collections.oncall.recovery.plugins.module_utils._options import (
    PRODUCTION_TAG_EXCLUDES,
    PRODUCTION_TAG_OPTIONS,
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    **PRODUCTION_TAG_OPTIONS,
    "name": {"type": "str", "required": True},
    "commits": {"type": "list", "elements": "str"},
    "patches": {"type": "list", "elements": "path"},
    "mainline": {"type": "int"},
    "commit_message": {"type": "str"},
    "on_conflict": {"type": "str", "choices": ["abort", "leave"], "default": "abort"},
    "try_in": {"type": "path"},
}


def main() -> None:
    module = git_module(
        ARGUMENT_SPEC,
        mutually_exclusive=PRODUCTION_TAG_EXCLUDES,
        required_one_of=[("commits", "patches")],
    )
    with reporting_errors(module):
        require_at_least(module.params, mainline=1)
        request = PickRequest.from_options(module.params, dry_run=module.check_mode)
        with open_hotfix(module) as hotfix:
            result = pick(hotfix, request)
    finish(module, result)


if __name__ == "__main__":
    main()
