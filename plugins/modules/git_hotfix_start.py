#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: git_hotfix_start
short_description: Start a hotfix from the production tag
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Makes a branch at the production tag, in a worktree of its own. The caller's checkout, index and
    stash are not touched.
  - What was done is kept in the repository's own git folder, so that a run that was killed goes on
    where it was.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.actiongroup_git
  - oncall.recovery._git
  - oncall.recovery._production_tag
attributes:
  check_mode:
    support: full
    details:
      - Finds the tag and checks that the branch is free. No ref changes. Commits that are missing
        in the clone are fetched, and a URL is cloned.
  diff_mode:
    support: none
    details:
      - There are no files to compare yet.
  idempotent:
    support: full
options:
  name:
    description:
      - Name of the hotfix, such as an incident's number. The other modules find it by this name.
    type: str
    required: true
  branch:
    description:
      - Name of its branch. Without it, C(hotfix/) and O(name).
    type: str
  worktree:
    description:
      - A new or empty folder to check the hotfix out in. Without it, a folder inside the
        repository's git folder.
    type: path
  checkout:
    description:
      - V(sparse) checks out the files at the top of the repository only, which takes the same time
        however large it is. Picking and merging need no more.
      - V(full) checks all files out, for tests to run or for a person to work in it. A sparse
        worktree is filled when the module is run again with it. Submodules are not fetched.
    type: str
    choices:
      - sparse
      - full
    default: sparse
  state:
    description:
      - V(present) starts the hotfix, V(aborted) removes its worktree, branch, unpushed tag and
        state. What is pushed stays.
    type: str
    choices:
      - present
      - aborted
    default: present
seealso:
  - module: oncall.recovery.git_hotfix_pick
  - module: oncall.recovery.git_hotfix_finish
notes:
  - "The usual errors: there is no such tag; the tag is another commit here than on the remote; the
    branch exists already; git does not know who commits."
"""

EXAMPLES = r"""
- name: Start a hotfix from the tag that is in production
  oncall.recovery.git_hotfix_start:
    repo: /srv/shop
    from_tag: v1.2.3
    name: INC-4711

- name: Start from the newest release of a large repository, without the content of its files
  oncall.recovery.git_hotfix_start:
    repo: https://git.example/shop/web.git
    clone_filter: blob:none
    from_pattern: v*
    name: INC-4711
    committer_name: Release Robot
    committer_email: robot@shop.example

- name: Start from what runs
  oncall.recovery.git_hotfix_start:
    repo: /srv/shop
    from_running:
      image: registry.example/shop/web:1.2.3
      revision: 9c1f0e2a4b7d8f6e5a3c1b0d9e8f7a6b5c4d3e2f
    name: INC-4711

- name: Give it up
  oncall.recovery.git_hotfix_start:
    repo: /srv/shop
    name: INC-4711
    state: aborted
"""

RETURN = r"""
name:
  description: Name of the hotfix.
  returned: when there is one
  type: str
  sample: INC-4711
branch:
  description: Its branch.
  returned: when there is one
  type: str
  sample: hotfix/INC-4711
base_tag:
  description: The tag that it was started from.
  returned: when there is one
  type: str
  sample: v1.2.3
base_commit:
  description: The commit of that tag.
  returned: when there is one
  type: str
  sample: 9c1f0e2a4b7d8f6e5a3c1b0d9e8f7a6b5c4d3e2f
worktree:
  description: Where it is checked out. Empty once it is finished.
  returned: when there is one
  type: str
  sample: /srv/shop/.git/oncall-recovery/hotfix/INC-4711/tree
checkout:
  description: Which files the worktree has.
  returned: when there is one
  type: str
  sample: sparse
step:
  description: The last step that it has reached, see M(oncall.recovery.git_hotfix_info).
  returned: when there is one
  type: str
  sample: started
next_version:
  description: The next patch. Empty where the tag holds no version.
  returned: with O(state=present)
  type: str
  sample: 1.2.4
next_tag:
  description: The tag of the next patch. Empty where the production tag holds no version.
  returned: with O(state=present)
  type: str
  sample: v1.2.4
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
)
from ansible_collections.oncall.recovery.plugins.module_utils._adapter_git import (
    git_module,
    open_hotfix,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.start import (
    StartRequest,
    abort,
    start,
)
from ansible_collections.oncall.recovery.plugins.module_utils._options import (
    PRODUCTION_TAG_EXCLUDES,
    PRODUCTION_TAG_OPTIONS,
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    **PRODUCTION_TAG_OPTIONS,
    "name": {"type": "str", "required": True},
    "branch": {"type": "str"},
    "worktree": {"type": "path"},
    "checkout": {"type": "str", "choices": ["sparse", "full"], "default": "sparse"},
    "state": {"type": "str", "choices": ["present", "aborted"], "default": "present"},
}


def main() -> None:
    module = git_module(
        ARGUMENT_SPEC,
        mutually_exclusive=PRODUCTION_TAG_EXCLUDES,
        required_if=[("state", "present", ("from_tag", "from_pattern", "from_running"), True)],
    )
    with reporting_errors(module):
        request = StartRequest.from_options(module.params, dry_run=module.check_mode)
        with open_hotfix(module) as hotfix:
            if module.params["state"] == "aborted":
                result = abort(hotfix, dry_run=module.check_mode)
            else:
                result = start(hotfix, request)
    finish(module, result)


if __name__ == "__main__":
    main()
