# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application's settings and where they come from.

Later ones win: the defaults below, the image (``version.json``), files in the settings folder (a
mounted ConfigMap: ``*.json`` and ``*.properties``, re-read when they change), environment
variables (``SHOP_`` and the setting's name in capitals), ``PUT /settings`` on one process.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

ENVIRONMENT_PREFIX = "SHOP_"
RECHECK_SECONDS = 0.5
SWITCHES = {"true": True, "on": True, "yes": True, "1": True}
SWITCHES |= {"false": False, "off": False, "no": False, "0": False}
FALLBACK_CHOICES = ("never", "on_failure", "always")


class SettingsError(ValueError):
    """A setting has an unknown name or a value of the wrong kind."""


@dataclass(frozen=True)
class Settings:
    port: int = 8080
    log_level: str = "INFO"
    drain_seconds: float = 3.0

    recommendations_enabled: bool = True

    upstream_url: str = ""
    upstream_fallback_url: str = ""
    upstream_fallback: str = "never"
    upstream_timeout_seconds: float = 1.0

    database_url: str = ""
    database_timeout_seconds: float = 1.0

    cache_enabled: bool = False
    cache_seconds: float = 30.0

    # 0 is no limit.
    rate_limit_per_second: float = 0.0
    max_concurrent_requests: int = 0
    queue_seconds: float = 1.0
    work_seconds: float = 0.0

    # Ways to be broken. A share is between 0 (never) and 1 (every request).
    fault_error_share: float = 0.0
    fault_delay_seconds: float = 0.0
    fault_hang_share: float = 0.0
    fault_recommendations_error_share: float = 0.0
    fault_query_delay_seconds: float = 0.0
    fault_exit_at_start: bool = False
    fault_never_ready: bool = False
    fault_leak_mib_per_second: float = 0.0

    def updated(self, changes: Mapping[str, object], source: str) -> Settings:
        """These settings with ``changes``; raises SettingsError that names ``source``."""
        kinds = {field.name: type(field.default) for field in fields(self)}
        values: dict[str, Any] = {}
        for name, value in changes.items():
            if name not in kinds:
                raise SettingsError(f"{source}: there is no setting {name}")
            values[name] = _converted(name, value, kinds[name], source)
        return replace(self, **values)

    def without_passwords(self) -> dict[str, object]:
        """All settings as plain data, fit for a log."""
        return {
            name: without_password(value) if name.endswith("_url") else value
            for name, value in asdict(self).items()
        }


def _converted(name: str, value: object, kind: type, source: str) -> object:
    text = str(value).strip()
    try:
        if kind is bool:
            return SWITCHES[text.lower()]
        if name == "upstream_fallback" and text not in FALLBACK_CHOICES:
            raise SettingsError(f"{source}: {name} is one of {FALLBACK_CHOICES}, not {text!r}")
        return kind(text)
    except (KeyError, ValueError) as error:
        if isinstance(error, SettingsError):
            raise
        raise SettingsError(f"{source}: {name} takes a {kind.__name__}, not {text!r}") from None


def without_password(url: str) -> str:
    """The URL with the password, if any, replaced by stars."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, host = parts.netloc.rsplit("@", 1)
    return urlunsplit(parts._replace(netloc=f"{user.split(':', 1)[0]}:***@{host}"))


def from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    """Settings among environment variables.

    Variables that the kubelet adds for a Service named shop-* begin alike, so unknown ones pass.
    """
    known = {field.name for field in fields(Settings)}
    names = {f"{ENVIRONMENT_PREFIX}{name.upper()}": name for name in known}
    return {names[key]: value for key, value in environment.items() if key in names}


def from_folder(folder: Path) -> dict[str, object]:
    """Settings in the folder's files, in the order of their names."""
    values: dict[str, object] = {}
    for path in sorted(folder.glob("*.json")) + sorted(folder.glob("*.properties")):
        values.update(_parsed(path))
    return values


def _parsed(path: Path) -> dict[str, object]:
    text = path.read_text()
    if path.suffix == ".properties":
        lines = [line.strip() for line in text.splitlines()]
        pairs = [line.partition("=") for line in lines if line and not line.startswith(("#", "!"))]
        return {key.strip(): value.strip() for key, _equals, value in pairs}
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError(f"{path.name}: not JSON: {error}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path.name}: holds no JSON object")
    return content


class LiveSettings:
    """The settings in force, which follow the folder's files. Safe to use from many threads."""

    def __init__(
        self, image: Mapping[str, object], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._image = dict(image)
        self._folder = folder
        self._environment = from_environment(environment)
        self._overrides: dict[str, object] = {}
        self._lock = threading.Lock()
        self._seen = self._signature()
        self._checked_at = time.monotonic()
        self._current = self._assembled()
        self.last_error = ""

    def current(self) -> Settings:
        """The settings now. A broken file keeps the settings before it and sets last_error."""
        with self._lock:
            now = time.monotonic()
            if now - self._checked_at >= RECHECK_SECONDS:
                self._checked_at = now
                signature = self._signature()
                if signature != self._seen:
                    self._seen = signature
                    self._reload()
            return self._current

    def override(self, changes: Mapping[str, object]) -> Settings:
        """Change settings of this process only, until it ends; raises SettingsError."""
        with self._lock:
            self._current = self._current.updated(changes, "request")
            self._overrides.update(changes)
            return self._current

    def _reload(self) -> None:
        try:
            self._current = self._assembled()
            self.last_error = ""
        except (SettingsError, OSError) as error:
            self.last_error = str(error)

    def _assembled(self) -> Settings:
        settings = Settings().updated(self._image, "version.json")
        settings = settings.updated(from_folder(self._folder), str(self._folder))
        settings = settings.updated(self._environment, "environment")
        return settings.updated(self._overrides, "request")

    def _signature(self) -> tuple[tuple[str, int, int], ...]:
        # A ConfigMap's files are links into a folder that is swapped, so the inode tells.
        found = []
        for path in sorted(self._folder.glob("*.*")):
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((path.name, status.st_ino, status.st_mtime_ns))
        return tuple(found)
