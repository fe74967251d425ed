# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from scripts.archive import remarks


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        pytest.param("Importing with galaxy-importer 0.4.44\n...done\n", [], id="news"),
        pytest.param(
            "Linting\nWARNING: No changelog found.\nERROR: Timeout\n",
            ["WARNING: No changelog found.", "ERROR: Timeout"],
            id="what is worth a look",
        ),
        pytest.param("Checked WARNING: levels\n", [], id="a word inside a line"),
    ],
)
def test_warnings_and_errors_of_galaxy_importer_are_told_from_its_news(
    log: str, expected: list[str]
) -> None:
    assert remarks(log) == expected
