# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What git gets to reach a remote, and by which way."""

from __future__ import annotations

import base64
import shlex
from pathlib import Path

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._git.access import Access

URL = "https://git.example/shop/web.git"


def configured(environment: dict[str, str]) -> list[tuple[str, str]]:
    """The pairs of GIT_CONFIG_COUNT, in their order."""
    first = [int(name[15:]) for name in environment if name.startswith("GIT_CONFIG_KEY_")]
    return [
        (environment[f"GIT_CONFIG_KEY_{n}"], environment[f"GIT_CONFIG_VALUE_{n}"])
        for n in sorted(first)
    ]


def headers(environment: dict[str, str]) -> list[tuple[str, str]]:
    return [pair for pair in configured(environment) if "extraHeader" in pair[0]]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_COUNT", "GIT_ALLOW_PROTOCOL"):
        monkeypatch.delenv(name, raising=False)


def test_token_is_sent_to_its_own_repository_and_replaces_what_is_configured() -> None:
    access = Access(token="s3cret", token_user="robot")
    key = "http.https://git.example/shop/web.git.extraHeader"
    basic = base64.b64encode(b"robot:s3cret").decode()
    assert headers(access.environment(URL)) == [
        (key, ""),
        (key, f"Authorization: Basic {basic}"),
    ]
    assert access.secrets == ("s3cret", basic)


def test_name_of_a_user_in_the_url_is_no_part_of_the_key() -> None:
    pairs = headers(Access(token="s").environment("https://me@git.example:8443/x"))
    assert pairs[0][0] == "http.https://git.example:8443/x.extraHeader"


@pytest.mark.parametrize("url", ["", "ssh://git@git.example/x", "git@git.example:x", "file:///x"])
def test_token_goes_nowhere_else(url: str) -> None:
    assert "s3cret" not in repr(Access(token="s3cret").environment(url))
    assert headers(Access(token="s3cret").environment(url)) == []


def test_configuration_of_the_caller_is_extended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    added = Access().environment(settings=[("a.b", "c")])
    assert "GIT_CONFIG_KEY_1" not in added
    pairs = configured(added)
    assert pairs[-1] == ("a.b", "c")
    assert int(added["GIT_CONFIG_COUNT"]) == 2 + len(pairs)
    assert "PATH" not in added


@pytest.mark.parametrize(
    ("callers", "expected"),
    [(None, "file:http:https:ssh"), ("https:ext:ssh", "https:ssh"), ("", "")],
)
def test_transports_are_ours_or_fewer(
    monkeypatch: pytest.MonkeyPatch, callers: str | None, expected: str
) -> None:
    if callers is not None:
        monkeypatch.setenv("GIT_ALLOW_PROTOCOL", callers)
    assert Access().environment()["GIT_ALLOW_PROTOCOL"] == expected


def test_nobody_is_asked_for_anything() -> None:
    added = Access(ssh_key="/k").environment()
    assert added["GIT_TERMINAL_PROMPT"] == "0"
    assert added["GIT_EDITOR"] == "true"
    assert "BatchMode=yes" in added["GIT_SSH_COMMAND"]


def test_ssh_checks_host_keys_against_the_file_given() -> None:
    access = Access(ssh_key="/keys/my key", known_hosts="/keys/known hosts")
    command = shlex.split(access.environment()["GIT_SSH_COMMAND"])
    assert command[:3] == ["ssh", "-i", "/keys/my key"]
    assert "StrictHostKeyChecking=yes" in command
    assert 'UserKnownHostsFile="/keys/known hosts"' in command


def test_ssh_of_the_caller_stays_where_nothing_is_given() -> None:
    assert "GIT_SSH_COMMAND" not in Access(token="x").environment(URL)


def test_committer_is_named_in_the_environment() -> None:
    added = Access(committer_name="Robot", committer_email="r@x").environment()
    assert {name: added[name] for name in added if name.startswith(("GIT_A", "GIT_COM"))} == {
        "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
        "GIT_AUTHOR_NAME": "Robot",
        "GIT_AUTHOR_EMAIL": "r@x",
        "GIT_COMMITTER_NAME": "Robot",
        "GIT_COMMITTER_EMAIL": "r@x",
    }


def test_options_that_are_unset_leave_the_defaults() -> None:
    assert Access.from_options({"token": None, "ssh_key": None}) == Access()


def test_files_have_to_be_there(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.touch()
    assert Access.from_options({"ssh_key": str(key)}).ssh_key == str(key)
    with pytest.raises(InvalidInput, match="there is no file"):
        Access.from_options({"known_hosts": str(tmp_path / "none")})


@pytest.mark.parametrize(
    "options", [{"token": "se\ncret"}, {"token": "se\x00cret"}, {"token_user": "a:b", "token": "x"}]
)
def test_token_cannot_add_a_header_and_is_not_told(options: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        Access.from_options(options)
    assert "cret" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://git.example/x", True),
        ("http://localhost/x", False),
        ("http://127.0.0.1:8080/x", False),
        ("http://[::1]/x", False),
        ("https://git.example/x", False),
        ("/srv/shop", False),
    ],
)
def test_plain_http_is_noticed(url: str, expected: bool) -> None:
    assert Access(token="x").sends_token_in_clear(url) is expected
    assert not Access().sends_token_in_clear(url)
