#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: git_hotfix_finish
short_description: Release a hotfix with one atomic push
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Tags the hotfix, brings it back into the branches that need it, and pushes the tag and the
    branches with one C(git push --atomic). Nothing is pushed if any part would be refused.
  - The tag is put on the hotfix's branch, so a release holds the production tag and the fix, and
    nothing else of the main branch.
  - Worktree and local branch are removed afterwards, since the tag leads to all that was released.
    O(keep_worktree) leaves the worktree for a build.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.actiongroup_git
  - oncall.recovery._git
  - oncall.recovery._production_tag
attributes:
  check_mode:
    support: full
    details:
      - Merges in a worktree that is thrown away, and asks the server with C(git push --dry-run).
        Hooks of the server do not run then. No ref changes.
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
  version:
    description:
      - Version of the release, such as V(1.2.4), or its whole tag. Without it, the next patch after
        the production tag.
      - Refused if the tag exists, here or on the remote.
    type: str
  tag_message:
    description:
      - Message of the tag. Without it, the version, the name and the subjects of the commits.
    type: str
  sign:
    description:
      - How the tag is signed. With V(none) it is annotated, and git's own C(tag.gpgSign) decides.
    type: str
    choices:
      - none
      - gpg
      - ssh
    default: none
  signing_key:
    description:
      - Name of the GPG key, or path of the SSH key. Without it, git's own C(user.signingKey).
    type: str
  merge_into:
    description:
      - Branches of the remote that get the fix. A pattern such as V(release/*) stands for the
        branches that match it and contain the production tag; older releases are skipped, and said.
    type: list
    elements: str
    default:
      - main
  forward:
    description:
      - V(merge) merges the hotfix into the branches with C(--no-ff).
      - V(cherry_pick) picks its commits onto them instead, for histories without merges.
      - V(merge_request) pushes the hotfix's branch and asks for merges, for branches that are
        protected or where the merge conflicts. With O(token), on GitHub and GitLab, the requests
        are opened; otherwise the pages that open them are returned.
    type: str
    choices:
      - merge
      - cherry_pick
      - merge_request
    default: merge
  forge:
    description:
      - What the server is, for O(forward=merge_request). Without it, the name of its host tells.
    type: str
    choices:
      - github
      - gitlab
      - none
  api_url:
    description:
      - URL of the server's REST API, where it is not at its usual place. The token is sent there.
    type: str
  try_commit:
    description:
      - In check mode, the commit to try the release with, in the place of the hotfix's branch, such
        as M(oncall.recovery.git_hotfix_pick) returns it in check mode.
      - Outside of check mode this does nothing.
    type: str
  keep_worktree:
    description:
      - Whether the worktree stays, with all files and on the released commit, for a build to use.
      - Running the module again with V(false) removes it, and with V(true) makes it anew.
    type: bool
    default: false
seealso:
  - module: oncall.recovery.git_hotfix_start
  - module: oncall.recovery.git_hotfix_pick
notes:
  - "The usual errors: the tag exists; the merge conflicts, with the files in RV(conflict); the
    server refuses the push, with what it said; the hotfix has no commit. The remote is then as it
    was, and running the module again, perhaps with other options, goes on."
  - If somebody pushes to one of the branches meanwhile, the merge is made again, three times at
    most.
"""

EXAMPLES = r"""
- name: Release the hotfix and merge it into main
  oncall.recovery.git_hotfix_finish:
    repo: /srv/shop
    name: INC-4711

- name: Merge it into the open release branches, too, and sign the tag
  oncall.recovery.git_hotfix_finish:
    repo: /srv/shop
    name: INC-4711
    merge_into:
      - main
      - release/*
    sign: ssh
    signing_key: /home/robot/.ssh/id_ed25519

- name: Ask for a merge request, because main is protected
  oncall.recovery.git_hotfix_finish:
    repo: https://gitlab.example/shop/web.git
    name: INC-4711
    forward: merge_request
    token: "{{ vault_gitlab_token }}"
"""

RETURN = r"""
version:
  description: Version of the release.
  returned: success
  type: str
  sample: 1.2.4
tag:
  description: Its tag.
  returned: success
  type: str
  sample: v1.2.4
commit:
  description: The commit that is released.
  returned: success
  type: str
  sample: b71d3e5f9a2c4e6d8f0b1a3c5d7e9f1b3d5f7a9c
forward:
  description: How the branches get the fix.
  returned: success
  type: str
  sample: merge
targets:
  description: The branches that get the fix.
  returned: success
  type: list
  elements: dict
  contains:
    branch:
      description: Name of the branch.
      type: str
      sample: main
    outcome:
      description:
        - V(pushed) is one that has the fix now, V(up_to_date) one that had it already, V(requested)
          one that gets it by a merge request.
      type: str
      sample: pushed
    commit:
      description: The commit that the branch is at. Empty for V(requested).
      type: str
      sample: 0d9e8f7a6b5c4d3e2f9c1f0e2a4b7d8f6e5a3c1b
    url:
      description: The merge request, or the page that opens one. Empty where there is none.
      type: str
      sample: ""
pushed:
  description: The refs that were pushed. Empty in check mode, and where it was finished before.
  returned: success
  type: list
  elements: str
  sample: [refs/heads/main, refs/tags/v1.2.4]
conflict:
  description: The branch that does not take the fix.
  returned: on a conflict
  type: dict
  contains:
    branch:
      description: Name of the branch.
      type: str
      sample: main
    change:
      description: What conflicts.
      type: str
      sample: the merge of v1.2.4
    files:
      description: The files that conflict, from the top of the repository.
      type: list
      elements: str
      sample: [shop/cart.py]
refused:
  description: What was said of each ref, where the push was refused.
  returned: when the push was refused
  type: dict
  sample: {"refs/heads/main": "[remote rejected] (pre-receive hook declined)"}
name:
  description: Name of the hotfix.
  returned: success
  type: str
  sample: INC-4711
branch:
  description: Its branch.
  returned: success
  type: str
  sample: hotfix/INC-4711
base_tag:
  description: The tag that it was started from.
  returned: success
  type: str
  sample: v1.2.3
base_commit:
  description: The commit of that tag.
  returned: success
  type: str
  sample: 9c1f0e2a4b7d8f6e5a3c1b0d9e8f7a6b5c4d3e2f
worktree:
  description: Where it is checked out. Empty once it is finished.
  returned: success
  type: str
  sample: ""
checkout:
  description: Which files the worktree had.
  returned: success
  type: str
  sample: sparse
step:
  description: The last step that it has reached, see M(oncall.recovery.git_hotfix_info).
  returned: success
  type: str
  sample: finished
notes:
  description:
    - What else a person should know, such as branches that a pattern matched and that were skipped.
  returned: success
  type: list
  elements: str
  sample: [release/1.1 does not contain v1.2.3, so it was skipped]
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
from ansible_collections.oncall.recovery.plugins.module_utils._git.finish import release_hotfix
from ansible_collections.oncall.recovery.plugins.module_utils._git.finish_request import (
    FinishRequest,
)
from ansible_collections.oncall.recovery.plugins.module_utils._options import (
    PRODUCTION_TAG_EXCLUDES,
    PRODUCTION_TAG_OPTIONS,
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    **PRODUCTION_TAG_OPTIONS,
    "name": {"type": "str", "required": True},
    "version": {"type": "str"},
    "tag_message": {"type": "str"},
    "sign": {"type": "str", "choices": ["none", "gpg", "ssh"], "default": "none"},
    "signing_key": {"type": "str", "no_log": False},
    "merge_into": {"type": "list", "elements": "str", "default": ["main"]},
    "forward": {
        "type": "str",
        "choices": ["merge", "cherry_pick", "merge_request"],
        "default": "merge",
    },
    "forge": {"type": "str", "choices": ["github", "gitlab", "none"]},
    "api_url": {"type": "str"},
    "try_commit": {"type": "str"},
    "keep_worktree": {"type": "bool", "default": False},
}


def main() -> None:
    module = git_module(ARGUMENT_SPEC, mutually_exclusive=PRODUCTION_TAG_EXCLUDES)
    with reporting_errors(module):
        request = FinishRequest.from_options(module.params, dry_run=module.check_mode)
        with open_hotfix(module) as hotfix:
            result = release_hotfix(hotfix, request)
    finish(module, result)


if __name__ == "__main__":
    main()
