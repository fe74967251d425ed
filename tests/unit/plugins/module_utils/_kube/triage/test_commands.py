# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands inside of containers: only those that are allowed, word by word."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.commands import (
    Place,
    allowed_commands,
    places_for,
    run_command,
)

PLACE = Place("shop", "web-1", "web")


class Channel:
    """Hands out frames; the first byte of each is its channel."""

    def __init__(self, *frames: Any) -> None:
        self._frames = iter(frames)
        self.is_shut = False

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def recv(self) -> Any:
        frame = next(self._frames)
        if isinstance(frame, Exception):
            raise frame
        return frame

    def shutdown(self) -> None:
        self.is_shut = True


class Client:
    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.asked: list[tuple[str, Any]] = []

    def open_channel(self, path: str, *, subject: str, query: Any, seconds: float) -> Channel:
        self.asked.append((path, query))
        return self.channel


def status(**fields: Any) -> bytes:
    return b"\x03" + json.dumps(fields).encode()


SUCCESS = status(status="Success")
EXIT_2 = status(status="Failure", details={"causes": [{"reason": "ExitCode", "message": "2"}]})


@pytest.mark.parametrize(
    ("wanted", "allowed"),
    [
        pytest.param([["cat", "/proc/meminfo"]], None, id="one that reads only"),
        pytest.param(["ss -tn"], None, id="as text"),
        pytest.param([["jstack", "1"]], [["jstack", "1"]], id="one that the team allows"),
        pytest.param([], None, id="none"),
    ],
)
def test_allowed_command_passes(wanted: list[Any], allowed: Any) -> None:
    commands = allowed_commands(wanted, allowed)
    assert [" ".join(one) for one in commands] == [
        one if isinstance(one, str) else " ".join(one) for one in wanted
    ]


@pytest.mark.parametrize(
    ("wanted", "allowed"),
    [
        pytest.param([["rm", "-rf", "/"]], None, id="one that is not on the list"),
        pytest.param([["cat", "/proc/meminfo", "/etc/passwd"]], None, id="a word more"),
        pytest.param([["cat"]], None, id="a word less"),
        pytest.param([["cat /proc/meminfo"]], None, id="two words as one"),
        pytest.param([["sh", "-c", "ps"]], None, id="a shell"),
        pytest.param(["ps; id"], None, id="two commands"),
        pytest.param([["ps"]], [["id"]], id="the team's list replaces ours"),
        pytest.param([["ps"]], [], id="the team allows nothing"),
        pytest.param([[]], None, id="nothing"),
        pytest.param([{"ps": 1}], None, id="no list"),
        pytest.param([["ps", 1]], None, id="no text"),
        pytest.param([["ps\n"]], [["ps\n"]], id="a line end"),
    ],
)
def test_other_command_is_refused(wanted: list[Any], allowed: Any) -> None:
    with pytest.raises(InvalidInput):
        allowed_commands(wanted, allowed)


def test_output_and_exit_code_are_told_and_secrets_masked() -> None:
    client = Client(
        Channel(b"\x01", b"\x01password=hunter2\n", b"\x01more", b"\x02oh\x1b[2J", EXIT_2)
    )
    told = run_command(client, PLACE, ("ps", "aux"), 5)  # type: ignore[arg-type]
    assert told["rc"] == 2
    assert told["stdout"] == "password=********\nmore"
    assert told["stderr"] == "oh?[2J"
    assert client.channel.is_shut
    path, query = client.asked[0]
    assert path == "/api/v1/namespaces/shop/pods/web-1/exec"
    assert [value for name, value in query if name == "command"] == ["ps", "aux"]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param(SUCCESS, 0, id="success"),
        pytest.param(status(status="Failure", message="no such file"), -1, id="never started"),
    ],
)
def test_exit_code_comes_from_the_status(frame: bytes, code: int) -> None:
    told = run_command(Client(Channel(frame)), PLACE, ("ps",), 5)  # type: ignore[arg-type]
    assert told["rc"] == code


def test_output_is_bounded() -> None:
    frames = [b"\x01" + b"x" * 10_000 for _number in range(50)]
    told = run_command(Client(Channel(*frames, SUCCESS)), PLACE, ("ps",), 5)  # type: ignore[arg-type]
    assert len(told["stdout"]) <= 2000


@pytest.mark.parametrize(
    "frame", [b"", TimeoutError("timed out")], ids=["closed without a status", "too long"]
)
def test_broken_channel_is_said_and_shut(frame: Any) -> None:
    channel = Channel(b"\x01half", frame)
    with pytest.raises(RecoveryError) as error:
        run_command(Client(channel), PLACE, ("ps",), 5)  # type: ignore[arg-type]
    assert "ps in shop/web-1/web" in error.value.message
    assert channel.is_shut


def test_command_that_talks_without_end_is_cut_off() -> None:
    class Endless(Channel):
        def recv(self) -> bytes:
            time.sleep(0.01)
            return b"\x01x"

    with pytest.raises(RecoveryError, match="did not end within the budget"):
        run_command(Client(Endless()), PLACE, ("top",), 0.2)  # type: ignore[arg-type]


def test_first_container_that_runs_is_taken_of_three_pods_at_most() -> None:
    def container(state: str, **fields: Any) -> dict[str, Any]:
        return {"name": state, "state": state, "init": False, **fields}

    def pod(name: str, *containers: dict[str, Any], terminating: bool = False) -> dict[str, Any]:
        return {
            "namespace": "shop",
            "name": name,
            "terminating": terminating,
            "containers": list(containers),
        }

    pods = [
        pod("crashed", container("waiting")),
        pod("starting", container("running", init=True)),
        pod("ending", container("running"), terminating=True),
        *(pod(f"web-{n}", container("waiting"), container("running")) for n in range(5)),
    ]
    assert places_for(pods) == [Place("shop", f"web-{n}", "running") for n in range(3)]
