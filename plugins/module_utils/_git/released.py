# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What finishing a hotfix says: its result, its refusal, and the message of its tag.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._git.change import PICKED
from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import TAGS
from ansible_collections.oncall.recovery.plugins.module_utils._git.start import started_result

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import (
        Refusal,
        Remote,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._git.state import State


def released_result(state: State) -> dict[str, t.Any]:
    """The release, with what became of each branch."""
    release = state.prepared
    targets = [
        {
            "branch": branch,
            "commit": target.get("to", ""),
            "outcome": _outcome(target),
            "url": release.requests.get(branch, ""),
        }
        for branch, target in release.targets.items()
    ]
    return {
        **started_result(state),
        "version": release.version,
        "tag": release.tag,
        "commit": release.head,
        "forward": release.forward,
        "targets": targets,
        "pushed": [],
        "notes": [],
    }


def _outcome(target: Mapping[str, str]) -> str:
    if not target:
        return "requested"
    return "up_to_date" if target["to"] == target["from"] else "pushed"


def push_refused(state: State, remote: Remote, refusal: Refusal) -> RecoveryError:
    """Why nothing was pushed, and what to do about it."""
    release = state.prepared
    refs = "; ".join(f"{ref}: {reason}" for ref, reason in sorted(refusal.refs.items()))
    said = f". The server said: {' '.join(refusal.said)}" if refusal.said else ""
    next_step = "Where a branch is protected, run again with forward=merge_request"
    if remote.tag(release.tag):
        next_step = f"Somebody made {TAGS}{release.tag} meanwhile: name another version"
    return RecoveryError(
        f"hotfix {state.name}",
        f"{remote.name} refused the push, so nothing was pushed ({refs}){said}",
        next_step,
        refused=refusal.refs,
    )


def default_message(state: State) -> str:
    """The message of a tag where the caller has none."""
    release = state.prepared
    picks = [f"- {entry['subject']}" for entry in state.picks if entry["outcome"] == PICKED]
    lines = [f"Hotfix {release.version} ({state.name})", "", f"From {state.base_tag}:", *picks]
    return "\n".join(lines) + "\n"
