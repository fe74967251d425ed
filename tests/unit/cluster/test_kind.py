# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind is told about the node of the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from tests.cluster import kind
from tests.cluster.model import Wanted


def nodes_of(settings: dict[str, object]) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", settings["nodes"])


@pytest.mark.parametrize("image", ["", "kindest/node:v1.20.15@sha256:a32b"])
def test_node_has_the_image_that_is_named_and_else_that_of_kind(image: str) -> None:
    (node,) = nodes_of(kind.settings(Path("/state"), image))
    assert node.get("image", "") == image


def test_environment_names_the_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the workflow sets reaches the file that kind reads."""
    monkeypatch.setattr(kind, "state_folder", lambda name: tmp_path)
    monkeypatch.setattr(kind, "run_long", lambda command, **_: None)
    answers = {"--raw": '{"gitVersion": "v1.20.15"}', "view": "https://127.0.0.1:6443"}
    monkeypatch.setattr(kind, "kubectl", lambda kubeconfig, verb, *rest: answers[rest[0]])
    monkeypatch.setenv(kind.IMAGE_VARIABLE, "kindest/node:v1.20.15")
    cluster = kind.KindProvider().up(Wanted("test"))
    assert cluster.version == "v1.20.15"
    assert '"image": "kindest/node:v1.20.15"' in (tmp_path / "kind.json").read_text()
