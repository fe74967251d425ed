# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What survives a kill, and who may work on a hotfix."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git import state as state_module
from ansible_collections.oncall.recovery.plugins.module_utils._git.access import Access
from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import Repository
from ansible_collections.oncall.recovery.plugins.module_utils._git.state import (
    PICKED,
    STARTED,
    Picking,
    Release,
    State,
    all_states,
    workspace,
)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    subprocess.run(["git", "init", "--quiet", "--template=", str(tmp_path)], check=True)
    return Repository(tmp_path, Access())


def state_of(name: str, created: str = "2026-11-23T10:42:07Z") -> State:
    return State(
        name=name,
        branch=f"hotfix/{name}",
        remote="origin",
        base_tag="v1.2.3",
        base_commit="9" * 40,
        worktree=f"/srv/{name}",
        checkout="sparse",
        created=created,
    )


def test_state_is_read_as_it_was_written_and_only_by_its_owner(repository: Repository) -> None:
    state = state_of("one")
    state.picking = Picking(before="a" * 40, kept=1, item="b" * 40, at="c" * 40, is_left=True)
    state.release = Release(
        "1.2.4", "v1.2.4", "d" * 40, "merge", {"main": {"from": "e", "to": "f"}}
    )
    with workspace(repository, "one", writes=True) as hotfix:
        hotfix.save(state)
        hotfix.reach(state, STARTED)
        assert hotfix.load() == state
    path = repository.common_dir / "oncall-recovery" / "hotfix" / "one" / "state.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_step_that_is_reached_again_is_the_last() -> None:
    state = state_of("one")
    assert state.step == ""
    state.steps = [STARTED, PICKED]
    assert state.step == PICKED


def test_kill_while_writing_leaves_the_earlier_state(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workspace(repository, "one", writes=True) as hotfix:
        hotfix.save(state_of("one"))

        def killed(_descriptor: int) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            hotfix.save(state_of("one", created="later"))
        loaded = hotfix.load()
    assert loaded == state_of("one")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": 99}', '{"schema": 1, "x": 2}'])
def test_state_that_cannot_be_read_is_said(repository: Repository, text: str) -> None:
    with workspace(repository, "one", writes=True) as hotfix:
        hotfix.save(state_of("one"))
        (hotfix.folder / "state.json").write_text(text)
        with pytest.raises(RecoveryError, match="its state cannot be read"):
            hotfix.load()


def test_hotfix_that_was_not_begun_leaves_nothing(repository: Repository) -> None:
    with workspace(repository, "one", writes=True) as hotfix:
        assert hotfix.load() is None
    assert not hotfix.folder.exists()


def test_check_mode_makes_no_folder(repository: Repository) -> None:
    with workspace(repository, "one", writes=False) as hotfix:
        assert hotfix.load() is None
        assert not hotfix.folder.exists()


def test_second_run_waits_and_then_names_the_first(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "SECONDS_TO_WAIT_FOR_LOCK", 0.2)
    first, second = (workspace(repository, "one", writes=True) for _turn in range(2))
    with first, pytest.raises(RecoveryError) as refused:
        second.__enter__()
    assert f"another run works on it (process {os.getpid()})" in refused.value.message
    # Another hotfix of the same repository is free.
    again, other = (workspace(repository, name, writes=True) for name in ("one", "two"))
    with again, other:
        pass


def test_git_process_of_a_killed_run_keeps_the_lock(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "SECONDS_TO_WAIT_FOR_LOCK", 0.2)
    with workspace(repository, "one", writes=True) as hotfix:
        hotfix.save(state_of("one"))
        assert hotfix.repository.lock is not None
        orphan = subprocess.Popen(["sleep", "60"], pass_fds=(hotfix.repository.lock,))
    try:
        with pytest.raises(RecoveryError), workspace(repository, "one", writes=True):
            pass
    finally:
        orphan.kill()
        orphan.wait()
    with workspace(repository, "one", writes=True) as hotfix:
        assert hotfix.load() == state_of("one")


def test_all_hotfixes_are_listed_the_newest_first(repository: Repository) -> None:
    assert all_states(repository) == []
    for name, created in (("old", "2026-01-01T00:00:00Z"), ("new", "2026-02-01T00:00:00Z")):
        with workspace(repository, name, writes=True) as hotfix:
            hotfix.save(state_of(name, created))
    assert [state.name for state in all_states(repository)] == ["new", "old"]


def test_name_that_would_lead_elsewhere_is_refused(repository: Repository) -> None:
    with pytest.raises(InvalidInput), workspace(repository, "../../x", writes=True):
        pass
