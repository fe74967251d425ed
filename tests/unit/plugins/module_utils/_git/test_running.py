# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tag is what runs."""

from __future__ import annotations

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import Remote
from ansible_collections.oncall.recovery.plugins.module_utils._git.running import (
    Running,
    tag_of_image,
    tag_that_runs,
)

OLD, NEW = "1" * 40, "2" * 40
REFS = {
    "refs/tags/v1.2.2": OLD,
    "refs/tags/v1.2.3": "f" * 40,
    "refs/tags/v1.2.3^{}": NEW,
    "refs/tags/v1.2.3-rc.1": NEW,
    "refs/tags/stable": NEW,
}
REMOTE = Remote("origin", "file:///shop.git", "file:///shop.git", REFS, "main")


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("web", ""),
        ("web:1.2.3", "1.2.3"),
        ("registry.example:5000/shop/web", ""),
        ("registry.example:5000/shop/web:1.2.3", "1.2.3"),
        ("registry.example/web:1.2.3@sha256:0123", "1.2.3"),
        ("registry.example/web@sha256:0123", ""),
    ],
)
def test_tag_of_an_image(image: str, tag: str) -> None:
    assert tag_of_image(image) == tag


@pytest.mark.parametrize(
    ("running", "tag"),
    [
        pytest.param(Running(image="web:1.2.2"), "v1.2.2", id="version"),
        pytest.param(Running(image="web:stable"), "stable", id="tag without a version"),
        pytest.param(Running(revision=NEW), "v1.2.3", id="commit of several tags, the newest"),
        pytest.param(Running(image="web:2222222"), "v1.2.3", id="commit in the image's tag"),
        pytest.param(Running(image="web:latest", version="v1.2.2"), "v1.2.2", id="moving tag"),
        pytest.param(Running(version="1.2.2", revision="main"), "v1.2.2", id="no commit"),
    ],
)
def test_tag_is_found(running: Running, tag: str) -> None:
    assert tag_that_runs(REMOTE, running, None) == tag


@pytest.mark.parametrize(
    ("running", "says"),
    [
        pytest.param(Running(image="web:1.2.3-alpine"), "no tag on origin", id="variant"),
        pytest.param(Running(image="python-1.2.3"), "no tag on origin", id="another prefix"),
        pytest.param(Running(image="web:222222"), "no tag on origin", id="too short for a commit"),
        pytest.param(Running(version="1.2.3", revision=OLD), "contradicts", id="other commit"),
        pytest.param(
            Running(version="1.2.3", revision="3" * 40), "contradicts", id="commit without a tag"
        ),
    ],
)
def test_doubt_is_refused(running: Running, says: str) -> None:
    with pytest.raises(RecoveryError, match=says):
        tag_that_runs(REMOTE, running, None)
