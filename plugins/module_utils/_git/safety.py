# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is never handed to git: options in disguise, control characters, dangerous transports.

Names of branches, tags, commits and files may come from an alert or from a survey, so they are
hostile until they have been looked at here.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import re
import unicodedata
import urllib.parse

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

# git:// authenticates nobody, ext:: and other helpers run commands.
TRANSPORTS = ("file", "http", "https", "ssh")
LONGEST_NAME = 100
HOTFIX_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}")
URL_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
REMOTE_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
# user@host:path, ssh's short form; a path that has a colon in it begins with / or ./
SCP_LIKE = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>[^@/:]+):(?!:)")
# What `git check-ref-format` refuses anywhere in a name.
FORBIDDEN_IN_REF = re.compile(r"[ ~^:?*\[\\]|\.\.|@\{|//")
FORBIDDEN_IN_REVISION = re.compile(r"[ :?*\[\\]|\.\.|@\{")


def require_plain(option: str, value: str) -> str:
    """Return ``value``, or raise InvalidInput: empty, an option in disguise, or not printable."""
    if not value:
        raise InvalidInput(option, "is empty", "Give it a value")
    if value.startswith("-"):
        raise InvalidInput(
            option, f"{shown(value)} begins with a dash, which git takes for an option", "Rename it"
        )
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise InvalidInput(option, f"{shown(value)} has control characters in it", "Remove them")
    return value


def require_hotfix_name(option: str, value: str) -> str:
    """A name that serves as a folder and as part of a branch."""
    require_plain(option, value)
    if not HOTFIX_NAME.fullmatch(value) or ".." in value or value.endswith((".", ".lock")):
        raise InvalidInput(
            option,
            f"{shown(value)} is no name for a hotfix",
            f"Use letters, digits, dot, dash and underscore, {LONGEST_NAME} at most",
        )
    return value


def require_ref_name(option: str, value: str) -> str:
    """The short name of a branch, tag or remote by the rules of ``git check-ref-format``."""
    require_plain(option, value)
    parts = value.split("/")
    if (
        FORBIDDEN_IN_REF.search(value)
        or value == "@"
        or value.endswith(".")
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    ):
        raise InvalidInput(option, f"{shown(value)} is not a valid name in git", "Correct it")
    return value


def require_ref_pattern(option: str, value: str) -> str:
    """The name of a branch or tag that may hold ``*``, ``?`` and ``[...]``."""
    require_plain(option, value)
    require_ref_name(option, re.sub(r"[*?\[\]]", "x", value))
    return value


def require_revision(option: str, value: str) -> str:
    """A commit as git lets one name it, such as ``4f2a91c``, ``origin/main~2`` or ``v1.2.3``."""
    require_plain(option, value)
    if FORBIDDEN_IN_REVISION.search(value):
        raise InvalidInput(option, f"{shown(value)} does not name a commit", "Correct it")
    return value


def is_url(value: str) -> bool:
    """Whether git would take ``value`` for the address of a repository and not for a path."""
    if URL_SCHEME.match(value) or REMOTE_HELPER.match(value):
        return True
    return not value.startswith(("/", ".", "~")) and SCP_LIKE.match(value) is not None


def require_url(option: str, value: str, *, may_hold_password: bool = False) -> str:
    """The address of a repository, over a transport that runs no command of the address' choice.

    A password in it would end in configurations and process lists; ``may_hold_password`` is for
    an address that is in somebody's configuration already.
    """
    require_plain(option, value)
    scheme = URL_SCHEME.match(value)
    if scheme is None:
        short = SCP_LIKE.match(value)
        if short is None or REMOTE_HELPER.match(value):
            raise _no_transport(option, value)
        _require_host(option, short["host"], short["user"] or "")
        return value
    if scheme[1].lower() not in TRANSPORTS:
        raise _no_transport(option, value)
    try:
        parsed = urllib.parse.urlsplit(value)
        if parsed.port == 0:
            raise ValueError("no port")
    except ValueError:
        # What Python says of it may quote a password.
        raise InvalidInput(option, "is not a URL", "Correct it") from None
    if parsed.password is not None and not may_hold_password:
        raise InvalidInput(
            option,
            "has a password in it, which would show in logs and process lists",
            "Take it out of the URL and set the option token",
        )
    if scheme[1].lower() != "file":
        _require_host(option, parsed.hostname or "", parsed.username or "")
    return value


def shown(value: str) -> str:
    """``value`` in quotes for a message, whatever is in it."""
    return repr(value if len(value) <= LONGEST_NAME else f"{value[:LONGEST_NAME]}...")


def _require_host(option: str, host: str, user: str) -> None:
    if not host or host.startswith("-") or user.startswith("-"):
        raise InvalidInput(option, "names no host that git would connect to", "Correct it")


def _no_transport(option: str, value: str) -> InvalidInput:
    transport = value.partition(":")[0]
    return InvalidInput(
        option,
        f"transport {shown(transport)} is not allowed",
        f"Use one of {', '.join(TRANSPORTS)}",
    )
