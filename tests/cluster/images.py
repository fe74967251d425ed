# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Container images made from Debian packages, without a container engine or an image registry.

An archive has the layout of ``docker save`` (a JSON configuration per image, its layers as tar
files, and a ``manifest.json``), which ``ctr image import``, ``kind load image-archive`` and
``docker load`` all read. The same input gives the same bytes.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from .errors import ClusterError

# A pull that should never happen ends at this machine's loopback, not at somebody's registry.
IMAGE_PREFIX = "localhost/oncall"
PAUSE_IMAGE = f"{IMAGE_PREFIX}/pause:1"
BUSYBOX_IMAGE = f"{IMAGE_PREFIX}/busybox:1"
PYTHON_IMAGE = f"{IMAGE_PREFIX}/python:1"

# Numeric, so that the kubelet can tell that it is not root.
UNPRIVILEGED_USER = "10001:10001"

_EPOCH = "1970-01-01T00:00:00Z"
_MERGED_USR = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}

# What Python's packages ask for and no server in a test needs.
_UNWANTED_PACKAGES = re.compile(
    r"(debconf|dpkg|gcc-.*-base|libdb5|libncursesw|libnsl|libreadline|libtinfo|libtirpc"
    r"|media-types|mime-support|netbase|readline-common|tzdata)"
)
_UNWANTED_FILES = re.compile(
    r"usr/share/(bug|doc|lintian|locale|man|menu|pixmaps|applications|binfmts|python3)(/|$)"
    r"|usr/lib/[^/]+/gconv/"
    r"|usr/lib/python3[^/]*/(test|idlelib|lib2to3|ensurepip|pydoc_data|tkinter|turtledemo)(/|$)"
)
# Compiled once here, or every new container would compile them again before it is ready.
_PRECOMPILED_MODULES = (
    "argparse, collections.abc, concurrent.futures, contextlib, dataclasses, datetime, hashlib, "
    "http.client, http.server, json, logging, random, runpy, signal, socketserver, sqlite3, ssl, "
    "threading, urllib.request"
)
# Debian's static build of these needs a resolver at run time and dies with a segmentation fault.
_BROKEN_APPLETS = frozenset({"wget", "ftpget", "ftpput"})


@dataclass(frozen=True)
class File:
    content: bytes
    mode: int = 0o644


@dataclass(frozen=True)
class Symlink:
    target: str


@dataclass(frozen=True)
class Directory:
    mode: int = 0o755


Tree = dict[str, File | Symlink | Directory]
"""A file system below ``/``: relative POSIX paths without a leading slash."""


@dataclass(frozen=True)
class Image:
    """One image: a fully qualified name, uncompressed layer tars (lowest first), run settings."""

    name: str
    layers: tuple[bytes, ...]
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    user: str = "0"
    working_dir: str = "/"


def build_base_images(cache_dir: Path) -> list[Path]:
    """Archives of the pause, shell and Python images, built on first use, in the order of need."""
    shell = busybox_layer(cache_dir)
    pause = Image(PAUSE_IMAGE, (shell,), ("/bin/sleep", "2147483647"))
    busybox = Image(BUSYBOX_IMAGE, (shell,), ("/bin/sh",))
    python = Image(PYTHON_IMAGE, (shell, python_layer(cache_dir)), ("/usr/bin/python3",))
    return [
        build_archive(cache_dir, "base", [pause, busybox]),
        build_archive(cache_dir, "python", [python]),
    ]


def busybox_layer(cache_dir: Path) -> bytes:
    """A layer with busybox, its applets, an unprivileged user and a writable ``/tmp``."""
    return _cached(cache_dir, "layer-busybox", _recipe_key(), lambda: layer_tar(_busybox_tree()))


def python_layer(cache_dir: Path) -> bytes:
    """A layer with this Debian release's Python as ``/usr/bin/python3``; goes above busybox's."""
    return _cached(cache_dir, "layer-python", _recipe_key(), lambda: layer_tar(_python_tree()))


def build_archive(cache_dir: Path, label: str, images: Iterable[Image]) -> Path:
    """Write one archive of ``images`` unless the same content is cached already; its path."""
    images = list(images)
    key = hashlib.sha256()
    for image in images:
        key.update(_image_config(image))
        key.update(image.name.encode())
    path = _cache_path(cache_dir, label, key.hexdigest())
    if not path.exists():
        _write_whole(path, lambda stream: write_archive(stream, images))
    return path


def write_archive(stream: io.BufferedIOBase, images: Iterable[Image]) -> None:
    """Write ``images`` in the layout of ``docker save``; a layer that they share is stored once."""
    files: Tree = {}
    manifest = []
    for image in images:
        layer_paths = []
        for layer in image.layers:
            layer_path = f"{_sha256(layer)}/layer.tar"
            files[layer_path] = File(layer)
            layer_paths.append(layer_path)
        config = _image_config(image)
        config_path = f"{_sha256(config)}.json"
        files[config_path] = File(config)
        manifest.append({"Config": config_path, "RepoTags": [image.name], "Layers": layer_paths})
    files["manifest.json"] = File(_canonical_json(manifest))
    _write_tar(stream, files)


def layer_tar(tree: Tree) -> bytes:
    """The tree as an uncompressed tar owned by root, sorted, and with every time at the epoch."""
    buffer = io.BytesIO()
    _write_tar(buffer, tree)
    return buffer.getvalue()


def directory_tree(directory: Path, prefix: str) -> Tree:
    """The regular files of ``directory`` below ``prefix``, without caches and hidden files."""
    tree: Tree = {}
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory)
        if any(part == "__pycache__" or part.startswith(".") for part in relative.parts):
            continue
        if path.is_file():
            tree[f"{prefix}/{relative.as_posix()}"] = File(path.read_bytes())
    return tree


def _image_config(image: Image) -> bytes:
    """The image's OCI configuration, which also fixes the image's ID."""
    created_by = [{"created": _EPOCH, "created_by": "oncall.recovery"} for _layer in image.layers]
    return _canonical_json(
        {
            "architecture": _architecture(),
            "os": "linux",
            "created": _EPOCH,
            "config": {
                "Cmd": list(image.command),
                "Env": [f"{key}={value}" for key, value in sorted(image.environment.items())],
                "Labels": dict(image.labels),
                "User": image.user,
                "WorkingDir": image.working_dir,
            },
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{_sha256(layer)}" for layer in image.layers],
            },
            "history": created_by,
        }
    )


def _busybox_tree() -> Tree:
    tree = _package_files(["busybox-static"])
    busybox = tree.get("usr/bin/busybox")
    if not isinstance(busybox, File):
        raise _recipe_error("Debian's package busybox-static holds no bin/busybox")
    tree = {path: Symlink(target) for path, target in _MERGED_USR.items()}
    tree["usr/bin/busybox"] = busybox
    for applet in _applets_of(busybox.content):
        tree.setdefault(f"usr/bin/{applet}", Symlink("busybox"))
    tree["etc/passwd"] = File(b"root:x:0:0:root:/:/bin/sh\nshop:x:10001:10001:shop:/:/bin/sh\n")
    tree["etc/group"] = File(b"root:x:0:\nshop:x:10001:\n")
    tree["tmp"] = Directory(0o1777)
    return tree


def _applets_of(busybox: bytes) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="oncall-recovery-") as folder:
        program = Path(folder, "busybox")
        program.write_bytes(busybox)
        program.chmod(0o755)
        applets = _output_of([str(program), "--list"]).split()
    return [applet for applet in applets if applet not in _BROKEN_APPLETS | {"busybox"}]


def _python_tree() -> Tree:
    minimal = _dependencies("python3-minimal")
    versioned = next((name for name in minimal if re.fullmatch(r"python3\.\d+-minimal", name)), "")
    if not versioned:
        raise _recipe_error(f"python3-minimal depends on no python3.N-minimal but on {minimal}")
    python = versioned.removesuffix("-minimal")
    tree = _package_files(_closure([versioned, f"lib{python}-stdlib"]))
    tree["usr/bin/python3"] = Symlink(python)
    tree.update(_compiled_modules(tree, python))
    return tree


def _closure(packages: Iterable[str]) -> list[str]:
    """``packages`` and all that they depend on, without what no server in a test needs."""
    found: set[str] = set()
    waiting = set(packages)
    while waiting:
        found |= waiting
        asked = _dependencies(*sorted(waiting))
        waiting = {name for name in asked if not _UNWANTED_PACKAGES.match(name)} - found
    return sorted(found)


def _dependencies(*packages: str) -> list[str]:
    """What the packages directly depend on, by apt's lists."""
    return parse_dependencies(_output_of(["apt-cache", "depends", "--important", *packages]))


def parse_dependencies(text: str) -> list[str]:
    """Names in ``apt-cache depends`` output: of alternatives the first, no virtual packages."""
    names = []
    is_alternative = False
    for line in text.splitlines():
        match = re.match(r" (?P<more>[ |])(?:Pre)?Depends: (?P<name>\S+)", line)
        if match is None:
            continue
        if not is_alternative and not match["name"].startswith("<"):
            names.append(match["name"])
        is_alternative = match["more"] == "|"
    return names


def _package_files(packages: Iterable[str]) -> Tree:
    """The wanted files of Debian packages, fetched and verified by apt, merged into one tree."""
    tree: Tree = {}
    with tempfile.TemporaryDirectory(prefix="oncall-recovery-") as folder:
        _download(sorted(packages), Path(folder))
        for package in sorted(Path(folder).glob("*.deb")):
            tree.update(_deb_files(package))
    return tree


def _download(packages: list[str], folder: Path) -> None:
    # As root, apt would drop to a user that cannot write to the private folder, and warn.
    command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *packages]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise ClusterError(
            f"apt-get could not download {' '.join(packages)}: {result.stderr.strip()}",
            "run 'apt-get update' as root and try again",
        )


def _deb_files(package: Path) -> Iterator[tuple[str, File | Symlink]]:
    contents = _raw_output_of(["dpkg-deb", "--fsys-tarfile", str(package)])
    with tarfile.open(fileobj=io.BytesIO(contents)) as archive:
        for member in archive:
            path = _merge_usr(str(PurePosixPath(member.name)))
            if _UNWANTED_FILES.match(path):
                continue
            if member.issym():
                yield path, Symlink(member.linkname)
            elif member.isfile() or member.islnk():
                stream = archive.extractfile(member)
                yield path, File(stream.read() if stream else b"", member.mode & 0o755)


def _merge_usr(path: str) -> str:
    """``lib/x`` as ``usr/lib/x``: older releases ship both, the image has one as a link."""
    first, slash, rest = path.partition("/")
    return f"{_MERGED_USR[first]}/{rest}" if slash and first in _MERGED_USR else path


def _compiled_modules(tree: Tree, python: str) -> Tree:
    """Byte code for the modules that servers import, made by the very Python in ``tree``."""
    with tempfile.TemporaryDirectory(prefix="oncall-recovery-") as folder:
        root = Path(folder)
        for link, target in _MERGED_USR.items():
            (root / target).mkdir(parents=True, exist_ok=True)
            (root / link).symlink_to(target)
        for path, entry in tree.items():
            _put(root / path, entry)
        script = (
            f"import sys, py_compile as c, {_PRECOMPILED_MODULES}\n"
            "files = {getattr(m, '__file__', None) for m in list(sys.modules.values())}\n"
            "mode = c.PycInvalidationMode.UNCHECKED_HASH\n"
            "for file in sorted(f for f in files if f and f.endswith('.py')):\n"
            "    c.compile(file, dfile=file.removeprefix(sys.argv[1]),"
            " doraise=True, invalidation_mode=mode)\n"
        )
        loader = next((root / "usr").glob("lib*/**/ld-linux*.so.*"), None)
        if loader is None:
            raise _recipe_error("Debian's package libc6 holds no dynamic loader ld-linux*.so")
        libraries = ":".join(str(path) for path in (root / "usr/lib").glob("*-linux-gnu*"))
        command = [str(loader), "--library-path", libraries, str(root / "usr/bin" / python)]
        _output_of(
            [*command, "-B", "-S", "-c", script, str(root)],
            environment={"PYTHONHOME": str(root / "usr"), "PYTHONHASHSEED": "0"},
        )
        compiled = (root / "usr/lib").glob(f"{python}/**/*.pyc")
        return {path.relative_to(root).as_posix(): File(path.read_bytes()) for path in compiled}


def _put(path: Path, entry: File | Symlink | Directory) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    match entry:
        case Directory():
            path.mkdir(exist_ok=True)
        case Symlink(target=target):
            path.symlink_to(target)
        case File(content=content, mode=mode):
            path.write_bytes(content)
            path.chmod(mode)


def _write_tar(stream: io.BufferedIOBase, tree: Tree) -> None:
    # GNU format: PAX would write the times of the headers that it adds.
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, entry in sorted(_with_parents(tree).items()):
            info = tarfile.TarInfo(path)
            match entry:
                case Directory(mode=mode):
                    info.type, info.mode = tarfile.DIRTYPE, mode
                    archive.addfile(info)
                case Symlink(target=target):
                    info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, target
                    archive.addfile(info)
                case File(content=content, mode=mode):
                    info.size, info.mode = len(content), mode
                    archive.addfile(info, io.BytesIO(content))


def _with_parents(tree: Tree) -> Tree:
    parents: Tree = {
        parent.as_posix(): Directory()
        for path in tree
        for parent in PurePosixPath(path).parents
        if parent.as_posix() != "."
    }
    return parents | tree


@functools.cache
def _architecture() -> str:
    return _output_of(["dpkg", "--print-architecture"]).strip()


def _recipe_error(cause: str) -> ClusterError:
    return ClusterError(cause, f"this Debian release differs: adapt {Path(__file__).name} to it")


def _recipe_key() -> str:
    """Changes with this file, the Debian release and the architecture: what decides the layers."""
    parts = [
        Path(__file__).read_bytes(),
        Path("/etc/os-release").read_bytes(),
        _architecture().encode(),
    ]
    return _sha256(b"\0".join(parts))


def _cached(cache_dir: Path, label: str, key: str, build: Callable[[], bytes]) -> bytes:
    path = _cache_path(cache_dir, label, key)
    if not path.exists():
        content = build()
        _write_whole(path, lambda stream: stream.write(content))
    return path.read_bytes()


def _cache_path(cache_dir: Path, label: str, key: str) -> Path:
    return cache_dir / f"{label}-{key[:16]}.tar"


def _write_whole(path: Path, write: Callable[[io.BufferedIOBase], object]) -> None:
    """Put a file in place at once, so that a killed build leaves no half archive behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            write(stream)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _output_of(command: list[str], environment: Mapping[str, str] | None = None) -> str:
    return _raw_output_of(command, environment).decode()


def _raw_output_of(command: list[str], environment: Mapping[str, str] | None = None) -> bytes:
    variables = {**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})}
    try:
        result = subprocess.run(command, capture_output=True, check=False, env=variables)
    except FileNotFoundError as error:
        raise ClusterError(
            f"{command[0]} is not on this machine", "assemble the images on a Debian machine"
        ) from error
    if result.returncode != 0:
        message = result.stderr.decode(errors="replace").strip()
        raise ClusterError(
            f"{' '.join(command[:4])} ended with {result.returncode}: {message}",
            "run 'apt-get update' as root and try again",
        )
    return result.stdout


def _canonical_json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
