# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import release


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that can be released as 0.2.0."""
    (tmp_path / "galaxy.yml").write_text("version: 0.2.0\n")
    (tmp_path / "changelogs" / "fragments").mkdir(parents=True)
    (tmp_path / "changelogs" / "changelog.yaml").write_text("releases: {0.2.0: {}}\n")
    return tmp_path


def test_tag_of_a_prepared_release_is_fine(checkout: Path) -> None:
    assert release.faults("0.2.0", checkout) == []


@pytest.mark.parametrize("tag", ["v0.2.0", "0.2", "0.02.0", "0.2.0-rc1", "0.2.0; id", ""])
def test_tag_has_to_be_a_version(checkout: Path, tag: str) -> None:
    (fault,) = release.faults(tag, checkout)
    assert "is no version such as 0.2.0" in fault


def test_each_forgotten_step_is_named_with_what_to_do(checkout: Path) -> None:
    (checkout / "galaxy.yml").write_text("version: 0.1.0\n")
    (checkout / "changelogs" / "changelog.yaml").write_text("releases: {}\n")
    (checkout / "changelogs" / "fragments" / "news.yml").write_text("bugfixes: []\n")
    version, changelog, fragments = release.faults("0.2.0", checkout)
    assert "galaxy.yml has version 0.1.0, not 0.2.0: set it, or tag 0.1.0" in version
    assert "has no release 0.2.0: antsibull-changelog release" in changelog
    assert "still has news.yml: antsibull-changelog release" in fragments


def test_command_fails_with_the_faults(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(release, "faults", lambda tag: [f"{tag} is wrong: mend it"])
    assert release.main("0.3.0") == 1
    assert capsys.readouterr().err == "release: 0.3.0 is wrong: mend it\n"
