# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which rules come of which services, and what is refused. Whether they fire, promtool tests."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.rules import rule_groups
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.service import Service
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.settings import Settings
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

COMMON = {"enabled": True, "severity": "critical", "playbook": "oncall.recovery.rollback"}
SIGNALS = {
    "error_rate": {**COMMON, "for": "1m", "window": "5m", "threshold": 0.05, "minimum_rate": 1},
    "error_budget": {
        **COMMON,
        "for": "0s",
        "minimum_rate": 1,
        "burn_rates": [
            {"factor": 14.4, "long": "1h", "short": "5m"},
            {"factor": 1, "long": "3d", "short": "6h", "severity": "warning"},
        ],
    },
    "target_down": {**COMMON, "for": "2m", "threshold": 0.3},
}
METRICS = {
    "requests": {"name": "http_requests_total", "matchers": []},
    "errors": {"name": "http_requests_total", "matchers": ['code=~"5.."']},
    "up": {"name": "up", "matchers": []},
}
LABEL_NAMES = {"namespace": "namespace", "pod": "pod"}
WEB = {"namespace": "shop", "name": "web"}
LETTERS = "[bcdfghjklmnpqrstvwxz2456789]"
PODS = f'namespace="shop",pod=~"web-{LETTERS}{{1,10}}-{LETTERS}{{5}}"'


def rules(*services: dict[str, Any], **inputs: Any) -> list[dict[str, Any]]:
    """The rules of all services."""
    settings = Settings.from_options(
        signals=[SIGNALS, inputs.get("signals", {})],
        metrics=[METRICS, inputs.get("metrics", {})],
        label_names=[LABEL_NAMES, inputs.get("label_names", {})],
        matchers=inputs.get("matchers"),
        labels=inputs.get("labels"),
        runbook_url=inputs.get("runbook_url"),
    )
    return [rule for group in rule_groups(list(services), settings) for rule in group["rules"]]


def only(signal: str, service: dict[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
    """The one rule of the one signal that is enabled."""
    off = {name: {"enabled": False} for name in SIGNALS if name != signal}
    (rule,) = rules(
        service or WEB,
        **{**inputs, "signals": {**off, **inputs.get("signals", {})}},
    )
    return rule


def test_alert_says_what_it_is_about_and_what_to_run() -> None:
    assert only("error_rate", {**WEB, "team": "shop"}, runbook_url="https://a/{signal}/{name}") == {
        "alert": "ErrorRateHigh",
        "expr": f'sum(rate(http_requests_total{{{PODS},code=~"5.."}}[5m]))\n'
        f"  / sum(rate(http_requests_total{{{PODS}}}[5m])) > 0.05\n"
        f"and sum(rate(http_requests_total{{{PODS}}}[5m])) > 1",
        "for": "1m",
        "labels": {
            "namespace": "shop",
            "kind": "Deployment",
            "name": "web",
            "signal": "error_rate",
            "severity": "critical",
            "team": "shop",
            "playbook": "oncall.recovery.rollback",
        },
        "annotations": {
            "summary": "Deployment shop/web: {{ $value | humanizePercentage }} of requests failed"
            " within 5m (limit 5%)",
            "runbook_url": "https://a/error-rate/web",
        },
    }


@pytest.mark.parametrize(
    ("service", "inputs", "part"),
    [
        pytest.param({"matchers": ['job="web"']}, {}, 'up{job="web"}', id="service's own matchers"),
        pytest.param({}, {"matchers": ['cluster="eu"']}, ',cluster="eu"}', id="for all queries"),
        pytest.param(
            {}, {"metrics": {"up": {"name": "probe_success"}}}, "avg(probe_success{", id="metric"
        ),
        pytest.param({}, {"label_names": {"pod": "pod_name"}}, "pod_name=~", id="label"),
        pytest.param({}, {"signals": {"target_down": {"threshold": 0.9}}}, "> 0.9", id="for all"),
        pytest.param({"signals": {"target_down": {"threshold": "0.8"}}}, {}, "> 0.8", id="for one"),
        pytest.param(
            {"signals": {"target_down": {"threshold": 0.1}}},
            {"signals": {"target_down": {"threshold": 0.9}}},
            "> 0.1",
            id="for one is more than for all",
        ),
    ],
)
def test_query_is_made_of_the_inputs(
    service: dict[str, Any], inputs: dict[str, Any], part: str
) -> None:
    assert part in only("target_down", {**WEB, **service}, **inputs)["expr"]


def test_labels_of_all_alerts_and_of_one_service_are_told() -> None:
    labels = only("target_down", {**WEB, "labels": {"tier": 'a"b'}}, labels={"cluster": "eu"})
    assert labels["labels"].items() >= {"tier": 'a"b', "cluster": "eu"}.items()


def test_burn_rates_are_written_for_services_with_an_slo() -> None:
    assert "error_budget" not in [rule["labels"].get("signal") for rule in rules(WEB)]
    written = rules({**WEB, "slo": "99.5"})
    alerts = [rule for rule in written if rule["labels"].get("signal") == "error_budget"]
    assert [(rule["labels"]["window"], rule["labels"]["severity"]) for rule in alerts] == [
        ("1h", "critical"),
        ("3d", "warning"),
    ]
    assert "/ 0.5 > 14.4" in alerts[0]["expr"]
    recorded = [rule["record"] for rule in written if "record" in rule]
    assert recorded == [
        f"workload:http_{kind}:rate{window}"
        for window in ("5m", "1h", "6h", "3d")
        for kind in ("requests", "errors")
    ]


@pytest.mark.parametrize(
    ("kind", "name", "own", "others"),
    [
        pytest.param(
            "Deployment",
            "web",
            ["web-6d4cf56db6-x2bzl", "web-5b-bbbbb"],
            ["web-0", "web-x2bzl", "web-api-6d4cf56db6-x2bzl", "web-agent-x2bzl", "xweb-5b-bbbbb"],
            id="Deployment",
        ),
        pytest.param(
            "StatefulSet", "db", ["db-0", "db-12"], ["db-a", "db-0-1", "db-x2bzl"], id="StatefulSet"
        ),
        pytest.param("DaemonSet", "log", ["log-x2bzl"], ["log-0", "log-x2bzl-x"], id="DaemonSet"),
        pytest.param("StatefulSet", "a.b", ["a.b-0"], ["axb-0"], id="a dot is a dot"),
        pytest.param(
            "Deployment",
            "n" * 52,
            [f"{'n' * 52}-6d4cfx2bzl"],
            [f"{'n' * 51}-6d4cfx2bzl", "web-5b-bbbbb"],
            id="name so long that Kubernetes cuts the hash off",
        ),
        pytest.param("DaemonSet", "n" * 63, [f"{'n' * 58}x2bzl"], [f"{'n' * 63}-x2bzl"], id="cut"),
    ],
)
def test_pods_of_a_workload_are_told_by_their_names(
    kind: str, name: str, own: list[str], others: list[str]
) -> None:
    service = Service.from_options({"namespace": "shop", "kind": kind, "name": name})
    told = [pod for pod in own + others if re.fullmatch(service.pod_pattern, pod)]
    assert told == own


TEMPLATE = '{{ query "up" }}'


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": 'web"} or vector(1) #'}, "name 'web\"} or vector(1) #' is not allowed"),
        ({"name": "web\n"}, "name 'web\\n' is not allowed"),
        ({"name": TEMPLATE}, "is not allowed"),
        ({"name": "web|.*"}, "is not allowed"),
        ({"name": None}, "name None is not allowed"),
        ({"namespace": 'shop",x="'}, "is not allowed"),
        ({"namespace": "a.b"}, "is not allowed"),
        ({"kind": "Pod"}, "'Pod' is no kind of workload"),
        ({"team": "a\nb"}, "team 'a\\nb' is not allowed"),
        ({"team": TEMPLATE}, "team"),
        ({"labels": {"tier": TEMPLATE}}, "is not plain text"),
        ({"labels": {"tier": "a\u2028b"}}, "is not plain text"),
        ({"labels": {"tier": 5}}, "is not plain text"),
        ({"labels": {"a-b": "c"}}, "'a-b' is no name of a label"),
        ({"labels": {"__name__": "c"}}, "is no name of a label"),
        ({"labels": {"severity": "none"}}, "the rules set the label 'severity' themselves"),
        ({"labels": ["a"]}, "labels have to be a dictionary"),
        ({"matchers": ['job="a"} or up{x="']}, "is no matcher"),
        ({"matchers": ['job="a" or b="c"']}, "is no matcher"),
        ({"matchers": ["job='a'"]}, "is no matcher"),
        ({"matchers": 'job="a"'}, "matchers have to be a list"),
        ({"matchers": ['job="a\nb"']}, "is no matcher"),
        ({"slo": 100}, "slo 100 is not from 50 to below 100"),
        ({"slo": 0.999}, "slo 0.999 is not from 50"),
        ({"slo": "nan"}, "'nan' is no number"),
        ({"runbook_url": "javascript:alert(1)"}, "is no address"),
        ({"runbook_url": f"https://a/{TEMPLATE}"}, "is no address"),
        ({"nmae": "web"}, "there is no option 'nmae'"),
        ({"signals": {"errors": {}}}, "there is no 'errors'. Use error_rate"),
        ({"signals": {"error_rate": {"treshold": 1}}}, "there is no 'treshold'. Use enabled"),
        ({"signals": {"error_rate": {"threshold": 5}}}, "5 is no ratio. Write 0.05 for 5 %"),
        ({"signals": {"error_rate": {"threshold": True}}}, "True is no number"),
        ({"signals": {"error_rate": {"window": "5m])) or vector(1)"}}}, "is no duration"),
        ({"signals": {"error_rate": {"window": "0s"}}}, "'0s' is no duration"),
        ({"signals": {"error_rate": {"for": "soon"}}}, "'soon' is no duration"),
        ({"signals": {"error_rate": {"severity": "page"}}}, "severity is 'page'"),
        ({"signals": {"error_rate": {"enabled": "yes"}}}, "enabled is 'yes'"),
        ({"signals": {"error_rate": {"playbook": "x; rm -rf /"}}}, "is no name of a playbook"),
        ({"signals": {"error_rate": {"playbook": "../x"}}}, "is no name of a playbook"),
        ({"slo": 99, "signals": {"error_budget": {"burn_rates": []}}}, "list with entries"),
        (
            {"slo": 99, "signals": {"error_budget": {"burn_rates": [{"fast": 1}]}}},
            "burn_rates[0]: there is no 'fast'",
        ),
        ({"signals": {name: {"enabled": False} for name in SIGNALS}}, "no signal that is enabled"),
    ],
)
def test_service_that_gives_no_sound_rules_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rules({**WEB, **changes})
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"metrics": {"up": {"name": "up or vector(1)"}}}, "is no name of a metric"),
        ({"metrics": {"up": {"matchers": ["x"]}}}, "metrics.up: 'x' is no matcher"),
        ({"metrics": {"down": {}}}, "metrics: there is no 'down'"),
        ({"label_names": {"pod": 'x="" or'}}, "label_names.pod"),
        ({"labels": {"cluster": TEMPLATE}}, "labels: label cluster"),
        ({"matchers": ["}"]}, "matchers: '}' is no matcher"),
        ({"signals": ["error_rate"]}, "signals: has to be a dictionary"),
    ],
)
def test_setting_that_gives_no_sound_rules_is_refused(inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rules(WEB, **inputs)
    assert words in caught.value.message


def test_services_are_listed_once_and_at_all() -> None:
    for services, words in (([], "there are none"), ([WEB, WEB], "is there twice")):
        with pytest.raises(InvalidInput) as caught:
            rules(*services)
        assert words in caught.value.message
