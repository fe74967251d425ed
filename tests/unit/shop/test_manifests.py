# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes objects and images of the shop."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.cluster import images
from tests.cluster.shop import versions
from tests.cluster.shop.manifests import KINDS, Shop, all_objects, workload
from tests.cluster.shop.versions import VERSIONS, Version, version_named


@pytest.mark.parametrize("kind", KINDS)
def test_selector_template_and_service_agree(kind: str) -> None:
    shop = Shop(name="api", kind=kind)
    _namespace, _settings, service, controller = json.loads(json.dumps(all_objects(shop)))
    labels = controller["spec"]["template"]["metadata"]["labels"]
    assert controller["kind"] == kind
    assert controller["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["selector"] == controller["spec"]["selector"]["matchLabels"]
    (container,) = controller["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "localhost/oncall/shop:1.0.0"
    assert container["imagePullPolicy"] == "IfNotPresent"


def test_two_installations_do_not_share_a_selector() -> None:
    assert Shop(name="web").selector != Shop(name="api").selector


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="not as ReplicaSet"):
        workload(Shop(kind="ReplicaSet"))


def test_tags_are_unique_and_one_has_no_image() -> None:
    tags = [version.tag for version in VERSIONS]
    assert len(tags) == len(set(tags))
    assert [version.tag for version in VERSIONS if not version.has_image] == ["2.0.0-missing"]


def test_tag_outside_of_the_table_is_an_image_all_the_same() -> None:
    assert version_named("1.0.1").image == "localhost/oncall/shop:1.0.1"


def test_archive_holds_every_version_that_has_an_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "_architecture", lambda: "amd64")
    monkeypatch.setattr(images, "busybox_layer", lambda _cache: images.layer_tar({}))
    monkeypatch.setattr(images, "python_layer", lambda _cache: images.layer_tar({}))
    broken = Version("2.0.0", "fails", {"fault_error_share": 1.0})
    table = [Version("1.0.0", "serves"), broken, Version("3.0.0", "no image", has_image=False)]
    with tarfile.open(versions.build_shop_images(tmp_path, table)) as archive:
        manifest = json.load(reader(archive, "manifest.json"))
        code, version_file = (reader(archive, path) for path in manifest[1]["Layers"][-2:])
    assert [entry["RepoTags"][0].rpartition(":")[2] for entry in manifest] == ["1.0.0", "2.0.0"]
    assert manifest[0]["Layers"][:-1] == manifest[1]["Layers"][:-1]
    with tarfile.open(fileobj=code) as layer:
        assert {"srv/app/__main__.py", "srv/app/server.py"} <= set(layer.getnames())
    with tarfile.open(fileobj=version_file) as layer:
        assert json.load(reader(layer, "srv/app/version.json")) == {
            "version": "2.0.0",
            "settings": {"fault_error_share": 1.0},
        }


def reader(archive: tarfile.TarFile, path: str) -> io.BytesIO:
    stream = archive.extractfile(path)
    assert stream is not None
    return io.BytesIO(stream.read())
