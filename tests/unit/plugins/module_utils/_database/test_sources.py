# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What commands list, and how names get into commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import (
    Source,
    copying_from,
    form_of,
    listed,
)
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)

FIND = "73400320 1764036001.5 a dump; rm -rf.dump\n12 2026-11-25T02:00:01Z -b\n"
LSJSON = """[
  {"Path": "d/a.dump", "Name": "a.dump", "Size": 12, "IsDir": false,
   "ModTime": "2026-11-25T03:00:01.123456789+01:00"},
  {"Path": "d", "Name": "d", "Size": -1, "IsDir": true, "ModTime": "2026-11-25T03:00:01Z"}]"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(
            FIND,
            [("a dump; rm -rf.dump", 73400320, 1764036001.5), ("-b", 12, 1795572001.0)],
            id="as find prints it",
        ),
        pytest.param(LSJSON, [("d/a.dump", 12, 1795572001.0)], id="as rclone prints it"),
        pytest.param("", [], id="nothing"),
        pytest.param("[]", [], id="an empty list"),
    ],
)
def test_list_is_understood(text: str, found: list[tuple[str, int, float]]) -> None:
    assert list(listed("remote", text)) == found


@pytest.mark.parametrize(
    "text", ["total 4", "[{]", '[{"Path": "a"}]', "12 yesterday a", '[{"Size": "x"}]', "[1]"]
)
def test_what_is_no_list_is_said(text: str) -> None:
    with pytest.raises(RecoveryError, match="source remote: list_command printed what is no list"):
        list(listed("remote", text))


@pytest.mark.parametrize("name", ["a b", "--x", "'; rm -rf /; '", "{name}", "{quoted_name}"])
def test_name_stays_one_argument_and_one_word_of_a_far_shell(name: str) -> None:
    import shlex

    source = Source("s", None, ("l",), ("ssh", "host", "cat -- {quoted_name}", "d/{name}"))
    far, near = source.fetching(name)[2:]
    assert shlex.split(far) == ["cat", "--", name]
    assert near == f"d/{name}"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"path": "/b", "list_command": ["l"], "fetch_command": ["f"]},
        {"list_command": ["l"]},
        {"fetch_command": ["f"]},
        {"path": "/b", "wal_path": "/w", "restore_command": "r"},
    ],
)
def test_source_that_makes_no_sense_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        Source.from_options(options)


def test_format_is_told_by_content(tmp_path: Path) -> None:
    (tmp_path / "custom").write_bytes(b"PGDMP\1\16")
    (tmp_path / "text.dump").write_text("-- PostgreSQL database dump")
    for folder, file in (("directory", "toc.dat"), ("base", "backup_manifest"), ("other", "x")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text("")
    found = {path.name: form_of(path) for path in tmp_path.iterdir()}
    assert found == {
        "custom": "custom",
        "text.dump": "",
        "directory": "directory",
        "base": "base",
        "other": "",
    }


def test_folder_of_the_archive_may_have_any_name() -> None:
    assert copying_from(Path("/a b/50%f")) == "cp -- '/a b/50%%f'/%f \"%p\""
