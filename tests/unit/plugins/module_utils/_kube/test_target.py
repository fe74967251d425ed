# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which revision a rollback goes to."""

from __future__ import annotations

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.target import (
    NoTarget,
    choose_target,
)

from .builders import replica_set, revisions_of, workload


def revisions(*numbers: int) -> list:
    web = workload()
    return revisions_of(web, [replica_set(web, number) for number in numbers])


@pytest.mark.parametrize(
    ("numbers", "to_revision", "expected"),
    [
        pytest.param((1, 2), 0, 1, id="previous of two"),
        pytest.param((3, 5, 6), 0, 5, id="previous is the second highest and not one less"),
        pytest.param((0, 4), 0, 0, id="previous may be one whose number could not be read"),
        pytest.param((3, 5, 6), 3, 3, id="a number that is there"),
        pytest.param((3, 5, 6), 6, 6, id="the newest itself"),
    ],
)
def test_target_is(numbers: tuple[int, ...], to_revision: int, expected: int) -> None:
    assert choose_target("Deployment shop/web", revisions(*numbers), to_revision).number == expected


@pytest.mark.parametrize(
    ("numbers", "to_revision", "message"),
    [
        pytest.param(
            (3,),
            0,
            "Deployment shop/web: has no earlier revision to go back to (have 3). "
            "Deploy a good version instead",
            id="previous of one",
        ),
        pytest.param(
            (),
            0,
            "Deployment shop/web: has no earlier revision to go back to (have none). "
            "Deploy a good version instead",
            id="previous of none",
        ),
        pytest.param(
            (3, 5, 6),
            9,
            "Deployment shop/web: revision 9 is not in its history (have 3, 5, 6). "
            "Choose one of those",
            id="a number that is not there",
        ),
    ],
)
def test_there_is_no_target_and_the_message_says_what_there_is(
    numbers: tuple[int, ...], to_revision: int, message: str
) -> None:
    with pytest.raises(NoTarget) as raised:
        choose_target("Deployment shop/web", revisions(*numbers), to_revision)
    assert raised.value.message == message
