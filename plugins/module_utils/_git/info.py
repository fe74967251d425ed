# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is in production, what came after it, and which hotfixes are open.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._git.base import (
    BaseRequest,
    find_base,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import (
    HEADS,
    Remote,
    deepen,
    fetch_missing,
    read_remote,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.start import started_result
from ansible_collections.oncall.recovery.plugins.module_utils._git.state import (
    State,
    all_states,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.version import next_release

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import Repository

# Between the fields of a commit; a subject cannot hold it.
FIELD = "\x1f"


def read_info(
    repository: Repository, remote_name: str, request: BaseRequest, *, most_commits: int
) -> dict[str, t.Any]:
    """The production tag with what came after it, where one is asked for, and all hotfixes.

    Changes no ref; objects that are missing here are fetched. Raises RecoveryError.
    """
    result: dict[str, t.Any] = {
        "changed": False,
        "hotfixes": [hotfix_result(state) for state in all_states(repository)],
        "notes": [],
    }
    if not request:
        return result
    remote = read_remote(repository, remote_name)
    base = find_base(repository, remote, request)
    version, tag = next_release(base.tag, request.tag_format)
    deepened = base.deepened
    branch = request.reachable_from or remote.default_branch or "main"
    commits: list[dict[str, str]] = []
    count = 0
    if remote.branch(branch):
        fetch_missing(repository, remote, [HEADS + branch])
        deepened = deepen(repository, remote, [HEADS + branch], base.commit) or deepened
        commits, count = _commits_since(repository, remote, branch, base.commit, most_commits)
    if deepened:
        result["notes"].append(f"the shallow {repository} was deepened")
    production = {"tag": base.tag, "commit": base.commit, "branch": branch}
    return {
        **result,
        "production": {**production, "commits_since": commits, "commits_since_count": count},
        "next_version": version,
        "next_tag": tag,
        "next_tag_exists": bool(tag and remote.tag(tag)),
    }


def hotfix_result(state: State) -> dict[str, t.Any]:
    """One hotfix, and how far it got."""
    picking, release = state.picking, state.release
    return {
        **started_result(state),
        "created": state.created,
        "picks": state.picks,
        "conflict_left": bool(picking and picking.is_left),
        "finished": state.is_finished,
        "version": release.version if release else "",
        "tag": release.tag if release else "",
    }


def _commits_since(
    repository: Repository, remote: Remote, branch: str, base: str, most: int
) -> tuple[list[dict[str, str]], int]:
    span = (remote.refs[HEADS + branch], f"^{base}")
    count = int(repository.read("rev-list", "--count", *span))
    layout = FIELD.join(("%H", "%an", "%cI", "%s"))
    lines = repository.run("log", f"--max-count={most}", f"--format={layout}", *span).lines
    commits = []
    for line in lines:
        name, author, date, subject = _fields(line)
        commits.append({"commit": name, "author": author, "date": date, "subject": subject})
    return commits, count


def _fields(line: str) -> list[str]:
    fields = line.split(FIELD, 3)
    if len(fields) != 4:
        raise RecoveryError("git log", f"printed a line that has not 4 fields: {line[:80]}")
    return fields
