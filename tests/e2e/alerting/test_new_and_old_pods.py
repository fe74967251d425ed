# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus makes of the error rates of new and old pods of a rollout."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.rollout_guard import (
    BESIDE,
    rollout_signals,
)
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.service import Service
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.settings import Settings

NEW_HASH = "7c5f9c6b8"
NEW, OLD = f"web-{NEW_HASH}-x2bzl", "web-6d4cf56db6-x2bzl"
THRESHOLD = 0.05


def difference_of_error_rates() -> str:
    settings = Settings.from_options(
        signals=[{"error_rate": {"window": "2m", "minimum_rate": 0.1, "threshold": THRESHOLD}}],
        metrics=[
            {
                "requests": {"name": "http_requests_total"},
                "errors": {"name": "http_requests_total", "matchers": ['code=~"5.."']},
            }
        ],
        label_names=[{"namespace": "namespace", "pod": "pod"}],
        matchers=None,
        labels=None,
        runbook_url=None,
    )
    signals = rollout_signals(
        Service.from_options({"namespace": "shop", "name": "web"}),
        settings,
        ["error_rate"],
        new_hash=NEW_HASH,
        consecutive=2,
        tolerance=0.5,
    )
    (asked,) = [signal for signal in signals if signal["name"].endswith(BESIDE)]
    return str(asked["promql"])


def requests(pod: str, code: int, each_minute: int) -> dict[str, str]:
    series = f'http_requests_total{{namespace="shop",pod="{pod}",code="{code}"}}'
    return {"series": series, "values": f"0+{each_minute}x10"}


@pytest.mark.parametrize(
    ("new", "old", "is_worse"),
    [
        ((30, 30), (0, 60), True),
        ((60, 60), (0, 60), True),
        ((8, 52), (0, 60), False),
        ((33, 27), (24, 36), False),
        ((3300, 2700), (2400, 3600), True),
        ((60, 0), (60, 0), False),
    ],
    ids=["half", "more requests", "could be chance", "of few", "same of many", "all of both"],
)
def test_new_pods_are_worse_beyond_chance(
    new: tuple[int, int], old: tuple[int, int], is_worse: bool, tmp_path: Path
) -> None:
    test: dict[str, Any] = {
        "interval": "1m",
        "input_series": [
            requests(pod, code, number)
            for pod, numbers in ((NEW, new), (OLD, old))
            for code, number in zip((500, 200), numbers, strict=True)
            if number
        ],
        "promql_expr_test": [
            {
                "expr": f"({difference_of_error_rates()}) > bool {THRESHOLD}",
                "eval_time": "5m",
                "exp_samples": [{"labels": "{}", "value": int(is_worse)}],
            }
        ],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump({"tests": [test]}))
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
