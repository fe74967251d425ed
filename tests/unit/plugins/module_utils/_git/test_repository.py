# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running git: what it is given, and what is made of its words."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    MissingLibrary,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git import repository as module
from ansible_collections.oncall.recovery.plugins.module_utils._git.access import Access
from ansible_collections.oncall.recovery.plugins.module_utils._git.change import (
    FAILED_FILE,
    MAIL,
    PICKED_FROM,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.clone import clone_name
from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import Remote
from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import (
    GitError,
    Output,
    Repository,
    open_repository,
    require_git,
)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    subprocess.run(["git", "init", "--quiet", "--template=", str(tmp_path)], check=True)
    return open_repository(str(tmp_path), Access(token="s3cret"))


def test_error_tells_what_git_said_and_no_secret(repository: Repository) -> None:
    with pytest.raises(GitError) as failed:
        repository.run("rev-parse", "--verify", "s3cret-branch")
    assert str(repository.folder) in failed.value.message
    assert "git rev-parse failed" in failed.value.message
    arguments = ("fetch",)
    output = Output(1, "", "hint: x\nfatal: https://me:hunter2@git.example/s3cret not found\n")
    told = repository.error(arguments, Output(1, "", repository.scrubbed(output.stderr)))
    assert (
        told.cause == "git fetch failed: fatal: https://me:********@git.example/******** not found"
    )


def test_caller_s_repository_variables_do_not_lead_elsewhere(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    opened = open_repository(str(tmp_path), Access())
    assert opened.common_dir == repository.folder / ".git"


def test_input_is_handed_to_git_as_it_is(repository: Repository) -> None:
    blob = repository.run("hash-object", "-w", "--stdin", stdin=b"a\r\n\xff\x00").stdout.strip()
    assert repository.run("cat-file", "-p", blob).raw == b"a\r\n\xff\x00"


@pytest.mark.parametrize("path", ["", "-x", "/nowhere", "a\nb"])
def test_folder_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput):
        open_repository(path, Access())


def test_git_that_is_too_old_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OLDEST_GIT", (99, 0))
    with pytest.raises(MissingLibrary, match=r"99\.0 is needed"):
        require_git()


def test_lines_end_where_git_ends_them() -> None:
    # A subject that Python's splitlines would split in three.
    assert Output(0, "one\u2028still\x0cone\ntwo\n", "").lines == ["one\u2028still\x0cone", "two"]
    assert Output(0, "", "").lines == []


@pytest.mark.parametrize(
    ("url", "readable"),
    [
        ("https://git.example/shop/web.git", "web-"),
        ("git@git.example:web.git", "web-"),
        ("https://git.example/\u00fcber uns/", "ber-uns-"),
        ("file:///.git", "repository-"),
    ],
)
def test_clone_is_named_after_its_url(url: str, readable: str) -> None:
    name = clone_name(url)
    assert name.startswith(readable)
    assert name.endswith(".git")
    assert name != clone_name(f"{url}x")
    assert "/" not in name


def test_remote_knows_tags_from_what_they_lead_to() -> None:
    refs = {
        "refs/heads/main": "a",
        "refs/heads/release/1.2": "b",
        "refs/tags/v1": "c",
        "refs/tags/v1^{}": "d",
        "refs/tags/light": "e",
    }
    remote = Remote("origin", "", "", refs, "main")
    assert remote.branches == ["main", "release/1.2"]
    assert remote.tags == ["light", "v1"]
    assert (remote.tag("v1"), remote.commit_of_tag("v1")) == ("c", "d")
    assert remote.commit_of_tag("light") == "e"
    assert remote.matching("release/*") == ["release/1.2"]


@pytest.mark.parametrize(
    ("first_line", "expected"),
    [
        (b"From 4f2a91c07d5b8e6f3a1c9d0e2b4f6a8c0e1d3f5b Mon Sep 17 00:00:00 2001", True),
        (b"From: Ada <ada@shop.example>", True),
        (b"Subject: [PATCH] fix", True),
        (b"diff --git a/x b/x", False),
        (b"--- a/x", False),
        (b"commit 4f2a91c07d5b8e6f3a1c9d0e2b4f6a8c0e1d3f5b", False),
        (b"From here on it is broken", False),
    ],
)
def test_mail_is_told_from_a_plain_diff(first_line: bytes, expected: bool) -> None:
    assert (MAIL.match(first_line + b"\n") is not None) is expected


def test_files_are_found_in_what_git_says_of_a_patch() -> None:
    said = (
        "error: patch failed: docs/with space.txt:10\n"
        "error: docs/with space.txt: patch does not apply\n"
        "error: app/gone.py: does not exist in index\n"
        "error: repository lacks the necessary blob to perform 3-way merge.\n"
    )
    assert set(FAILED_FILE.findall(said)) == {"docs/with space.txt", "app/gone.py"}


def test_origin_of_a_pick_is_read_from_whole_lines_alone() -> None:
    name = "4f2a91c07d5b8e6f3a1c9d0e2b4f6a8c0e1d3f5b"
    line = f"(cherry picked from commit {name})"
    assert PICKED_FROM.findall(f"fix\n\n{line}\n") == [name]
    assert PICKED_FROM.findall(f"see {line}\n") == []
