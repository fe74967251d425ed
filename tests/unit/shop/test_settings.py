# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the shop's settings come from, and which of two wins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cluster.shop.app import settings as settings_module
from tests.cluster.shop.app.settings import LiveSettings, Settings, SettingsError
from tests.cluster.shop.manifests import Shop, config_map
from tests.cluster.shop.versions import VERSIONS, Version


@pytest.fixture(autouse=True)
def no_recheck_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "RECHECK_SECONDS", 0.0)


def test_later_sources_win(tmp_path: Path) -> None:
    (tmp_path / "shop.properties").write_text("cache_seconds=2\nrate_limit_per_second=2\n")
    image = {"cache_seconds": 1, "rate_limit_per_second": 1, "work_seconds": 1}
    live = LiveSettings(image, tmp_path, {"SHOP_RATE_LIMIT_PER_SECOND": "3"})
    now = live.current()
    assert (now.work_seconds, now.cache_seconds, now.rate_limit_per_second) == (1.0, 2.0, 3.0)
    assert live.override({"rate_limit_per_second": 4}).rate_limit_per_second == 4.0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("a.json", '{"cache_enabled": true, "upstream_url": "http://a=b"}', id="JSON"),
        pytest.param(
            "a.properties",
            "# a comment\n\n cache_enabled = on\nupstream_url=http://a=b\n",
            id="properties with comment, blanks and an equals sign in a value",
        ),
    ],
)
def test_files_are_read(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    now = LiveSettings({}, tmp_path, {}).current()
    assert now.cache_enabled is True
    assert now.upstream_url == "http://a=b"


def test_changed_file_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "shop.properties").write_text("cache_enabled=false\n")
    live = LiveSettings({}, tmp_path, {})
    assert live.current().cache_enabled is False
    swap(tmp_path / "shop.properties", "cache_enabled=true\n")
    assert live.current().cache_enabled is True


def test_override_survives_a_changed_file(tmp_path: Path) -> None:
    (tmp_path / "shop.properties").write_text("cache_seconds=1\n")
    live = LiveSettings({}, tmp_path, {})
    live.override({"cache_seconds": 5})
    swap(tmp_path / "shop.properties", "cache_seconds=2\n")
    assert live.current().cache_seconds == 5.0


def test_broken_file_keeps_the_settings_before_it_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text(json.dumps({"cache_seconds": 7}))
    live = LiveSettings({}, tmp_path, {})
    swap(tmp_path / "shop.json", "{")
    assert live.current().cache_seconds == 7.0
    assert "shop.json: not JSON" in live.last_error
    swap(tmp_path / "shop.json", json.dumps({"cache_seconds": 8}))
    assert live.current().cache_seconds == 8.0
    assert live.last_error == ""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "there is no setting colour"),
        ({"cache_enabled": "perhaps"}, "cache_enabled takes a bool, not 'perhaps'"),
        ({"port": "http"}, "port takes a int, not 'http'"),
        ({"upstream_fallback": "maybe"}, "upstream_fallback is one of"),
    ],
    ids=["unknown name", "no switch", "no number", "no choice"],
)
def test_wrong_setting_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings().updated(changes, "test")


def test_foreign_environment_variables_are_left_alone(tmp_path: Path) -> None:
    environment = {"SHOP_SERVICE_HOST": "10.0.0.1", "HOME": "/", "SHOP_CACHE_ENABLED": "true"}
    assert LiveSettings({}, tmp_path, environment).current().cache_enabled is True


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://shop:hunter2@db:5432/shop", "postgresql://shop:***@db:5432/shop"),
        ("http://upstream:8080/", "http://upstream:8080/"),
        ("postgresql://shop@db/shop", "postgresql://shop@db/shop"),
        ("postgresql://shop:p@ss@db/shop", "postgresql://shop:***@db/shop"),
    ],
)
def test_passwords_in_urls_are_never_shown(url: str, shown: str) -> None:
    assert Settings(database_url=url).without_passwords()["database_url"] == shown


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.tag)
def test_every_version_brings_settings_that_exist(version: Version) -> None:
    Settings().updated(version.settings, "version.json")


def test_config_map_is_read_back_as_it_was_meant(tmp_path: Path) -> None:
    shop = Shop(settings={"cache_enabled": True, "upstream_url": "http://10.0.0.1:8080"})
    for name, text in config_map(shop)["data"].items():  # type: ignore[attr-defined]
        (tmp_path / name).write_text(text)
    now = LiveSettings({}, tmp_path, {}).current()
    assert (now.cache_enabled, now.upstream_url) == (True, "http://10.0.0.1:8080")


def swap(path: Path, text: str) -> None:
    """Replace a file as a ConfigMap volume does: by another one, not by writing into it."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)
