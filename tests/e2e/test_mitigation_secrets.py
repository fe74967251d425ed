# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of Secrets are shown nowhere."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.cluster import Cluster

from .support.mitigations import LEDGER, Shop, make_shop
from .support.modules import started_module
from .support.playbooks import play


@pytest.fixture
def shop(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Shop:
    return make_shop(cluster, namespace, request)


SECRETS = ("old-sesame", "new-sesame")


def in_clear_or_encoded(text: str) -> list[str]:
    shapes = [*SECRETS, *(base64.b64encode(value.encode()).decode() for value in SECRETS)]
    return [shape for shape in shapes if shape in text]


def test_values_of_secrets_are_shown_nowhere(shop: Shop) -> None:
    original = shop.snapshot("secret")
    change = {"kind": "Secret", "name": shop.name, "key": "PASSWORD", "value": SECRETS[1]}
    options = {"name": shop.named("m"), "namespace": shop.namespace, "changes": [change]}
    for state in ("present", "absent"):
        for check in (True, False):
            with started_module(
                "k8s_mitigation",
                kubeconfig=str(shop.kubeconfig),
                state=state,
                _ansible_check_mode=check,
                _ansible_diff=True,
                **options,
            ) as process:
                out, err = process.communicate(timeout=60)
            result = json.loads(out)
            assert result["changed"] and result["diff"][0]["before"] != result["diff"][0]["after"]
            assert in_clear_or_encoded(out + err) == []
        ledger = shop.kubectl("get", "configmap", LEDGER, "--output=yaml")
        assert in_clear_or_encoded(ledger) == []
        if state == "present":
            assert shop.live("secret")["data"]["PASSWORD"] == encoded(SECRETS[1])
            (field,) = shop.info(name="m")[0]["fields"]
            assert (field["before"], field["value"]) == ("********", "********")
            assert len(shop.live("secret", LEDGER)["data"]) == 1
    assert shop.snapshot("secret") == original
    assert shop.live("secret", LEDGER).get("data") is None


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_values_of_secrets_are_not_in_the_output_of_ansible(shop: Shop, tmp_path: Path) -> None:
    """With all that -vvv shows."""
    change = {"kind": "Secret", "name": shop.name, "key": "PASSWORD", "value": SECRETS[1]}
    task = {
        "name": shop.named("m"),
        "namespace": shop.namespace,
        "kubeconfig": str(shop.kubeconfig),
    }
    playbook = tmp_path / "play.yml"
    with_a_secret = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [{"oncall.recovery.k8s_mitigation": {**task, "changes": [change]}}],
    }
    playbook.write_text(json.dumps([with_a_secret]))
    done = play(str(playbook), "-vvv", "--diff", cwd=tmp_path)
    assert "changed=1" in done.stdout, done.stdout + done.stderr
    assert in_clear_or_encoded(done.stdout + done.stderr) == []
    assert shop.put_back("m").changed
