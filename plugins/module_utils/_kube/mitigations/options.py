# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of k8s_mitigation as requests.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    DNS_LABEL,
    require_name,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations import (
    applying,
    put_back,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.change import (
    changes_from,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.entry import Story
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.filter import (
    Filter,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Options = Mapping[str, t.Any]

MITIGATION_NAME = re.compile(r"[a-z0-9_-]{1,63}")
DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_TEXT = 500


def request_from(
    options: Options, default_namespace: Callable[[], str], *, dry_run: bool
) -> applying.Request:
    """What to apply. Raises InvalidInput."""
    _require_plain(options, "incident", "reason", "by", "expires_in")
    if options["expired"] or options["all_namespaces"]:
        raise InvalidInput("expired and all_namespaces", "are for state absent", "Leave them out")
    expires_in = options["expires_in"] or ""
    story = Story(
        by=options["by"] or _login(),
        incident=options["incident"] or "",
        reason=options["reason"] or "",
        expires_in=expires_in,
    )
    return applying.Request(
        name=_mitigation_name(options["name"]),
        changes=changes_from(
            options["changes"], _namespace(options["namespace"], default_namespace)
        ),
        story=story,
        seconds=_seconds(expires_in),
        restart=options["restart"],
        force=options["force"],
        dry_run=dry_run,
        wait_seconds=options["wait_timeout"] if options["wait"] else 0,
    )


def put_back_request(
    options: Options, default_namespace: Callable[[], str], *, dry_run: bool
) -> put_back.Request:
    """What to put back. Raises InvalidInput where nothing says what is meant."""
    chosen = filter_from(options)
    if chosen == Filter():
        raise InvalidInput("state absent", "does not say what", "Set name, incident or expired")
    everywhere = options["all_namespaces"]
    return put_back.Request(
        chosen=chosen,
        namespace=None if everywhere else _namespace(options["namespace"], default_namespace),
        force=options["force"],
        dry_run=dry_run,
        wait_seconds=options["wait_timeout"] if options["wait"] else 0,
    )


def filter_from(options: Options) -> Filter:
    """Which mitigations the options ``name``, ``incident`` and ``expired`` mean."""
    _require_plain(options, "incident")
    return Filter(
        name=_mitigation_name(options["name"]) if options["name"] else "",
        incident=options["incident"] or "",
        expired=options["expired"],
    )


def namespaces_from(options: Options, default_namespace: Callable[[], str]) -> list[str] | None:
    """The namespaces that are meant; None for all. Raises InvalidInput."""
    if options["all_namespaces"]:
        return None
    return [_namespace(name, default_namespace) for name in options["namespaces"] or [""]]


def _mitigation_name(name: str) -> str:
    if not MITIGATION_NAME.fullmatch(name):
        raise InvalidInput(
            f"name {name[:80]!r}", "is no name of a mitigation", "Use a-z, 0-9, _ and -, 63 at most"
        )
    return name


def _namespace(name: str | None, default_namespace: Callable[[], str]) -> str:
    return require_name("namespace", name or default_namespace(), DNS_LABEL)


def _require_plain(options: Options, *names: str) -> None:
    """Raise InvalidInput for what would make the ledger unreadable for people."""
    for name in names:
        text = options[name]
        if text is not None and (not text.isprintable() or len(text) > LONGEST_TEXT):
            raise InvalidInput(name, f"is {text[:80]!r}", "Use one line of printable text")


def _seconds(expires_in: str) -> int:
    if not expires_in:
        return 0
    found = DURATION.fullmatch(expires_in)
    if not found:
        raise InvalidInput(
            f"expires_in {expires_in!r}", "is no time", "Write it like 30m, 2h or 1d"
        )
    return int(found[1]) * SECONDS[found[2]]


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
