#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: git_hotfix_info
short_description: Show the production tag, what came after it, and the hotfixes that are open
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Lists the hotfixes that were started in a repository and the step that each has reached.
  - With O(from_tag), O(from_pattern) or O(from_running) it also says which tag is in production,
    which commits came after it, and which version a hotfix would get.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.info_module
  - oncall.recovery._attributes.actiongroup_git
  - oncall.recovery._git
  - oncall.recovery._production_tag
options:
  most_commits:
    description:
      - How many of the commits since the production tag are listed, the newest first.
    type: int
    default: 50
seealso:
  - module: oncall.recovery.git_hotfix_start
notes:
  - No ref is changed. Commits that are missing in the clone are fetched, and a URL is cloned.
  - "The usual errors: there is no such tag; no tag matches the pattern; the server wants a token."
"""

EXAMPLES = r"""
- name: See what is in production and what a hotfix would be called
  oncall.recovery.git_hotfix_info:
    repo: /srv/shop
    from_pattern: v*
  register: state

- name: Show the commits that are not in production yet
  ansible.builtin.debug:
    msg: "{{ item.commit[:12] }} {{ item.subject }}"
  loop: "{{ state.production.commits_since }}"
  loop_control:
    label: "{{ item.commit[:12] }}"

- name: Find hotfixes that wait for somebody to resolve a conflict
  oncall.recovery.git_hotfix_info:
    repo: /srv/shop
  register: waiting
  failed_when: waiting.hotfixes | selectattr('conflict_left') | length > 0
"""

RETURN = r"""
production:
  description: The production tag.
  returned: with O(from_tag), O(from_pattern) or O(from_running)
  type: dict
  contains:
    tag:
      description: Its name.
      type: str
      sample: v1.2.3
    commit:
      description: The commit that it leads to.
      type: str
      sample: 9c1f0e2a4b7d8f6e5a3c1b0d9e8f7a6b5c4d3e2f
    branch:
      description: The branch whose commits are counted.
      type: str
      sample: main
    commits_since:
      description: Commits of the branch that the tag does not have. O(most_commits) at most.
      type: list
      elements: dict
      sample:
        - commit: 4f2a91c07d5b8e6f3a1c9d0e2b4f6a8c0e1d3f5b
          author: Ada
          date: "2026-11-23T10:42:07+00:00"
          subject: Answer 400 for an empty cart
    commits_since_count:
      description: How many there are in all.
      type: int
      sample: 14
next_version:
  description: The next patch. Empty where the tag holds no version.
  returned: with O(from_tag), O(from_pattern) or O(from_running)
  type: str
  sample: 1.2.4
next_tag:
  description: The tag of the next patch. Empty where the production tag holds no version.
  returned: with O(from_tag), O(from_pattern) or O(from_running)
  type: str
  sample: v1.2.4
next_tag_exists:
  description: Whether the remote has that tag already, so that another version must be named.
  returned: with O(from_tag), O(from_pattern) or O(from_running)
  type: bool
  sample: false
hotfixes:
  description: The hotfixes that were started in this repository, the newest first.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the hotfix.
      type: str
      sample: INC-4711
    branch:
      description: Its branch.
      type: str
      sample: hotfix/INC-4711
    base_tag:
      description: The tag that it was started from.
      type: str
      sample: v1.2.3
    base_commit:
      description: The commit of that tag.
      type: str
      sample: 9c1f0e2a4b7d8f6e5a3c1b0d9e8f7a6b5c4d3e2f
    worktree:
      description: Where it is checked out. Empty once it is finished.
      type: str
      sample: /srv/shop/.git/oncall-recovery/hotfix/INC-4711/tree
    checkout:
      description: Which files the worktree has.
      type: str
      sample: sparse
    step:
      description:
        - The last step that it has reached; V(started), V(picked), V(prepared), V(tagged),
          V(pushed) or V(finished).
      type: str
      sample: picked
    created:
      description: When it was started (UTC).
      type: str
      sample: "2026-11-23T10:42:07Z"
    picks:
      description: What was brought in, as M(oncall.recovery.git_hotfix_pick) returns it.
      type: list
      elements: dict
      sample: []
    conflict_left:
      description: Whether a conflict waits in the worktree.
      type: bool
      sample: false
    finished:
      description: Whether it is released.
      type: bool
      sample: false
    version:
      description: The version it is released as. Empty until it is finished or tried to be.
      type: str
      sample: ""
    tag:
      description: The tag of that version.
      type: str
      sample: ""
notes:
  description: What else a person should know, such as that a shallow clone was deepened.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible_collections.oncall.recovery.plugins.module_utils._adapter import (
    finish,
    reporting_errors,
    require_at_least,
)
from ansible_collections.oncall.recovery.plugins.module_utils._adapter_git import (
    git_module,
    open_repository,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.base import BaseRequest
from ansible_collections.oncall.recovery.plugins.module_utils._git.info import read_info
from ansible_collections.oncall.recovery.plugins.module_utils._options import (
    PRODUCTION_TAG_EXCLUDES,
    PRODUCTION_TAG_OPTIONS,
)


def main() -> None:
    module = git_module(
        {**PRODUCTION_TAG_OPTIONS, "most_commits": {"type": "int", "default": 50}},
        mutually_exclusive=PRODUCTION_TAG_EXCLUDES,
    )
    options = module.params
    with reporting_errors(module):
        require_at_least(options, most_commits=0)
        request = BaseRequest.from_options(options)
        result = read_info(
            open_repository(module),
            options["remote"],
            request,
            most_commits=options["most_commits"],
        )
    finish(module, result)


if __name__ == "__main__":
    main()
