# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hotfix of what runs: its tag, a place for tests and builds, and runs on another machine."""

from __future__ import annotations

import shutil

import pytest

from .shop import NAME, Shop, commit, git, lines


@pytest.mark.parametrize(
    ("running", "tag"),
    [
        pytest.param({"image": "registry.example:5000/shop/web:1.2.3"}, "v1.2.3", id="version"),
        pytest.param({"image": "shop/web:v1.1.0@sha256:0123"}, "v1.1.0", id="tag and digest"),
        pytest.param({"image": "shop/web:latest", "version": "1.1.0"}, "v1.1.0", id="annotation"),
        pytest.param({"revision": "v1.2.3^{commit}"}, "v1.2.3", id="commit"),
        pytest.param(
            {"image": "web:1.2.3", "version": "1.2.3", "revision": "v1.2.3^{commit}"},
            "v1.2.3",
            id="all of them agree",
        ),
    ],
)
def test_hotfix_starts_from_the_tag_that_runs(
    shop: Shop, running: dict[str, str], tag: str
) -> None:
    if "revision" in running:
        running = {**running, "revision": shop.commit(running["revision"].partition("^")[0])}
    callers = shop.callers()
    assert shop.run("info", from_running=running).result["production"]["tag"] == tag
    tried = shop.run("pick", check=True, from_running=running, commits=[shop.fix])
    assert not tried.failed, tried.message
    assert shop.callers() == callers
    started = shop.run("start", from_running=running)
    assert started.result["base_tag"] == tag
    # What runs is another version by the time that a killed run is started again.
    again = shop.run("start", from_running={"image": "web:1.1.0"})
    assert not again.changed
    assert again.result["base_tag"] == tag


@pytest.mark.parametrize(
    ("running", "says"),
    [
        pytest.param({"image": "web:9.9.9"}, "no tag on origin belongs to that", id="no such tag"),
        pytest.param({"image": "localhost:5000/web"}, "no tag on origin", id="image without a tag"),
        pytest.param(
            {"image": "web:1.2.3", "version": "1.1.0"}, "it contradicts itself", id="two versions"
        ),
        pytest.param(
            {"image": "web:1.2.3", "revision": "a" * 40}, "it contradicts itself", id="other commit"
        ),
        pytest.param({"version": "1.2.3\n"}, "control characters", id="control character"),
        pytest.param({"image": "--upload-pack=x"}, "begins with a dash", id="option in disguise"),
        pytest.param({"image": ""}, "is empty", id="nothing"),
    ],
)
def test_what_runs_and_names_no_tag_is_refused(
    shop: Shop, running: dict[str, str], says: str
) -> None:
    callers = shop.callers()
    answer = shop.run("start", from_running=running)
    assert answer.failed
    assert says in answer.message
    assert shop.callers() == callers


def test_version_of_two_parts_of_a_repository_is_asked_about(shop: Shop) -> None:
    git(shop.server, "tag", "web/1.2.3", "main")
    refused = shop.run("start", from_running={"image": "web:1.2.3"})
    assert refused.failed
    assert "belongs to several tags (v1.2.3, web/1.2.3)" in refused.message
    started = shop.run("start", from_running={"image": "web:1.2.3"}, tag_format="web/{version}")
    assert started.result["base_tag"] == "web/1.2.3"


def test_check_mode_hands_out_the_files_for_tests(shop: Shop) -> None:
    place, callers = shop.folder / "place", shop.callers()
    tried = shop.pick(shop.fix, check=True, from_tag="v1.2.3", try_in=str(place))
    assert not tried.failed, tried.message
    assert (place / "app/cart.py").read_text() == lines("10=fixed")
    assert (place / "windows/crlf.txt").read_bytes() == b"one\r\ntwo\r\nthree\r\n"
    assert not (place / "app/search.py").exists()
    assert not (place / ".git").exists()
    assert place.stat().st_mode & 0o777 == 0o700
    assert shop.callers() == callers
    refused = shop.pick(shop.fix, check=True, from_tag="v1.2.3", try_in=str(place))
    assert "is not empty" in refused.message


@pytest.mark.parametrize("checkout", ["sparse", "full"])
def test_worktree_is_kept_for_a_build_and_removed_after_it(shop: Shop, checkout: str) -> None:
    shop.start(checkout=checkout)
    shop.pick(shop.fix)
    if checkout == "full":
        (shop.tree / "app/cart.py").write_text("tests have changed it\n")
    (shop.tree / "left-by-tests.txt").write_text("\n")
    finished = shop.finish(keep_worktree=True)
    assert finished.result["worktree"] == str(shop.tree)
    assert (shop.tree / "app/cart.py").read_text() == lines("10=fixed")
    assert git(shop.tree, "status", "--porcelain", "--untracked-files=all") == ""
    assert git(shop.tree, "describe", "--exact-match") == "v1.2.4"
    assert git(shop.work, "branch", "--list", "hotfix/*") == ""
    assert not shop.finish(keep_worktree=True).changed

    shutil.rmtree(shop.tree)
    assert shop.finish(keep_worktree=True).result["worktree"] == str(shop.tree)
    assert (shop.tree / "app/cart.py").exists()
    removed = shop.finish()
    assert removed.changed
    assert removed.result["worktree"] == ""
    assert not shop.tree.exists()
    assert not shop.finish().changed


def test_release_of_a_run_whose_clone_is_lost_is_taken_over(shop: Shop) -> None:
    fix = shop.fix
    assert not shop.hotfix().failed
    shutil.rmtree(shop.work)
    shop.clone("--no-tags")
    refs = shop.refs()
    shop.start()
    shop.pick(fix, committer_name="Somebody Else")
    tried = shop.finish(check=True)
    assert tried.result["tag"] == "v1.2.4"
    finished = shop.finish()
    assert not finished.failed, finished.message
    assert finished.result["notes"] == ["v1.2.4 was pushed by an earlier run, and is taken over"]
    assert finished.result["commit"] == shop.commit("v1.2.4")
    assert [t["outcome"] for t in finished.result["targets"]] == ["up_to_date"]
    assert shop.refs() == refs
    assert git(shop.work, "for-each-ref", "refs/heads/hotfix") == ""
    assert not (shop.work / ".git/oncall-recovery/hotfix" / NAME / "tree").exists()


def test_tag_with_other_files_is_not_taken_over(shop: Shop) -> None:
    fix = shop.fix
    assert not shop.hotfix().failed
    shutil.rmtree(shop.work)
    shop.clone()
    refs = shop.refs()
    shop.start()
    shop.pick(fix)
    commit(shop.tree, "one more", {"more.txt": "more\n"})
    refused = shop.finish()
    assert refused.failed
    assert "tag v1.2.4: exists already" in refused.message
    assert shop.refs() == refs
