# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Over HTTP with a token and over SSH with a key; neither shows anywhere."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from .servers import TOKEN, USER, ProcessList, SshServer, http_server, ssh_server
from .shop import NAME, Shop, git

BASIC = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()


@pytest.fixture
def http_url(bare_shop: Shop) -> Iterator[str]:
    with http_server(bare_shop.folder) as url:
        yield f"{url}/shop.git"


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("ssh") / "server") as server:
        yield server


def assert_secret_is_nowhere(shop: Shop, *answers: object) -> None:
    """Not in what the modules say, and not in a file that they leave."""
    for secret in (TOKEN, BASIC):
        assert secret not in repr(answers)
        for path in shop.folder.rglob("*"):
            if path.is_file():
                assert secret.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("given", ["option", "environment"])
def test_token_opens_the_server_and_shows_nowhere(shop: Shop, http_url: str, given: str) -> None:
    git(shop.work, "remote", "set-url", "origin", http_url)
    # What a CI's checkout leaves in the configuration: two such headers, and servers refuse both.
    site = http_url.removesuffix("shop.git")
    git(shop.work, "config", f"http.{site}.extraheader", "Authorization: Basic c3RhbGU6c3RhbGU=")
    if given == "option":
        shop.options = {"token": TOKEN}
    else:
        shop.env = {"RECOVERY_GIT_TOKEN": TOKEN, "GIT_CURL_VERBOSE": "1", "GIT_TRACE": "1"}
    with ProcessList() as processes:
        answers = [shop.start(), shop.pick(shop.fix), shop.finish()]
    assert not any(answer.failed for answer in answers), answers
    assert "fixed" in shop.content("v1.2.4", "app/cart.py")
    # It did look while git talked to the server.
    assert any(b"git-remote-http" in arguments for arguments in processes.seen)
    for secret in (TOKEN, BASIC):
        assert not [a for a in processes.seen if secret.encode() in a]
    assert_secret_is_nowhere(shop, *answers)


def test_url_is_cloned_with_the_token(bare_shop: Shop, http_url: str) -> None:
    clones = bare_shop.folder / "clones"
    bare_shop.options = {
        "repo": http_url,
        "clones": str(clones),
        "token": TOKEN,
        "clone_filter": "blob:none",
    }
    answer = bare_shop.hotfix()
    assert not answer.failed, answer.message
    assert "fixed" in bare_shop.content("main", "app/cart.py")
    assert_secret_is_nowhere(bare_shop, answer)


@pytest.mark.parametrize("token", [None, "wrong-token-of-somebody"], ids=["none", "wrong"])
def test_without_the_right_token_it_fails_at_once_and_asks_nobody(
    shop: Shop, http_url: str, token: str | None
) -> None:
    git(shop.work, "remote", "set-url", "origin", http_url)
    refused = shop.start(**({"token": token} if token else {}))
    assert refused.failed
    assert "terminal prompts disabled" in refused.message
    assert not token or token not in repr(refused)


def test_server_that_forbids_pushing_changes_nothing(shop: Shop, http_url: str) -> None:
    git(shop.work, "remote", "set-url", "origin", http_url)
    shop.options = {"token": TOKEN}
    git(shop.server, "config", "http.receivepack", "false")
    refs = shop.refs()
    refused = shop.hotfix()
    assert refused.failed
    assert "403" in refused.message
    assert shop.refs() == refs
    git(shop.server, "config", "http.receivepack", "true")
    assert not shop.finish().failed


def test_password_in_the_callers_own_remote_is_not_told(shop: Shop, http_url: str) -> None:
    site = http_url.removeprefix("http://")
    git(shop.work, "remote", "set-url", "origin", f"http://gitlab-ci-token:hunter2@{site}")
    refused = shop.start()
    assert refused.failed
    assert "hunter2" not in repr(refused)


def over_ssh(shop: Shop, ssh: SshServer) -> None:
    git(shop.work, "remote", "set-url", "origin", f"{ssh.url}{shop.server}")


def test_ssh_with_a_given_key_and_known_hosts(shop: Shop, ssh: SshServer) -> None:
    over_ssh(shop, ssh)
    shop.options = {"ssh_key": str(ssh.key), "known_hosts": str(ssh.known_hosts)}
    answer = shop.hotfix()
    assert not answer.failed, answer.message
    assert "fixed" in shop.content("v1.2.4", "app/cart.py")


def test_unknown_host_key_is_refused(shop: Shop, ssh: SshServer, tmp_path: Path) -> None:
    over_ssh(shop, ssh)
    (tmp_path / "empty").touch()
    refused = shop.start(ssh_key=str(ssh.key), known_hosts=str(tmp_path / "empty"))
    assert refused.failed
    assert "Host key verification failed" in refused.message


def test_wrong_key_is_refused(shop: Shop, ssh: SshServer, tmp_path: Path) -> None:
    over_ssh(shop, ssh)
    wrong = tmp_path / "wrong"
    wrong.write_bytes(ssh.key.with_name("host").read_bytes())
    wrong.chmod(0o600)
    refused = shop.start(ssh_key=str(wrong), known_hosts=str(ssh.known_hosts))
    assert refused.failed
    assert "Permission denied" in refused.message


def test_url_over_ssh_is_cloned(bare_shop: Shop, ssh: SshServer) -> None:
    bare_shop.options = {
        "repo": f"{ssh.url}{bare_shop.server}",
        "clones": str(bare_shop.folder / "clones"),
    }
    bare_shop.env = {
        "RECOVERY_GIT_SSH_KEY": str(ssh.key),
        "RECOVERY_GIT_KNOWN_HOSTS": str(ssh.known_hosts),
    }
    answer = bare_shop.hotfix()
    assert not answer.failed, answer.message
    assert answer.result["name"] == NAME
