# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which workloads a caller means, and what is refused before anything is sent."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Selection,
    WorkloadReference,
    group_by_place,
    read_workloads,
    selection_from,
)

from .builders import workload
from .scripted import ScriptedClient

DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"


def select(**options: t.Any) -> Selection:
    nothing = {
        "kind": "Deployment",
        "name": None,
        "namespace": None,
        "label_selectors": None,
        "field_selectors": None,
        "all_namespaces": False,
        "workloads": None,
    }
    return selection_from({**nothing, **options}, lambda: "of-the-context")


def reference(name: str, *, kind: str = "Deployment", namespace: str = "shop") -> WorkloadReference:
    return WorkloadReference(kind, namespace, name)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(
            {"name": "web", "namespace": "shop"}, Selection((reference("web"),)), id="a name"
        ),
        pytest.param(
            {"name": "web"},
            Selection((reference("web", namespace="of-the-context"),)),
            id="a name in the context's namespace",
        ),
        pytest.param(
            {
                "workloads": [
                    {"kind": "Deployment", "namespace": "shop", "name": "web"},
                    {"kind": "DaemonSet", "namespace": None, "name": "edge"},
                    {"kind": "Deployment", "namespace": "shop", "name": "web"},
                ]
            },
            Selection(
                (
                    reference("web"),
                    reference("edge", kind="DaemonSet", namespace="of-the-context"),
                )
            ),
            id="a list, each once",
        ),
        pytest.param(
            {"kind": "StatefulSet", "namespace": "shop", "label_selectors": ["a=b", "c in (d, e)"]},
            Selection((), "StatefulSet", "shop", "a=b,c in (d, e)"),
            id="labels",
        ),
        pytest.param(
            {"field_selectors": ["metadata.name=web"], "all_namespaces": True, "namespace": "shop"},
            Selection((), "Deployment", None, "", "metadata.name=web"),
            id="fields in all namespaces",
        ),
        pytest.param(
            {"namespace": "shop"}, Selection((), "Deployment", "shop"), id="all of a kind"
        ),
    ],
)
def test_selection_of(options: dict[str, t.Any], expected: Selection) -> None:
    assert select(**options) == expected


NO_NAMES = [
    pytest.param("", id="empty"),
    pytest.param("../x", id="a path upwards"),
    pytest.param("..", id="two dots"),
    pytest.param("a/b", id="a slash"),
    pytest.param("a%2fb", id="an escaped slash"),
    pytest.param("a?b=c", id="a query"),
    pytest.param("Web", id="upper case"),
    pytest.param("web\n", id="a line feed at the end"),
    pytest.param("we\x00b", id="a control character"),
    pytest.param("web shop", id="a space"),
    pytest.param("wéb", id="a letter with an accent"),
    pytest.param("-web", id="a dash in front"),
    pytest.param("web.", id="a dot at the end"),
    pytest.param("a" * 254, id="254 characters"),
    pytest.param("$(reboot)", id="a shell's command"),
]


@pytest.mark.parametrize("hostile", NO_NAMES)
def test_name_is_refused_that_is(hostile: str) -> None:
    with pytest.raises(InvalidInput, match="is not a name that Kubernetes allows"):
        select(name=hostile, namespace="shop")


@pytest.mark.parametrize("hostile", NO_NAMES)
def test_name_in_a_list_is_refused_that_is(hostile: str) -> None:
    with pytest.raises(InvalidInput, match="is not a name that Kubernetes allows"):
        select(workloads=[{"kind": "Deployment", "namespace": "shop", "name": hostile}])


@pytest.mark.parametrize("hostile", [*NO_NAMES[1:], pytest.param("a.b", id="a dot")])
@pytest.mark.parametrize(
    "others", [{"name": "web"}, {"label_selectors": ["a=b"]}], ids=["with name", "with selectors"]
)
def test_namespace_is_refused_that_is(others: dict[str, t.Any], hostile: str) -> None:
    with pytest.raises(InvalidInput, match=r"^namespace .* is not a name that Kubernetes allows"):
        select(namespace=hostile, **others)


def test_error_shows_a_hostile_name_without_its_control_characters() -> None:
    with pytest.raises(InvalidInput) as raised:
        select(name="web\x1b[2J\n", namespace="shop")
    assert raised.value.message.isprintable()


@pytest.mark.parametrize("name", ["a", "0", "web-2", "web.v2", "a" * 253])
def test_name_is_taken(name: str) -> None:
    assert select(name=name, namespace="shop").references == (reference(name),)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"workloads": []}, id="a list of no workloads"),
        pytest.param({"label_selectors": []}, id="a list of no label selectors"),
        pytest.param({"label_selectors": [""]}, id="an empty label selector"),
        pytest.param({"label_selectors": ["a=b", " "]}, id="a blank label selector beside another"),
        pytest.param({"field_selectors": []}, id="a list of no field selectors"),
    ],
)
def test_nothing_is_not_taken_for_everything_where_the_caller_gives(
    options: dict[str, t.Any],
) -> None:
    with pytest.raises(InvalidInput):
        select(namespace="shop", **options)


@pytest.mark.parametrize(
    ("selection", "text"),
    [
        (
            select(label_selectors=["a=b"], namespace="shop"),
            "Deployment in namespace shop with a=b",
        ),
        (
            select(label_selectors=["a=b"], field_selectors=["c=d"], all_namespaces=True),
            "Deployment in any namespace with a=b and c=d",
        ),
        (select(namespace="shop"), "Deployment in namespace shop"),
    ],
    ids=["labels", "labels and fields everywhere", "nothing"],
)
def test_selection_reads_as_a_person_would_say_it(selection: Selection, text: str) -> None:
    assert str(selection) == text


class TestReading:
    def test_one_name_is_one_get(self) -> None:
        client = ScriptedClient({}, gets=[workload()])
        found = read_workloads(client, Selection((reference("web"),)))
        assert [w["metadata"]["name"] for w in found.workloads] == ["web"]
        assert client.listed == []

    def test_one_name_that_is_not_there_is_missing(self) -> None:
        not_found = ApiError("Deployment shop/web", 404, "NotFound", "not found")
        found = read_workloads(ScriptedClient({}, gets=[not_found]), Selection((reference("web"),)))
        assert (found.workloads, found.missing) == ((), (reference("web"),))

    def test_one_name_that_may_not_be_read_is_an_error(self) -> None:
        forbidden = ApiError("Deployment shop/web", 403, "Forbidden", "cannot get")
        with pytest.raises(ApiError):
            read_workloads(ScriptedClient({}, gets=[forbidden]), Selection((reference("web"),)))

    def test_many_names_are_one_list_per_kind_and_namespace(self) -> None:
        client = ScriptedClient({DEPLOYMENTS: [workload(name="web"), workload(name="api")]})
        wanted = (reference("web"), reference("wbe"), reference("api"))
        found = read_workloads(client, Selection(wanted))
        assert [w["metadata"]["name"] for w in found.workloads] == ["api", "web"]
        assert found.missing == (reference("wbe"),)
        assert client.listed == [(DEPLOYMENTS, "", "")]

    def test_selectors_are_given_to_the_server(self) -> None:
        client = ScriptedClient({DEPLOYMENTS: [workload()]})
        selection = select(label_selectors=["a=b"], field_selectors=["c=d"], namespace="shop")
        assert len(read_workloads(client, selection).workloads) == 1
        assert client.listed == [(DEPLOYMENTS, "a=b", "c=d")]

    def test_listed_items_get_the_kind_that_lists_leave_out(self) -> None:
        item = workload()
        del item["kind"]
        selection = select(label_selectors=["a=b"], namespace="shop")
        found = read_workloads(ScriptedClient({DEPLOYMENTS: [item]}), selection)
        assert found.workloads[0]["kind"] == "Deployment"

    def test_all_namespaces_are_one_list(self) -> None:
        path = "/apis/apps/v1/deployments"
        client = ScriptedClient({path: [workload(namespace="b"), workload(namespace="a")]})
        found = read_workloads(client, select(label_selectors=["a=b"], all_namespaces=True))
        assert [w["metadata"]["namespace"] for w in found.workloads] == ["a", "b"]
        assert client.listed == [(path, "a=b", "")]


def test_workloads_are_grouped_by_kind_and_namespace() -> None:
    members = [
        workload(name="web"),
        workload(name="api"),
        workload("DaemonSet", "edge"),
        workload(namespace="stage"),
    ]
    places = group_by_place(members)
    assert {place: len(workloads) for place, workloads in places.items()} == {
        ("Deployment", "shop"): 2,
        ("DaemonSet", "shop"): 1,
        ("Deployment", "stage"): 1,
    }
