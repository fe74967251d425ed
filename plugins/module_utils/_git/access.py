# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How git gets to a remote: token, SSH key and certificates, none of them in an argument.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import base64
import dataclasses
import ipaddress
import os
import shlex
import typing as t
import urllib.parse
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import (
    TRANSPORTS,
    require_plain,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# A connection that says nothing for so long is given up.
SILENCE_SECONDS = 60
CONNECT_SECONDS = 15

SETTINGS: tuple[tuple[str, str], ...] = (
    # Nothing in the background while production waits, and nothing that outlives us.
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("core.fsmonitor", "false"),
    # What a user's configuration must not change: which refs are pushed, and what is printed.
    ("push.followTags", "false"),
    ("push.recurseSubmodules", "no"),
    ("submodule.recurse", "false"),
    ("rerere.autoUpdate", "false"),
    ("core.quotePath", "false"),
    ("color.ui", "false"),
    ("log.showSignature", "false"),
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", str(SILENCE_SECONDS)),
)


@dataclasses.dataclass(frozen=True)
class Access:
    """What the options say about reaching the remote, and about who commits.

    ``token`` is sent over HTTP(S) only, as the password of ``token_user``. ``ssh_key`` and
    ``known_hosts`` are paths, as is ``ca_cert``.
    """

    token: str = ""
    token_user: str = "x-access-token"
    ssh_key: str = ""
    known_hosts: str = ""
    ca_cert: str = ""
    committer_name: str = ""
    committer_email: str = ""

    @classmethod
    def from_options(cls, options: Mapping[str, t.Any]) -> Access:
        """Raises InvalidInput for values that could not be passed on safely."""
        given = {field.name: options.get(field.name) or "" for field in dataclasses.fields(cls)}
        for name, value in given.items():
            # The message must not show a token.
            if name == "token":
                if value and not value.isprintable():
                    raise InvalidInput(name, "has control characters in it", "Remove them")
            elif value:
                require_plain(name, value)
        for name in ("ssh_key", "known_hosts", "ca_cert"):
            if given[name] and not Path(given[name]).is_file():
                raise InvalidInput(name, f"there is no file {given[name]}", "Correct the path")
        if ":" in given["token_user"]:
            raise InvalidInput("token_user", "has a colon in it", "Remove it")
        return cls(**{name: value for name, value in given.items() if value})

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown, in every form that is used."""
        return (self.token, self._basic) if self.token else ()

    def sends_token_in_clear(self, url: str) -> bool:
        parsed = urllib.parse.urlsplit(url)
        is_readable = parsed.scheme == "http" and not _is_loopback(parsed.hostname or "")
        return bool(self.token) and is_readable

    def environment(
        self, url: str = "", settings: Sequence[tuple[str, str]] = ()
    ) -> dict[str, str]:
        """What is added to the environment of a git process.

        ``url`` is the address that the token is for; it goes nowhere else. ``settings`` are
        further configuration of this one process.
        """
        added = {
            "GIT_TERMINAL_PROMPT": "0",
            # Messages are given; an editor would wait for somebody.
            "GIT_EDITOR": "true",
            "GIT_ALLOW_PROTOCOL": ":".join(_allowed_transports()),
            **_configuration([*SETTINGS, *settings, *self._authorization(url)]),
        }
        if self.ssh_key or self.known_hosts:
            added["GIT_SSH_COMMAND"] = self._ssh_command()
            added["GIT_SSH_VARIANT"] = "ssh"
        if self.ca_cert:
            added["GIT_SSL_CAINFO"] = self.ca_cert
        for role in ("AUTHOR", "COMMITTER"):
            if self.committer_name:
                added[f"GIT_{role}_NAME"] = self.committer_name
            if self.committer_email:
                added[f"GIT_{role}_EMAIL"] = self.committer_email
        return added

    @property
    def _basic(self) -> str:
        return base64.b64encode(f"{self.token_user}:{self.token}".encode()).decode("ascii")

    def _authorization(self, url: str) -> list[tuple[str, str]]:
        if not self.token or not url.startswith(("http://", "https://")):
            return []
        parsed = urllib.parse.urlsplit(url)
        host = parsed.netloc.rpartition("@")[2]
        key = f"http.{parsed.scheme}://{host}{parsed.path}.extraHeader"
        # The empty value forgets a header that a CI's checkout may have left in the configuration:
        # two of them, and the server refuses both.
        return [(key, ""), (key, f"Authorization: Basic {self._basic}")]

    def _ssh_command(self) -> str:
        options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "ControlPath=none"]
        options += [f"ConnectTimeout={CONNECT_SECONDS}", f"ServerAliveInterval={CONNECT_SECONDS}"]
        command = ["ssh"]
        if self.ssh_key:
            command += ["-i", self.ssh_key]
            options.append("IdentitiesOnly=yes")
        if self.known_hosts:
            # The file may hold a space, and ssh splits the value at spaces itself.
            options += [f'UserKnownHostsFile="{self.known_hosts}"', "GlobalKnownHostsFile=none"]
        for option in options:
            command += ["-o", option]
        return shlex.join(command)


def _configuration(settings: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Settings as ``GIT_CONFIG_COUNT`` and its pairs, behind those that are there already."""
    present = os.environ.get("GIT_CONFIG_COUNT", "")
    first = int(present) if present.isdigit() else 0
    added = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (key, value) in enumerate(settings, first):
        added[f"GIT_CONFIG_KEY_{number}"] = key
        added[f"GIT_CONFIG_VALUE_{number}"] = value
    return added


def _allowed_transports() -> list[str]:
    """Ours, or fewer where the caller's environment allows fewer."""
    theirs = os.environ.get("GIT_ALLOW_PROTOCOL")
    return [name for name in TRANSPORTS if theirs is None or name in theirs.split(":")]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
