# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which revision a rollback goes to, and which it never goes to by itself."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.request import UndoRequest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.target import (
    Choice,
    NoTarget,
    choose_target,
)

from .builders import controller_revision, replica_set, revisions_of, workload

GOOD = {"oncall.recovery/verdict": "good"}
BAD = {"oncall.recovery/verdict": "bad", "oncall.recovery/incident": "INC-1"}


def revisions(*numbers: int) -> list:
    web = workload()
    return revisions_of(web, [replica_set(web, number, f"web:{number}") for number in numbers])


def chosen(of: list, image: str = "web:now", **request: t.Any) -> Choice:
    return choose_target("Deployment shop/web", workload(image=image), of, UndoRequest(**request))


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
    assert chosen(revisions(*numbers), to_revision=to_revision).revision.number == expected


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
        chosen(revisions(*numbers), to_revision=to_revision)
    assert raised.value.message == message


Row = tuple[int, str, dict[str, t.Any]]


def marked(*rows: Row) -> list:
    """Revisions by (number, image, what else there is to it); the last one runs now."""
    web = workload()
    return revisions_of(web, [replica_set(web, n, image, **more) for n, image, more in rows])


def hour(at: int) -> dict[str, str]:
    return {"created": f"2026-11-23T{at:02}:00:00Z"}


@pytest.mark.parametrize(
    ("rows", "number", "proof"),
    [
        pytest.param(
            [(1, "web:1", {"labels": GOOD}), (2, "web:2", {}), (3, "web:3", {})],
            1,
            "good",
            id="the one marked good and not a newer one without a mark",
        ),
        pytest.param(
            [
                (1, "web:1", {"labels": GOOD}),
                (2, "web:2", {"labels": GOOD}),
                (3, "web:3", {}),
            ],
            2,
            "good",
            id="the newest of those marked good",
        ),
        pytest.param(
            [(1, "web:1", {}), (2, "web:2", {"labels": GOOD})],
            1,
            "unproven",
            id="not what runs now, though it is marked good",
        ),
        pytest.param(
            [(1, "web:1", {}), (2, "web:2", {}), (3, "web:3", {})],
            2,
            "unproven",
            id="the newest without a mark, where none is marked good",
        ),
        pytest.param(
            [(1, "web:1", {}), (2, "web:2", {"labels": BAD}), (3, "web:3", {})],
            1,
            "unproven",
            id="never one marked bad",
        ),
        pytest.param(
            [(1, "web:1", {}), (2, "web:2", {}), (3, "web:2", {"annotations": {"x": "y"}})],
            1,
            "unproven",
            id="not the image that runs now, which a mitigation has only restarted",
        ),
        pytest.param(
            [(3, "web:2", hour(12)), (4, "web:1", hour(10)), (5, "web:5", hour(14))],
            4,
            "unproven",
            id="the one gone back to, though older",
        ),
        pytest.param(
            [(1, "web:1", {}), (2, "web:2", {"replicas": 1}), (3, "web:3", {})],
            1,
            "unproven",
            id="not one whose pods do not start",
        ),
        pytest.param(
            [
                (1, "web:1", {"replicas": 3, "available": 3}),
                (2, "web:2", {}),
                (3, "web:3", {"replicas": 1}),
            ],
            1,
            "unproven",
            id="the one that still serves, and not a later one that never took over from it",
        ),
        pytest.param(
            [
                (1, "web:1", {"replicas": 1, "available": 1}),
                (2, "web:2", {"replicas": 2, "available": 2}),
                (3, "web:3", {"replicas": 1}),
            ],
            2,
            "unproven",
            id="the newest of two that serve",
        ),
        pytest.param(
            [(1, "web:1", {}), (2, "web:2", {}), (3, "web:2", {"labels": BAD}), (4, "web:4", {})],
            1,
            "unproven",
            id="not the image of a later one that is marked bad",
        ),
    ],
)
def test_last_good_is(rows: list[Row], number: int, proof: str) -> None:
    running = rows[-1][1]
    choice = chosen(marked(*rows), image=running, target="last_good")
    assert (choice.revision.number, choice.proof) == (number, proof)
    assert ("is unproven" in choice.caution) is (proof == "unproven")


RESTARTED = "kubectl.kubernetes.io/restartedAt"


def restarted(owner: dict[str, t.Any], at: str) -> dict[str, t.Any]:
    """A revision object or workload whose template says that it was restarted."""
    holder = owner.get("data", owner)["spec"]["template"]["metadata"]
    holder["annotations"] = {**holder.get("annotations", {}), RESTARTED: at}
    return owner


def with_setting(owner: dict[str, t.Any], value: str) -> dict[str, t.Any]:
    """A revision object or workload with this environment."""
    (container,) = owner.get("data", owner)["spec"]["template"]["spec"]["containers"]
    container["env"] = [{"name": "FLAG", "value": value}]
    return owner


class TestRestart:
    """web:2 came with revision 2, was restarted as 3, and runs now unless a case says otherwise."""

    def ask(
        self,
        *,
        good: tuple[int, ...] = (),
        bad: tuple[int, ...] = (),
        setting: str = "",
        left: bool = False,
        **request: t.Any,
    ) -> Choice:
        web = workload()
        objects = [
            replica_set(web, 1, "web:1"),
            replica_set(web, 2, "web:2"),
            restarted(replica_set(web, 3, "web:2"), "10:00"),
        ]
        live = restarted(workload(image="web:2"), "10:00")
        if setting:
            objects[2], live = with_setting(objects[2], setting), with_setting(live, setting)
        if left:
            objects.append(replica_set(web, 4, "web:4"))
            live = workload(image="web:4")
        for numbers, labels in ((good, GOOD), (bad, BAD)):
            for number in numbers:
                objects[number - 1]["metadata"]["labels"].update(labels)
        return choose_target(
            "Deployment shop/web", live, revisions_of(live, objects), UndoRequest(**request)
        )

    @pytest.mark.parametrize(
        ("case", "number", "proof"),
        [
            pytest.param({}, 1, "unproven", id="of what runs now is no target"),
            pytest.param({"good": (2,)}, 1, "unproven", id="nor where it was marked good before"),
            pytest.param({"good": (1, 2)}, 1, "good", id="an older good one is"),
            pytest.param({"left": True, "bad": (3,)}, 1, "unproven", id="of a bad one is not"),
            pytest.param(
                {"left": True, "bad": (3,), "good": (2,)},
                1,
                "unproven",
                id="of a bad one is not where it was marked good before",
            ),
            pytest.param({"left": True, "bad": (2,)}, 1, "unproven", id="before the bad one"),
            pytest.param({"left": True}, 3, "unproven", id="of what nobody complains about is"),
            pytest.param(
                {"left": True, "bad": (2,), "setting": "off"},
                3,
                "unproven",
                id="with a setting that mended the bad one is",
            ),
            pytest.param(
                {"setting": "off", "good": (2,)}, 2, "good", id="with another setting is another"
            ),
        ],
    )
    def test_last_good(self, case: dict[str, t.Any], number: int, proof: str) -> None:
        choice = self.ask(target="last_good", **case)
        assert (choice.revision.number, choice.proof) == (number, proof)

    def test_good_one_that_differs_by_a_setting_only_is_warned_of(self) -> None:
        choice = self.ask(target="last_good", setting="off", good=(2,))
        assert choice.caution == (
            "revision 2 has the images that run now, so it helps only where a setting is the cause"
        )

    def test_previous_is_no_way_back(self) -> None:
        with pytest.raises(NoTarget) as raised:
            self.ask()
        assert raised.value.message == (
            "Deployment shop/web: revision 2, the one before, is what runs now, but for a restart. "
            "Use target last_good, or name it with to_revision"
        )

    @pytest.mark.parametrize(
        ("case", "why"),
        [
            ({}, "revision 2 is what runs now, but for a restart"),
            (
                {"left": True, "bad": (3,)},
                "revision 2 is, but for a restart, revision 3, which is marked bad by incident "
                "INC-1",
            ),
        ],
        ids=["of what runs now", "of a bad one"],
    )
    def test_it_can_be_named_and_is_warned_of(self, case: dict[str, t.Any], why: str) -> None:
        choice = self.ask(to_revision=2, **case)
        assert (choice.revision.number, choice.caution) == (2, why)


@pytest.mark.parametrize(
    ("strategy", "number"),
    [("RollingUpdate", 1), ("OnDelete", 2)],
    ids=["before what never was rolled out whole", "the newest, where nothing tells"],
)
def test_last_good_of_a_stateful_set_goes(strategy: str, number: int) -> None:
    live = workload(
        "StatefulSet",
        image="web:3",
        spec={"updateStrategy": {"type": strategy}},
        status={"currentRevision": "web-cr1", "updateRevision": "web-cr3"},
    )
    objects = [controller_revision(live, n, f"web:{n}") for n in (1, 2, 3)]
    choice = choose_target(
        "StatefulSet shop/web", live, revisions_of(live, objects), UndoRequest(target="last_good")
    )
    assert choice.revision.number == number


def test_last_good_that_is_not_there_says_what_was_considered() -> None:
    rows: list[Row] = [
        (1, "web:1", {"labels": BAD}),
        (2, "web:2", hour(12)),
        (3, "web:9", {**hour(9), "replicas": 2}),
        (4, "web:4", {"annotations": {"x": "y"}}),
        (5, "web:4", {}),
    ]
    live = workload(image="web:4")
    live["spec"]["template"]["metadata"]["labels"]["restarted"] = "yes"
    with pytest.raises(NoTarget) as raised:
        choose_target("Deployment shop/web", live, marked(*rows), UndoRequest(target="last_good"))
    assert raised.value.message == (
        "Deployment shop/web: no revision can be taken for good (revision 5 has the images that "
        "run now; revision 4 has the images that run now; revision 3 has pods of which none is "
        "available; revision 2 was left by going back to what is now revision 3; revision 1 is "
        "marked bad by incident INC-1). Name one with to_revision if you know better, or deploy a "
        "good version"
    )


def test_last_good_of_a_stateful_set_goes_by_marks_and_order() -> None:
    live = workload("StatefulSet", image="web:3")
    objects = [
        controller_revision(live, 1, "web:1"),
        controller_revision(live, 2, "web:2", labels=BAD),
        controller_revision(live, 3, "web:3"),
    ]
    choice = choose_target(
        "StatefulSet shop/web", live, revisions_of(live, objects), UndoRequest(target="last_good")
    )
    assert choice.revision.number == 1


class TestPreviousThatIsMarkedBad:
    ROWS: t.ClassVar[list[Row]] = [(1, "web:1", {"labels": BAD}), (2, "web:2", {})]

    def test_is_no_target(self) -> None:
        with pytest.raises(NoTarget) as raised:
            chosen(marked(*self.ROWS))
        assert raised.value.message == (
            "Deployment shop/web: revision 1, the one before, is marked bad by incident INC-1. "
            "Use target last_good, or name it with to_revision"
        )

    def test_can_be_named_and_is_warned_of(self) -> None:
        choice = chosen(marked(*self.ROWS), to_revision=1)
        assert choice == Choice(
            choice.revision, caution="revision 1 is marked bad by incident INC-1"
        )


def test_previous_with_the_images_that_run_now_is_warned_of() -> None:
    rows: list[Row] = [(1, "web:1", {}), (2, "web:1", {})]
    assert "has the images that run now" in chosen(marked(*rows), image="web:1").caution
