# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands inside of containers, for what no API tells; only such as are allowed, word by word.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import json
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import remaining
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import object_path
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.grouping import shown

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

# They read only, end by themselves, and show no environment, where secrets are.
ALLOWED: tuple[tuple[str, ...], ...] = (
    ("cat", "/proc/meminfo"),
    ("cat", "/proc/loadavg"),
    ("cat", "/proc/net/sockstat"),
    ("cat", "/etc/resolv.conf"),
    ("date",),
    ("df", "-h"),
    ("free", "-m"),
    ("id",),
    ("netstat", "-tn"),
    ("ps", "aux"),
    ("ps",),
    ("ss", "-tn"),
    ("top", "-b", "-n", "1"),
    ("uptime",),
)
MOST_PODS = 3
MOST_BYTES = 16 * 1024
# https://kubernetes.io/docs/reference/ has the channels of v4.channel.k8s.io: the first byte.
STDOUT, STDERR, STATUS = 1, 2, 3


@dataclasses.dataclass(frozen=True)
class Place:
    """A container that runs."""

    namespace: str
    pod: str
    container: str


def allowed_commands(
    wanted: Sequence[t.Any], allowed: Sequence[t.Any] | None
) -> list[tuple[str, ...]]:
    """The commands, each a list of words; raises InvalidInput for one that is not allowed."""
    known = {tuple(_words("exec_allowed", one)) for one in allowed or []}
    if allowed is None:
        known = set(ALLOWED)
    commands = [tuple(_words("exec", one)) for one in wanted]
    for command in commands:
        if command not in known:
            raise InvalidInput(
                "exec", f"{' '.join(command)!r} is not allowed", "Add it to exec_allowed"
            )
    return commands


def places_for(pods: Iterable[Mapping[str, t.Any]]) -> list[Place]:
    """The first running container of a few pods, in the order of the pods."""
    found = []
    for pod in pods:
        running = [c for c in pod["containers"] if c["state"] == "running" and not c["init"]]
        if running and not pod["terminating"]:
            found.append(Place(pod["namespace"], pod["name"], running[0]["name"]))
    return found[:MOST_PODS]


def run_command(
    client: Client, place: Place, command: Sequence[str], seconds: float
) -> dict[str, t.Any]:
    """Run it and return what it said, secrets masked. Raises RecoveryError."""
    subject = f"{' '.join(command)} in {place.namespace}/{place.pod}/{place.container}"
    query = [("container", place.container), ("stdout", "true"), ("stderr", "true")]
    query += [("command", word) for word in command]
    path = f"{object_path('pods', place.namespace, place.pod, '/api/v1')}/exec"
    deadline = time.monotonic() + seconds
    channel = client.open_channel(path, subject=subject, query=query, seconds=seconds)
    try:
        output, code = _read(channel, subject, deadline)
    finally:
        channel.shutdown()
    return {
        **dataclasses.asdict(place),
        "command": list(command),
        "rc": code,
        "stdout": shown(output[STDOUT].decode("utf-8", "replace")),
        "stderr": shown(output[STDERR].decode("utf-8", "replace")),
    }


def _read(channel: t.Any, subject: str, deadline: float) -> tuple[dict[int, bytearray], int]:
    import websocket

    output = {STDOUT: bytearray(), STDERR: bytearray()}
    try:
        while True:
            channel.settimeout(max(remaining(deadline), 0.1))
            frame = channel.recv()
            data = frame.encode() if isinstance(frame, str) else frame
            if not data:
                raise RecoveryError(subject, "it ended without saying how")
            if data[0] == STATUS:
                return output, _exit_code(data[1:])
            if data[0] in output and len(output[data[0]]) < MOST_BYTES:
                output[data[0]] += data[1 : MOST_BYTES + 1]
            if not remaining(deadline):
                raise RecoveryError(subject, "it did not end within the budget")
    except (OSError, websocket.WebSocketException) as error:
        raise RecoveryError(subject, f"the connection broke ({error})") from error


def _exit_code(status: bytes) -> int:
    """From the ``Status`` object; -1 where the command could not be started."""
    told = json.loads(status)
    if told.get("status") == "Success":
        return 0
    for cause in (told.get("details") or {}).get("causes") or []:
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    return -1


def _words(option: str, given: t.Any) -> list[str]:
    """A command as a list of words; text is split at spaces and knows no quotes."""
    words = given.split() if isinstance(given, str) else given
    if not isinstance(words, list) or not words or not all(isinstance(w, str) for w in words):
        raise InvalidInput(option, f"{given!r} is no command", "Write it as a list of words")
    if not all(word.isprintable() for word in words):
        raise InvalidInput(option, "has a command with control characters", "Leave them out")
    return words
