# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times as people, Alertmanager and YAML write them."""

from __future__ import annotations

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._incident.times import (
    normal,
    now,
    parsed,
    seconds_between,
)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2026-11-25T03:14:07Z", "2026-11-25T03:14:07.000Z"),
        ("2026-11-25T03:14:07.123456789Z", "2026-11-25T03:14:07.123Z"),
        ("2026-11-25t04:14:07.5+01:00", "2026-11-25T03:14:07.500Z"),
        ("2026-11-25 03:14:07", "2026-11-25T03:14:07.000Z"),
        ("2026-11-25 03:14:07+00:00", "2026-11-25T03:14:07.000Z"),
    ],
    ids=["RFC 3339", "of Alertmanager", "with an offset", "of YAML", "of Python"],
)
def test_time_is_kept_in_utc_to_a_millisecond(given: str, kept: str) -> None:
    assert normal("time", given) == kept


@pytest.mark.parametrize(
    "given",
    [
        *("", "yesterday", "2026-11-25", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        *("2026-11-25T03:14:07Z\n", "9999-12-31T23:59:59-23:00", "x" * 100_000),
    ],
)
def test_what_is_no_time_is_refused_and_named(given: str) -> None:
    with pytest.raises(InvalidInput, match=r"^milestones\.started: .* is not a time"):
        normal("milestones.started", given)


def test_now_is_a_time() -> None:
    assert parsed(normal("time", "now")) is not None
    assert parsed(now()) is not None


def test_time_between_is_unknown_where_one_is_missing_or_they_are_reversed() -> None:
    first, last = "2026-11-25T03:00:00Z", "2026-11-25T03:01:30.500Z"
    assert seconds_between(first, last) == 90.5
    assert seconds_between(last, first) is None
    assert seconds_between(first, None) is None
    assert seconds_between(first, 12) is None
