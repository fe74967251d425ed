# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trouble between a module and the API server: the end is right, or the error says what is known.

Which of them reach the server is seen in the audit log, through a proxy that makes the trouble.
"""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.images import PAUSE_IMAGE
from tests.cluster.kubectl import apply

from .support.modules import Answer as ModuleAnswer
from .support.modules import run_module
from .support.proxy import Answer, Fault, Faults, Trouble, proxy_to
from .support.web import QuietHandler, serving
from .support.workloads import Workload

TOO_MANY = Answer(429, headers={"Retry_After": "1"})
TROUBLES = [
    pytest.param([TOO_MANY, TOO_MANY], id="429 with Retry-After, twice"),
    pytest.param([Answer(500)], id="500 before it was done"),
    pytest.param([Answer(503)], id="503 before it was done"),
    pytest.param([Answer(500, is_passed_on=True)], id="500 after it was done"),
    pytest.param([Trouble.RESET_BEFORE], id="a reset before it was done"),
    pytest.param([Trouble.RESET_BEFORE] * 2, id="two resets before it was done"),
    pytest.param([Trouble.RESET_AFTER], id="a reset after it was done"),
    pytest.param([Trouble.HALF_THE_ANSWER], id="half an answer after it was done"),
    pytest.param([Trouble.STALL], id="no answer after it was done"),
]


@pytest.fixture
def web(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Workload:
    name = f"web-{abs(hash(request.node.name)) % 10**8}"
    return Workload(cluster.kubeconfig, "Deployment", namespace, name).deploy("1", "2")


def undo(web: Workload, url: str, **options: Any) -> ModuleAnswer:
    where = {"namespace": web.namespace, "name": web.name, "host": url}
    return run_module("k8s_rollout_undo", web.kubeconfig, **{"wait": False, **where, **options})


@pytest.mark.parametrize("faults", TROUBLES)
def test_patch_is_done_once_in_spite_of(web: Workload, faults: list[Fault]) -> None:
    trouble = Faults("PATCH", "/deployments/", *faults)
    with proxy_to(web.kubeconfig, trouble) as url:
        answer = undo(web, url)
    assert trouble.matched >= len(faults)
    assert answer.outcomes == {web.name: "rolled_back"}, answer.message
    web.settle()
    assert web.revisions() == {2: "2", 3: "1"}


@pytest.mark.parametrize("faults", TROUBLES)
@pytest.mark.parametrize("part", ["/deployments/", "/replicasets"])
def test_reading_is_tried_again_after(web: Workload, part: str, faults: list[Fault]) -> None:
    if Trouble.STALL in faults and part == "/deployments/":
        pytest.skip("a server that has not answered yet is given up sooner than that")
    trouble = Faults("GET", part, *faults)
    with proxy_to(web.kubeconfig, trouble) as url:
        answer = undo(web, url)
    assert trouble.matched > len(faults)
    assert answer.outcomes == {web.name: "rolled_back"}, answer.message
    assert web.version == "1"


@pytest.mark.parametrize(
    ("method", "part", "fault", "words", "version"),
    [
        pytest.param(
            "PATCH",
            "/deployments/",
            Answer(500),
            "whether it was rolled back is not known after 4 attempts (the API server answered 500",
            "2",
            id="a patch that always ends in 500",
        ),
        pytest.param(
            "PATCH",
            "/deployments/",
            Trouble.RESET_BEFORE,
            "whether it was rolled back is not known after 4 attempts (the API server",
            "2",
            id="a patch that never arrives",
        ),
        pytest.param(
            "PATCH",
            "/deployments/",
            Answer(401, "token expired"),
            "401 MadeUp: token expired. Check the token or certificate",
            "2",
            id="a token that expires before the patch",
        ),
        pytest.param(
            "GET",
            "/deployments/",
            Answer(401, "token expired"),
            "401 MadeUp: token expired. Check the token or certificate",
            "2",
            id="a token that has expired",
        ),
    ],
)
def test_error_says_what_is_known_after(
    web: Workload, method: str, part: str, fault: Fault, words: str, version: str
) -> None:
    with proxy_to(web.kubeconfig, Faults(method, part, fault, for_ever=True)) as url:
        answer = undo(web, url)
    assert answer.failed
    assert words in answer.message
    assert web.version == version


def test_mark_that_is_lost_on_the_way_is_set_all_the_same(web: Workload) -> None:
    trouble = Faults("PATCH", "/replicasets/", Trouble.RESET_BEFORE)
    with proxy_to(web.kubeconfig, trouble) as url:
        answer = undo(web, url, incident="INC-1")
        again = undo(web, url, incident="INC-1")
    assert answer.outcomes == {web.name: "rolled_back"}
    assert (answer.only["marked"], again.only["marked"]) in (("bad", None), (None, "bad"))
    label = web.kubectl("get", "replicasets", "-loncall.recovery/verdict=bad", "--output=name")
    assert web.name in label


@pytest.fixture
def rolling(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Workload:
    """A Deployment whose only pod finds no image, until somebody gives it one."""
    name = f"rolling-{abs(hash(request.node.name)) % 10**8}"
    rolling = Workload(cluster.kubeconfig, "Deployment", namespace, name, pods=1)
    manifest = rolling.manifest("1")
    manifest["spec"]["template"]["spec"]["containers"][0]["image"] = "example.invalid/web:1"
    apply(cluster.kubeconfig, manifest)
    rolling.settle()
    return rolling


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([Trouble.EXPIRED] * 2, id="410 in the watch"),
        pytest.param([Answer(410)], id="410 instead of a watch"),
        pytest.param([Trouble.RESET_BEFORE], id="a reset before the watch"),
        pytest.param([Trouble.RESET_AFTER] * 3, id="resets of the watch"),
        pytest.param([Trouble.HALF_THE_ANSWER], id="half an event"),
        pytest.param([Answer(503)], id="503 instead of a watch"),
        pytest.param([TOO_MANY], id="429 instead of a watch"),
        pytest.param([Trouble.ENDED_AT_ONCE] * 3, id="watches that end at once"),
    ],
)
def test_waiting_goes_on_after(rolling: Workload, faults: list[Fault]) -> None:
    trouble = Faults("WATCH", "", *faults)
    mend = threading.Timer(1.5, _mend, (rolling,))
    with proxy_to(rolling.kubeconfig, trouble) as url:
        mend.start()
        answer = _wait(rolling, url, seconds=40)
    mend.join()
    assert trouble.matched > len(faults)
    assert not answer.failed, answer.message
    assert answer.only["verdict"] == "complete"


def test_watches_that_always_end_at_once_are_not_opened_without_a_pause(
    rolling: Workload,
) -> None:
    trouble = Faults("WATCH", "", Trouble.ENDED_AT_ONCE, for_ever=True)
    with proxy_to(rolling.kubeconfig, trouble) as url:
        _wait(rolling, url, seconds=4)
    assert 3 <= trouble.matched <= 3 * 12


def test_silent_watch_does_not_hide_that_the_rollout_is_complete(rolling: Workload) -> None:
    trouble = Faults("WATCH", "", Trouble.STALL, for_ever=True)
    mend = threading.Timer(0.5, _mend, (rolling,))
    with proxy_to(rolling.kubeconfig, trouble) as url:
        mend.start()
        answer = _wait(rolling, url, seconds=6)
    mend.join()
    assert answer.only["verdict"] == "complete", answer.message


def test_trouble_that_lasts_until_the_time_is_up_is_told(rolling: Workload) -> None:
    class Outage:
        """All goes well until everything was read and is watched, and nothing after it."""

        def __init__(self) -> None:
            self._watched: set[str] = set()

        def __call__(self, _method: str, path: str) -> Fault | None:
            if "watch=true" in path:
                self._watched.add(path.partition("?")[0])
            return Answer(503, "etcd is gone") if len(self._watched) == 3 else None

    with proxy_to(rolling.kubeconfig, Outage()) as url:
        answer = _wait(rolling, url, seconds=5)
    assert answer.failed
    assert "not complete after 5 s" in answer.message
    assert "of late there was trouble" in answer.message
    assert "etcd is gone" in answer.message


def test_token_that_expires_while_waiting_ends_the_wait(rolling: Workload) -> None:
    trouble = Faults("WATCH", "", Answer(401, "token expired"), for_ever=True)
    with proxy_to(rolling.kubeconfig, trouble) as url:
        answer = _wait(rolling, url, seconds=30)
    assert answer.failed
    assert "401 MadeUp: token expired" in answer.message


def _mend(rolling: Workload) -> None:
    rolling.kubectl("set", "image", rolling.address, f"app={PAUSE_IMAGE}")


def _wait(rolling: Workload, url: str, *, seconds: int) -> ModuleAnswer:
    return run_module(
        "k8s_rollout_status",
        rolling.kubeconfig,
        host=url,
        namespace=rolling.namespace,
        name=rolling.name,
        fail_fast=False,
        wait_timeout=seconds,
    )


@pytest.mark.parametrize(
    ("names", "end", "trusts_it", "words"),
    [
        pytest.param("IP:127.0.0.1", "", False, "certificate verify failed", id="unknown issuer"),
        pytest.param("DNS:api.example", "", True, "certificate is not valid for", id="other name"),
        pytest.param(
            "IP:127.0.0.1", "20200101000000Z", True, "certificate has expired", id="expired"
        ),
    ],
)
def test_certificate_that_does_not_match_is_refused_before_anything_is_sent(
    tmp_path: Path, names: str, end: str, trusts_it: bool, words: str
) -> None:
    certificate = _certificate(tmp_path, names, end)
    with _tls_server(certificate) as (url, requests):
        options = {"ca_cert": str(certificate)} if trusts_it else {"validate_certs": True}
        answer = run_module(
            *("k8s_rollout_undo", None),
            **{"host": url, "api_key": "s3cret", "namespace": "shop", "name": "web", **options},
        )
    assert answer.failed
    assert words in answer.message
    assert "no connection to the API server" in answer.message
    assert requests == []


def _certificate(folder: Path, names: str, end: str) -> Path:
    """A certificate that signs itself, with its key in the same file."""
    key, request, file = (folder / name for name in ("key.pem", "request.pem", "all.pem"))
    settings = folder / "ca.cnf"
    settings.write_text(
        "[ca]\ndefault_ca=own\n[own]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\n"
        "default_md=sha256\npolicy=any\nx509_extensions=names\n[any]\ncommonName=supplied\n"
        f"[names]\nsubjectAltName={names}\nbasicConstraints=CA:true\n"
    )
    (folder / "index").touch()
    steps = [
        f"req -newkey rsa:2048 -nodes -keyout {key} -out {request} -subj /CN=test",
        f"ca -batch -selfsign -config {settings} -keyfile {key} -in {request} -out {file} -notext"
        f" -startdate 20190101000000Z -enddate {end or '20990101000000Z'}",
    ]
    for step in steps:
        subprocess.run(["openssl", *step.split()], cwd=folder, check=True, capture_output=True)
    file.write_text(file.read_text() + key.read_text())
    return file


@contextmanager
def _tls_server(certificate: Path) -> Iterator[tuple[str, list[str]]]:
    """The URL of a server with this certificate, and the requests that it got."""
    requests: list[str] = []

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            self.send_error(500)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(Handler, context) as url:
        yield url, requests
