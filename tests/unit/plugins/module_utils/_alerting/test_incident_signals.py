# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked when a service is in trouble. That the queries work, Prometheus tests."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.incident_signals import (
    all_signals,
    incident_evidence,
    incident_signals,
)
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.service import Service
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.settings import Settings
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

REQUESTS = {"window": "1m", "minimum_rate": 0.1}
SETTINGS = Settings.from_options(
    signals=[
        {
            "error_rate": {**REQUESTS, "threshold": 0.05},
            "latency": {**REQUESTS, "threshold": 2, "quantile": 0.95},
            "dependency": {"window": "1m", "threshold": 0.1},
            "memory": {},
        }
    ],
    metrics=[
        {
            "requests": {"name": "http_requests_total"},
            "errors": {"name": "http_requests_total", "matchers": ['code=~"5.."']},
            "latency_buckets": {"name": "http_request_duration_seconds_bucket"},
            "memory_usage": {"name": "container_memory_working_set_bytes"},
            "dependency_requests": {"name": "dependency_requests_total"},
            "dependency_failures": {
                "name": "dependency_requests_total",
                "matchers": ['result!="ok"'],
            },
        }
    ],
    label_names=[{"namespace": "namespace", "pod": "pod", "dependency": "dependency"}],
    matchers=None,
    labels=None,
    runbook_url=None,
)
PAYMENTS = {"name": "payments", "kind": "external_api", "mitigation": "payments_fallback"}


def asked(*dependencies: Any, **added: Any) -> dict[str, Any]:
    return incident_signals(
        Service.from_options({"namespace": "shop", "name": "web"}),
        SETTINGS,
        ["error_rate", "latency"],
        dependencies,
        history="30m",
        step="15s",
        added=added,
    )


def names(signals: list[dict[str, Any]]) -> list[str]:
    return [signal["name"] for signal in signals]


def test_users_are_asked_about_as_a_whole_and_by_pod() -> None:
    symptoms = asked()["symptoms"]
    assert names(symptoms) == ["error rate", "error rate by pod", "latency", "latency by pod"]
    assert [signal.get("range") for signal in symptoms] == ["30m", None, "30m", None]
    assert "sum by (pod) " in symptoms[1]["promql"]
    assert "sum by (le, pod) " in symptoms[3]["promql"]
    assert [signal["threshold"] for signal in symptoms] == [0.05, 0.05, 2, 2]


def test_load_and_memory_have_a_history_and_no_limit() -> None:
    groups = asked()
    for signal in (*groups["load"], *groups["memory"]):
        assert (signal["comparison"], signal["threshold"]) == ("<", 0)
        assert (signal["range"], signal["step"]) == ("30m", "15s")


def test_dependency_is_asked_about_by_its_failed_calls() -> None:
    (payments,) = asked(PAYMENTS)["dependencies"]
    assert {key: payments[key] for key in PAYMENTS} == PAYMENTS
    (signal,) = payments["signals"]
    assert signal["name"] == "failed calls to payments"
    assert signal["promql"].count('dependency="payments"') == signal["promql"].count("_total")
    assert signal["threshold"] == 0.1


def test_dependency_may_be_called_otherwise_and_have_signals_of_its_own() -> None:
    own = {"name": "payments answer", "promql": "payments_up", "threshold": 1, "comparison": "<"}
    other, asked_itself = asked(
        {"name": "database", "label": 'db"} or vector(1) #', "threshold": "0.2"},
        {**PAYMENTS, "signals": [own]},
    )["dependencies"]
    assert r'dependency="db\"} or vector(1) #"' in other["signals"][0]["promql"]
    assert other["signals"][0]["threshold"] == 0.2
    assert asked_itself["signals"] == [own]


@pytest.mark.parametrize(
    ("dependencies", "added", "complaint"),
    [
        (["payments"], {}, "is no name"),
        ([{"name": "pay\nments"}], {}, "is no name"),
        ([{**PAYMENTS, "fallback": "x"}], {}, "there is no option 'fallback'"),
        ([PAYMENTS, PAYMENTS], {}, "'failed calls to payments' is there twice"),
        ([], {"symptom": []}, "there is no 'symptom'"),
        ([], {"load": [{"name": "error rate"}]}, "'error rate' is there twice"),
    ],
)
def test_mistakes_are_refused(dependencies: list[Any], added: Any, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        asked(*dependencies, **added)


def test_answers_come_back_where_the_questions_were() -> None:
    queue = {"name": "queue", "promql": "queue_length", "threshold": 10}
    groups = asked(PAYMENTS, saturation=[queue])
    answers = [{"name": name, "verdict": "healthy"} for name in names(all_signals(groups))]
    evidence = incident_evidence(groups, answers)
    assert names(evidence["saturation"]) == ["queue"]
    assert names(evidence["symptoms"]) == names(groups["symptoms"])
    (payments,) = evidence["dependencies"]
    assert payments["mitigation"] == "payments_fallback"
    assert payments["signals"] == [{"name": "failed calls to payments", "verdict": "healthy"}]


def test_signal_without_an_answer_is_left_out() -> None:
    assert incident_evidence(asked(), [])["symptoms"] == []
