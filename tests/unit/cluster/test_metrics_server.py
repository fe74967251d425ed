# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""metrics.k8s.io out of what a kubelet and the API server say."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.debian.certificates import Authority
from tests.cluster.metrics_server import (
    ROOT,
    SERVER_NAME,
    Readings,
    Server,
    answer,
    node_metrics,
    pod_metrics,
    registration,
)

TIME = "2026-01-01T00:00:00Z"


def reading(cores: int | None, memory: int | None = 2048) -> dict[str, Any]:
    cpu = {"time": TIME} if cores is None else {"time": TIME, "usageNanoCores": cores}
    return {"cpu": cpu, "memory": {} if memory is None else {"workingSetBytes": memory}}


def pod(namespace: str, name: str, *containers: dict[str, Any]) -> dict[str, Any]:
    named = [{"name": f"c{number}", **each} for number, each in enumerate(containers)]
    return {"podRef": {"namespace": namespace, "name": name}, "containers": named}


NODE = {"nodeName": "node-1", **reading(500, 1024 * 1024)}
SUMMARY = {
    "node": NODE,
    "pods": [
        pod("shop", "web-1", reading(1_500_000), reading(3, 1024)),
        pod("shop", "new", reading(1), reading(None)),
        pod("shop", "crashing"),
        pod("other", "web-1", reading(7)),
    ],
}


def item(name: str, namespace: str = "") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace} if namespace else {"name": name}}


class FakeApiServer:
    """Answers from a table of paths, and remembers what it was asked."""

    def __init__(self, answers: dict[str, dict[str, Any]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, path: str) -> dict[str, Any]:
        self.asked.append(path)
        if path not in self.answers:
            raise http.client.HTTPException(f"{path}: HTTP 404")
        return self.answers[path]


@pytest.fixture
def api() -> FakeApiServer:
    pods = [item("web-1", "shop"), item("new", "shop"), item("crashing", "shop")]
    return FakeApiServer(
        {
            "/api/v1/nodes": {"items": [item("node-1"), item("gone")]},
            "/api/v1/nodes/node-1/proxy/stats/summary": SUMMARY,
            "/api/v1/pods": {"items": [*pods, item("web-1", "other")]},
            "/api/v1/namespaces/shop/pods": {"items": pods},
            "/api/v1/namespaces/shop/pods?labelSelector=app+in+%28a%2Cb%29": {"items": []},
        }
    )


def names(api: FakeApiServer, target: str) -> list[tuple[str, str]]:
    status, body = answer(Readings(api), target)
    assert status == 200
    found = [each["metadata"] for each in body["items"]]
    return [(metadata.get("namespace", ""), metadata["name"]) for metadata in found]


def test_numbers_carry_their_units() -> None:
    first = next(pod_metrics(SUMMARY))
    assert first["containers"] == [
        {"name": "c0", "usage": {"cpu": "1500000n", "memory": "2Ki"}},
        {"name": "c1", "usage": {"cpu": "3n", "memory": "1Ki"}},
    ]
    assert first["timestamp"] == TIME
    node = node_metrics(SUMMARY)
    assert node is not None
    assert node["usage"] == {"cpu": "500n", "memory": "1024Ki"}


def test_pod_is_left_out_until_all_its_containers_have_readings() -> None:
    assert [each["metadata"]["name"] for each in pod_metrics(SUMMARY)] == ["web-1", "web-1"]


def test_node_without_a_reading_is_left_out() -> None:
    assert node_metrics({"node": {"nodeName": "node-1", **reading(None)}}) is None
    assert node_metrics({"node": {"nodeName": "node-1", **reading(1, None)}}) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/nodes", [("", "node-1")]),
        ("/pods", [("shop", "web-1"), ("other", "web-1")]),
        ("/namespaces/shop/pods", [("shop", "web-1")]),
        ("/namespaces/shop/pods?labelSelector=app%20in%20(a,b)", []),
    ],
    ids=["nodes, though one does not answer", "all pods", "one namespace", "by label"],
)
def test_lists(api: FakeApiServer, path: str, expected: list[tuple[str, str]]) -> None:
    assert names(api, ROOT + path) == expected


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/nodes/node-1", "NodeMetrics"), ("/namespaces/shop/pods/web-1", "PodMetrics")],
)
def test_one_object_is_found_by_name(api: FakeApiServer, path: str, kind: str) -> None:
    status, body = answer(Readings(api), ROOT + path)
    assert (status, body["kind"]) == (200, kind)


@pytest.mark.parametrize(
    "target", [f"{ROOT}/nodes/node-2", f"{ROOT}/namespaces/shop/pods/new", f"{ROOT}/x", "/healthz"]
)
def test_what_is_not_there_is_said_as_the_api_does(api: FakeApiServer, target: str) -> None:
    status, body = answer(Readings(api), target)
    assert (status, body["kind"], body["reason"], body["code"]) == (404, "Status", "NotFound", 404)


def test_kubelets_are_not_asked_again_at_once(api: FakeApiServer) -> None:
    readings = Readings(api)
    for _request in range(3):
        readings.pods("shop", {})
    assert api.asked.count("/api/v1/nodes/node-1/proxy/stats/summary") == 1


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    authority = Authority(tmp_path_factory.mktemp("state"))
    authority.create()
    authority.issue("metrics-server", "/CN=metrics-server", [f"DNS:{SERVER_NAME}", "IP:127.0.0.1"])
    authority.issue("front-proxy", "/CN=front-proxy")
    authority.issue("somebody", "/O=system:masters/CN=admin")
    return authority


@pytest.fixture
def server(authority: Authority, api: FakeApiServer) -> Iterator[Server]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.certificate))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(*authority.pair("metrics-server"))
    with Server(("127.0.0.1", 0), context, "front-proxy", api) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def ask(server: Server, authority: Authority, client: str | None) -> tuple[int, dict[str, Any]]:
    context = ssl.create_default_context(cafile=str(authority.certificate))
    if client is not None:
        context.load_cert_chain(*authority.pair(client))
    connection = http.client.HTTPSConnection(
        "127.0.0.1", server.server_port, context=context, timeout=5
    )
    try:
        connection.request("GET", f"{ROOT}/nodes")
        response = connection.getresponse()
        return response.status, json.load(response)
    finally:
        connection.close()


def test_api_server_is_answered(server: Server, authority: Authority) -> None:
    status, body = ask(server, authority, "front-proxy")
    assert (status, body["kind"]) == (200, "NodeMetricsList")


def test_other_certificate_of_the_same_authority_is_refused(
    server: Server, authority: Authority
) -> None:
    assert ask(server, authority, "somebody")[0] == 403


def test_client_without_a_certificate_gets_no_answer(server: Server, authority: Authority) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
        ask(server, authority, None)


def test_failing_api_server_is_said(
    server: Server, authority: Authority, api: FakeApiServer
) -> None:
    api.answers.clear()
    status, body = ask(server, authority, "front-proxy")
    assert (status, body["reason"]) == (503, "ServiceUnavailable")


def test_registration_points_the_api_server_here(authority: Authority) -> None:
    by_kind = {each["kind"]: each for each in registration("127.0.0.1", 443, authority.certificate)}
    service, api_service = by_kind["Service"], by_kind["APIService"]
    assert service["spec"] == {"type": "ExternalName", "externalName": "127.0.0.1"}
    target = api_service["spec"]["service"]
    assert f"{target['name']}.{target['namespace']}.svc" == SERVER_NAME
    assert (target["name"], target["port"]) == (service["metadata"]["name"], 443)
    assert "insecureSkipTLSVerify" not in api_service["spec"]
