# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What annotations say of the image that a workload runs."""

from __future__ import annotations

from ansible_collections.oncall.recovery.plugins.module_utils._kube.history import (
    image_annotations_of,
)

from .builders import workload

VERSION = "org.opencontainers.image.version"
REVISION = "org.opencontainers.image.revision"


def test_annotations_of_the_template_win_over_those_of_the_workload() -> None:
    live = workload(annotations={VERSION: "1.2.3", REVISION: "9c1f0e2", "owner": "shop"})
    live["spec"]["template"]["metadata"] = {"annotations": {VERSION: "1.2.4", "other": "x"}}
    assert image_annotations_of(live) == {VERSION: "1.2.4", REVISION: "9c1f0e2"}


def test_workload_without_annotations_says_nothing() -> None:
    live = workload()
    del live["spec"]["template"]["metadata"]
    assert image_annotations_of(live) == {}
