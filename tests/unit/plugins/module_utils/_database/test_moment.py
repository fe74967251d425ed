# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times and durations as people write them."""

from __future__ import annotations

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._database.moment import (
    duration,
    iso,
    moment,
    spoken,
)
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T01:00:10+01:00", 10.0),
        ("1970-01-01 00:00:10.250000+00:00", 10.25),
        ("", None),
    ],
)
def test_moment_has_a_time_zone(text: str, seconds: float | None) -> None:
    assert moment("before", text) == seconds


@pytest.mark.parametrize("text", ["2026-11-25T18:02:00", "yesterday", "18:02"])
def test_moment_without_a_time_zone_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"before: is .* no time with a time zone"):
        moment("before", text)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("2d", 172800)])
def test_duration_is_in_seconds(text: str, seconds: int) -> None:
    assert duration("rpo", text) == seconds


@pytest.mark.parametrize("text", ["90", "1w", "-5m", "5 m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="rpo"):
        duration("rpo", text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (3660, "1h 1m"), (90061, "1d 1h")]
)
def test_time_is_told_in_two_units(seconds: int, text: str) -> None:
    assert spoken(seconds) == text


def test_moment_is_told_in_utc() -> None:
    assert iso(10.9) == "1970-01-01T00:00:10Z"
