# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What survives a kill, and who may work on a restore."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._database import state as state_module
from ansible_collections.oncall.recovery.plugins.module_utils._database.state import (
    APPROVED,
    BACKED_UP,
    State,
    Workspace,
    workspace,
)
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)


def state_of(name: str = "INC-1") -> State:
    return State(
        name=name,
        database="shop",
        approved_by="Ada",
        created=1.0,
        backup={"name": "a"},
        before=None,
        live_oid=16384,
        label="oncall.recovery INC-1 1",
    )


def test_state_is_read_as_it_was_written_and_only_by_its_owner(tmp_path: Path) -> None:
    state = state_of()
    with workspace(tmp_path, "INC-1", writes=True) as place:
        assert place.load() is None
        place.reach(state, APPROVED)
        place.reach(state, BACKED_UP)
        assert place.load() == state
    assert state.step == BACKED_UP
    folder = tmp_path / "INC-1"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_kill_while_writing_leaves_the_earlier_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workspace(tmp_path)
    place.save(state_of())

    def killed(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        place.save(state_of("other"))
    assert place.load() == state_of()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": 99}', '{"schema": 1, "x": 2}'])
def test_state_that_cannot_be_read_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(RecoveryError, match="its state cannot be read"):
        Workspace(tmp_path).load()


def test_second_run_waits_and_then_names_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "SECONDS_TO_WAIT_FOR_LOCK", 0.2)
    first, second = (workspace(tmp_path, "INC-1", writes=True) for _turn in range(2))
    with first, pytest.raises(RecoveryError) as refused:
        second.__enter__()
    assert f"another run works on it (process {os.getpid()})" in refused.value.message


def test_looking_makes_no_folder(tmp_path: Path) -> None:
    with workspace(tmp_path / "none", "INC-1", writes=False) as place:
        assert place.load() is None
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a..b", "-x", "x" * 41, "a b"])
def test_name_that_would_lead_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput), workspace(tmp_path, name, writes=True):
        pass
