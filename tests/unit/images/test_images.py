# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image archives, opened again with the standard tar reader as an importer would."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.cluster import images
from tests.cluster.images import Directory, File, Image, Symlink


@pytest.fixture(autouse=True)
def known_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_architecture", lambda: "amd64")


def opened(archive: bytes) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(archive))


def content_of(archive: tarfile.TarFile, path: str) -> bytes:
    stream = archive.extractfile(path)
    assert stream is not None
    return stream.read()


def written(*to_write: Image) -> bytes:
    buffer = io.BytesIO()
    images.write_archive(buffer, to_write)
    return buffer.getvalue()


BASE = images.layer_tar({"usr/bin/tool": File(b"#!/bin/sh\n", 0o755), "bin": Symlink("usr/bin")})
TOP = images.layer_tar({"srv/version.json": File(b"{}"), "tmp": Directory(0o1777)})


def test_layer_holds_parents_before_children_with_their_modes() -> None:
    members = {member.name: member for member in opened(BASE)}
    assert list(members) == ["bin", "usr", "usr/bin", "usr/bin/tool"]
    assert members["usr"].isdir()
    assert members["usr/bin/tool"].mode == 0o755
    assert members["bin"].linkname == "usr/bin"


def test_layer_keeps_the_sticky_bit_of_a_shared_directory() -> None:
    assert opened(TOP).getmember("tmp").mode == 0o1777


def test_layer_does_not_depend_on_order_time_or_user() -> None:
    assert images.layer_tar({"b": File(b"2"), "a": File(b"1")}) == images.layer_tar(
        {"a": File(b"1"), "b": File(b"2")}
    )
    assert all(member.mtime == member.uid == member.gid == 0 for member in opened(BASE))


def test_archive_names_every_image_and_its_layers_lowest_first() -> None:
    archive = opened(written(Image("localhost/x/tool:1", (BASE, TOP), ("/bin/tool",))))
    (entry,) = json.loads(content_of(archive, "manifest.json"))
    assert entry["RepoTags"] == ["localhost/x/tool:1"]
    assert [content_of(archive, path) for path in entry["Layers"]] == [BASE, TOP]


def test_configuration_states_the_digest_of_each_uncompressed_layer() -> None:
    image = Image(
        "localhost/x/tool:1",
        (BASE, TOP),
        ("/bin/tool", "--serve"),
        environment={"MODE": "quiet"},
        labels={"org.opencontainers.image.version": "1"},
        user=images.UNPRIVILEGED_USER,
    )
    archive = opened(written(image))
    (entry,) = json.loads(content_of(archive, "manifest.json"))
    raw = content_of(archive, entry["Config"])
    config = json.loads(raw)
    assert entry["Config"] == f"{hashlib.sha256(raw).hexdigest()}.json"
    assert config["rootfs"]["diff_ids"] == [
        f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in (BASE, TOP)
    ]
    assert len(config["history"]) == 2
    assert config["config"]["Cmd"] == ["/bin/tool", "--serve"]
    assert config["config"]["Env"] == ["MODE=quiet"]
    assert config["config"]["User"] == "10001:10001"
    assert config["architecture"] == "amd64"


def test_layer_shared_by_two_images_is_stored_once() -> None:
    archive = opened(
        written(
            Image("localhost/x/tool:1", (BASE,), ("/bin/tool",)),
            Image("localhost/x/tool:2", (BASE, TOP), ("/bin/tool",)),
        )
    )
    assert len([name for name in archive.getnames() if name.endswith("layer.tar")]) == 2


def test_same_images_give_the_same_bytes() -> None:
    image = Image("localhost/x/tool:1", (BASE, TOP), ("/bin/tool",), labels={"b": "1", "a": "2"})
    assert written(image) == written(image)


def test_archive_is_built_once_and_again_when_a_layer_changes(tmp_path: Path) -> None:
    first = images.build_archive(tmp_path, "tool", [Image("localhost/x/t:1", (BASE,), ("/t",))])
    first.write_bytes(b"kept")
    again = images.build_archive(tmp_path, "tool", [Image("localhost/x/t:1", (BASE,), ("/t",))])
    other = images.build_archive(tmp_path, "tool", [Image("localhost/x/t:1", (TOP,), ("/t",))])
    assert again == first and again.read_bytes() == b"kept"
    assert other != first and tarfile.is_tarfile(other)


def test_failed_build_leaves_nothing_in_the_cache(tmp_path: Path) -> None:
    def fail(_stream: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        images._write_whole(tmp_path / "x.tar", fail)
    assert list(tmp_path.iterdir()) == []


def test_directory_tree_leaves_out_caches_and_hidden_files(tmp_path: Path) -> None:
    for name in ("app.py", "sub/part.py", "__pycache__/app.pyc", ".git/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    tree = images.directory_tree(tmp_path, "srv/app")
    assert tree == {"srv/app/app.py": File(b"app.py"), "srv/app/sub/part.py": File(b"sub/part.py")}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param(
            "a\n  PreDepends: libc6\n  Depends: zlib1g\n", ["libc6", "zlib1g"], id="both kinds"
        ),
        pytest.param(
            "a\n |Depends: media-types\n  Depends: mime-support\n  Depends: libc6\n",
            ["media-types", "libc6"],
            id="only the first of two alternatives",
        ),
        pytest.param(
            "a\n |Depends: debconf\n  Depends: <debconf-2.0>\n    debconf\n",
            ["debconf"],
            id="no virtual package and not its providers",
        ),
        pytest.param("a\n", [], id="a package without dependencies"),
    ],
)
def test_dependencies_are_read_from_apts_output(output: str, expected: list[str]) -> None:
    assert images.parse_dependencies(output) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("lib/x86_64-linux-gnu/libc.so.6", "usr/lib/x86_64-linux-gnu/libc.so.6"),
        ("usr/lib/python3.11/json", "usr/lib/python3.11/json"),
        ("etc/passwd", "etc/passwd"),
        ("lib64/ld-linux-x86-64.so.2", "usr/lib64/ld-linux-x86-64.so.2"),
    ],
)
def test_top_level_directories_are_merged_into_usr(path: str, expected: str) -> None:
    assert images._merge_usr(path) == expected


def test_missing_tool_is_named_with_what_to_do() -> None:
    with pytest.raises(images.ClusterError, match="no-such-program-here is not on this machine"):
        images._output_of(["no-such-program-here"])
