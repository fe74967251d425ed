# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which revisions belong to a workload, and which of them it runs."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    comparable,
    current_revision,
    is_observed,
    read_revisions,
    revisions_by_owner,
    selector_of,
)

from .builders import (
    KINDS,
    controller_revision,
    history,
    owned_by,
    replica_set,
    revision_object,
    revisions_of,
    template,
    workload,
)
from .scripted import ScriptedClient

SHARED = {"team": "shop"}


@pytest.mark.parametrize("kind", KINDS)
def test_workloads_with_the_same_labels_keep_their_own_revisions(kind: str) -> None:
    web = workload(kind, "web", labels=SHARED)
    api = workload(kind, "api", labels=SHARED)
    objects = [*history(web, "web:1", "web:2"), *history(api, "api:1", "api:2", "api:3")]

    by_owner = revisions_by_owner(kind, reversed(objects))

    assert [r.images["web"] for r in by_owner["uid-of-web"]] == ["web:1", "web:2"]
    assert [r.images["web"] for r in by_owner["uid-of-api"]] == ["api:1", "api:2", "api:3"]


def test_revisions_of_a_deleted_namesake_do_not_belong_to_the_new_workload() -> None:
    before, now = workload(uid="uid-before"), workload(uid="uid-now")
    assert (
        revisions_of(now, [*history(before, "web:1", "web:2"), replica_set(now, 7)])[0].number == 7
    )


@pytest.mark.parametrize(
    "owners",
    [
        pytest.param(None, id="has no owner"),
        pytest.param([], id="has an empty list of owners"),
        pytest.param(owned_by(workload(), controller=False), id="is owned but not controlled"),
    ],
)
def test_nobody_gets_a_revision_that(owners: list[dict[str, t.Any]] | None) -> None:
    orphan = replica_set(workload(), 1)
    orphan["metadata"]["ownerReferences"] = owners
    assert revisions_by_owner("Deployment", [orphan]) == {}


def test_revisions_are_in_the_order_of_their_numbers_and_not_of_their_names_or_times() -> None:
    web = workload()
    objects = [
        replica_set(web, 10, created="2026-01-01T00:00:00Z"),
        replica_set(web, 9, created="2026-01-03T00:00:00Z"),
        replica_set(web, 11, created="2026-01-02T00:00:00Z"),
    ]
    assert [revision.number for revision in revisions_of(web, objects)] == [9, 10, 11]


@pytest.mark.parametrize("number", ["", "next", None], ids=["empty", "no number", "missing"])
def test_replicaset_whose_revision_cannot_be_read_counts_as_zero(number: str | None) -> None:
    web = workload()
    strange = replica_set(web, 1)
    strange["metadata"]["annotations"] = (
        {"deployment.kubernetes.io/revision": number} if number else None
    )
    assert revisions_of(web, [strange])[0].number == 0


def test_revision_of_a_replicaset_holds_the_template_as_the_deployment_had_it() -> None:
    web = workload()
    revision = revisions_of(web, [replica_set(web, 1, "web:1")])[0]
    assert revision.template == template("web:1", app="web")
    assert revision.hash == "web-rs1"


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_revision_of_a_controllerrevision_holds_no_patch_directive(kind: str) -> None:
    web = workload(kind)
    revision = revisions_of(web, [controller_revision(web, 1, "web:1")])[0]
    assert revision.template == template("web:1", app="web")
    assert revision.hash == "cr1"


@pytest.mark.parametrize("kind", KINDS)
def test_revision_tells_its_change_cause_and_its_mark(kind: str) -> None:
    web = workload(kind)
    kept = revision_object(web, 1)
    kept["metadata"]["annotations"]["kubernetes.io/change-cause"] = "deploy 2.4.1"
    kept["metadata"]["labels"]["oncall.recovery/verdict"] = "bad"
    revision = revisions_of(web, [kept])[0]
    assert (revision.change_cause, revision.mark) == ("deploy 2.4.1", "bad")


def test_images_include_those_of_init_containers() -> None:
    web = workload()
    kept = replica_set(web, 1)
    kept["spec"]["template"]["spec"]["initContainers"] = [{"name": "migrate", "image": "tools:1"}]
    assert revisions_of(web, [kept])[0].images == {"migrate": "tools:1", "web": "web:2"}


class TestCurrentRevision:
    def test_of_a_deployment_is_the_one_with_its_template(self) -> None:
        web = workload(image="web:1")
        current = current_revision(web, revisions_of(web, history(web, "web:1", "web:2")))
        assert current and current.number == 1

    def test_of_a_deployment_with_two_equal_ones_is_the_oldest_as_the_controller_chooses(
        self,
    ) -> None:
        web = workload(image="web:1")
        objects = [
            replica_set(web, 1, "web:1", created="2026-01-02T00:00:00Z"),
            replica_set(web, 2, "web:1", created="2026-01-01T00:00:00Z"),
        ]
        current = current_revision(web, revisions_of(web, objects))
        assert current and current.number == 2

    def test_of_a_deployment_is_unknown_before_its_controller_has_made_it(self) -> None:
        web = workload(image="web:3")
        assert current_revision(web, revisions_of(web, history(web, "web:1", "web:2"))) is None

    def test_of_a_statefulset_is_the_one_that_its_status_names(self) -> None:
        web = workload("StatefulSet", status={"updateRevision": "web-cr1"})
        current = current_revision(web, revisions_of(web, history(web, "web:1", "web:2")))
        assert current and current.number == 1

    def test_of_a_statefulset_is_unknown_where_its_status_names_one_that_was_not_read(self) -> None:
        web = workload("StatefulSet", status={"updateRevision": "web-cr3"})
        assert current_revision(web, revisions_of(web, history(web, "web:1", "web:2"))) is None

    def test_of_a_daemonset_is_the_one_with_the_highest_number(self) -> None:
        web = workload("DaemonSet")
        current = current_revision(web, revisions_of(web, history(web, "web:1", "web:2")))
        assert current and current.number == 2

    @pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
    def test_is_unknown_before_the_newest_generation_has_been_observed(self, kind: str) -> None:
        status = {"updateRevision": "web-cr2"}
        web = workload(kind, generation=3, observed=2, status=status)
        assert current_revision(web, revisions_of(web, history(web, "web:1", "web:2"))) is None

    @pytest.mark.parametrize("kind", KINDS)
    def test_is_unknown_without_any_revision(self, kind: str) -> None:
        assert current_revision(workload(kind), []) is None


@pytest.mark.parametrize(
    ("generation", "observed", "expected"),
    [
        pytest.param(2, 2, True, id="the same generation"),
        pytest.param(2, 3, True, id="a later one than was read"),
        pytest.param(3, 2, False, id="an earlier generation"),
        pytest.param(1, 0, False, id="none yet"),
    ],
)
def test_controller_has_observed(generation: int, observed: int, expected: bool) -> None:
    assert is_observed(workload(generation=generation, observed=observed)) is expected


def test_workload_without_status_is_not_observed() -> None:
    new = workload(generation=1)
    del new["status"]
    assert is_observed(new) is False


def changed(**fields: t.Any) -> dict[str, t.Any]:
    base = template("web:1", app="web")
    return {
        "metadata": {**base["metadata"], **fields.pop("metadata", {})},
        "spec": {**base["spec"], **fields},
    }


@pytest.mark.parametrize(
    ("other", "is_equal"),
    [
        pytest.param(changed(), True, id="itself"),
        pytest.param(
            changed(metadata={"labels": {"app": "web", "pod-template-hash": "5f"}}),
            True,
            id="one with the controller's hash label",
        ),
        pytest.param(
            {"metadata": {"labels": {"app": "web"}}, "spec": changed()["spec"]},
            True,
            id="one without the empty creation time",
        ),
        pytest.param(
            changed(metadata={"labels": {"app": "web", "tier": "front"}}),
            False,
            id="one with another label",
        ),
        pytest.param(
            changed(metadata={"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}),
            False,
            id="one that was restarted by annotation",
        ),
        pytest.param(changed(priority=1), False, id="one with another field"),
        pytest.param(
            changed(containers=[{"name": "web", "image": "web:2"}]), False, id="another image"
        ),
    ],
)
def test_template_is_equal_to(other: dict[str, t.Any], is_equal: bool) -> None:
    assert (comparable(template("web:1", app="web")) == comparable(other)) is is_equal


def test_comparing_changes_neither_template() -> None:
    labelled = changed(metadata={"labels": {"app": "web", "pod-template-hash": "5f"}})
    comparable(labelled)
    assert labelled["metadata"]["labels"] == {"app": "web", "pod-template-hash": "5f"}


class TestReadingRevisions:
    def test_of_one_workload_asks_the_server_for_its_own_labels_only(self) -> None:
        web = workload(labels={"app": "web", "tier": "front"})
        client = ScriptedClient(
            {"/apis/apps/v1/namespaces/shop/replicasets": history(web, "web:1")}
        )
        assert [r.number for r in read_revisions(client, [web])["uid-of-web"]] == [1]
        assert client.listed == [
            ("/apis/apps/v1/namespaces/shop/replicasets", "app=web,tier=front", "")
        ]

    def test_of_many_is_one_list_per_kind_and_namespace(self) -> None:
        workloads = [
            workload(name="web"),
            workload(name="api"),
            workload(name="api", namespace="stage", uid="uid-of-stage-api"),
            workload("DaemonSet", "edge"),
            workload("DaemonSet", "logs"),
        ]
        client = ScriptedClient({})
        assert read_revisions(client, workloads) == {}
        assert sorted(client.listed) == [
            ("/apis/apps/v1/namespaces/shop/controllerrevisions", "", ""),
            ("/apis/apps/v1/namespaces/shop/replicasets", "", ""),
            ("/apis/apps/v1/namespaces/stage/replicasets", "app=api", ""),
        ]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"matchLabels": {"b": "2", "a": "1"}}, "a=1,b=2"),
        ({"matchLabels": {"a": ""}}, "a="),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, ""),
        ({}, ""),
    ],
    ids=["labels", "an empty label", "expressions are left to the owner", "nothing"],
)
def test_selector_as_a_query(selector: dict[str, t.Any], expected: str) -> None:
    assert selector_of(workload(spec={"selector": selector})) == expected
