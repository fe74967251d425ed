# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the production tag to one push, with real git."""

from __future__ import annotations

import json
import subprocess

import pytest

from .shop import BRANCH, NAME, Shop, commit, git, lines, write


def test_fix_is_released_from_the_production_tag(shop: Shop) -> None:
    before, callers, refs = shop.commit("main"), shop.callers(), shop.refs()
    started = shop.start()
    assert started.changed
    assert git(shop.tree, "symbolic-ref", "HEAD") == f"refs/heads/{BRANCH}"
    picked = shop.pick(shop.fix)
    assert [entry["outcome"] for entry in picked.result["picks"]] == ["picked"]
    assert shop.refs() == refs
    finished = shop.finish()
    assert finished.result["tag"] == "v1.2.4"
    assert finished.result["pushed"] == ["refs/heads/main", "refs/tags/v1.2.4"]

    # The release is the production tag and the fix, and nothing else of main.
    assert git(shop.server, "log", "--format=%s", "v1.2.3..v1.2.4").splitlines() == ["fix"]
    assert f"(cherry picked from commit {shop.commit(before + '~1')})" in git(
        shop.server, "log", "-1", "--format=%B", "v1.2.4"
    )
    assert git(shop.server, "cat-file", "-t", "v1.2.4") == "tag"
    parents = git(shop.server, "log", "-1", "--format=%P", "main").split()
    assert parents == [before, shop.commit("v1.2.4")]
    changed = set(shop.refs().items()) ^ set(refs.items())
    assert {ref for ref, _object in changed} == {"refs/heads/main", "refs/tags/v1.2.4"}
    # The caller's clone has the new tag, and nothing else is different.
    git(shop.work, "tag", "--delete", "v1.2.4")
    assert shop.callers() == callers
    assert not shop.tree.exists()


def test_second_run_of_everything_changes_nothing(shop: Shop) -> None:
    fix = shop.fix
    assert shop.hotfix().changed
    refs, state = shop.refs(), shop.work / ".git" / "oncall-recovery" / "hotfix" / NAME
    for answer in (shop.start(), shop.pick(fix), shop.finish()):
        assert not answer.failed, answer.message
        assert not answer.changed
    assert answer.result["tag"] == "v1.2.4"
    assert shop.refs() == refs
    assert (state / "state.json").stat().st_mode & 0o777 == 0o600
    assert json.loads((state / "state.json").read_text())["steps"][-1] == "finished"
    late = shop.pick("main^")
    assert late.failed
    assert "is released" in late.message


def test_check_mode_goes_through_everything_and_changes_no_ref(shop: Shop) -> None:
    refs, callers = shop.refs(), shop.callers()
    everywhere = {"check": True, "from_tag": "v1.2.3"}
    assert shop.run("start", **everywhere).changed
    tried = shop.pick(shop.fix, **everywhere)
    assert [entry["outcome"] for entry in tried.result["picks"]] == ["picked"]
    would_be = tried.result["commit"]
    finished = shop.finish(**everywhere, try_commit=would_be)
    assert (finished.result["tag"], finished.result["commit"]) == ("v1.2.4", would_be)
    assert [target["outcome"] for target in finished.result["targets"]] == ["pushed"]
    shop.push_as_somebody_else("release/1.3", {"app/cart.py": lines("10=theirs")})
    refs = shop.refs()
    both = {"try_commit": would_be, "merge_into": ["main", "release/*"]}
    assert "conflicts in app/cart.py" in shop.finish(**everywhere, **both).message
    assert shop.refs() == refs
    assert shop.callers() == callers
    assert not (shop.work / ".git" / "oncall-recovery" / "hotfix" / NAME).exists()

    shop.start()
    shop.pick(shop.fix)
    callers = shop.callers()
    tried = shop.finish(check=True)
    assert [target["outcome"] for target in tried.result["targets"]] == ["pushed"]
    assert (shop.refs(), shop.callers()) == (refs, callers)
    git(shop.server, "tag", "v1.2.4", "main")
    assert "exists already in origin" in shop.finish(check=True).message


def test_aborted_leaves_nothing_behind(shop: Shop) -> None:
    callers, refs = shop.callers(), shop.refs()
    shop.start()
    shop.pick(shop.fix)
    assert shop.start(state="aborted").changed
    assert (shop.callers(), shop.refs()) == (callers, refs)
    assert not list((shop.work / ".git" / "oncall-recovery" / "hotfix").iterdir())
    assert not shop.start(state="aborted").changed


def test_callers_unfinished_work_is_untouched(shop: Shop) -> None:
    write(shop.work, {"app/cart.py": "stashed\n"})
    git(shop.work, "stash")
    git(shop.work, "checkout", "--quiet", "-b", "mine")
    write(shop.work, {"app/cart.py": "half done\n", "new.txt": "new\n"})
    git(shop.work, "add", "new.txt")
    callers = shop.callers()
    assert not shop.hotfix().failed
    git(shop.work, "tag", "--delete", "v1.2.4")
    assert shop.callers() == callers
    assert (shop.work / "app/cart.py").read_text() == "half done\n"
    assert "stashed" in git(shop.work, "stash", "show", "--patch")


def test_open_release_branches_get_the_fix_and_older_ones_do_not(shop: Shop) -> None:
    git(shop.server, "branch", "release/1.4", "main~2")
    old = shop.commit("release/1.1")
    finished = shop.hotfix(merge_into=["main", "release/*"])
    outcomes = {t["branch"]: t["outcome"] for t in finished.result["targets"]}
    assert outcomes == {"main": "pushed", "release/1.3": "pushed", "release/1.4": "pushed"}
    assert finished.result["notes"] == ["release/1.1 does not contain v1.2.3, so it was skipped"]
    for branch in outcomes:
        assert "fixed" in shop.content(branch, "app/cart.py")
    assert shop.commit("release/1.1") == old


def test_history_without_merges_gets_the_commits_themselves(shop: Shop) -> None:
    main = shop.commit("main")
    finished = shop.hotfix(merge_into=["main", "release/1.3"], forward="cherry_pick")
    outcomes = {t["branch"]: t["outcome"] for t in finished.result["targets"]}
    assert outcomes == {"main": "up_to_date", "release/1.3": "pushed"}
    assert shop.commit("main") == main
    assert git(shop.server, "log", "--merges", "release/1.3") == ""
    assert "fixed" in shop.content("release/1.3", "app/cart.py")


@pytest.mark.parametrize(
    ("tags", "pattern", "found"),
    [
        pytest.param([], "v*", "v1.2.3", id="newest reachable"),
        pytest.param([], "v1.1*", "v1.1.0", id="newest that matches"),
        pytest.param(["v1.2.10=main~2"], "v*", "v1.2.10", id="by number and not by letter"),
        pytest.param(["v9.0.0=release/1.1"], "v*", "v1.2.3", id="another branch is not reachable"),
        pytest.param(["v1.2.4=hot"], "v*", "v1.2.4", id="hotfix that was not merged yet"),
        pytest.param(["v1.2.5-rc.1=main"], "v*", "v1.2.5-rc.1", id="pre-release on main"),
        pytest.param(["nightly=main", "v2=main"], "*", "v1.2.3", id="tags without version"),
    ],
)
def test_pattern_finds_the_production_tag(
    shop: Shop, tags: list[str], pattern: str, found: str
) -> None:
    git(shop.work, "checkout", "--quiet", "-b", "hot", "v1.2.3")
    commit(shop.work, "hot", {"app/cart.py": lines("1=hot")})
    git(shop.work, "push", "--quiet", "origin", "hot")
    git(shop.work, "checkout", "--quiet", "main")
    for tag in tags:
        name, _equals, revision = tag.partition("=")
        git(shop.server, "tag", name, revision)
    callers = shop.callers()
    info = shop.run("info", from_pattern=pattern)
    assert info.result["production"]["tag"] == found
    assert shop.callers() == callers


def test_info_says_what_is_in_production_and_where_hotfixes_stand(shop: Shop) -> None:
    shop.start()
    info = shop.run("info", from_tag="v1.2.3", most_commits=2).result
    assert [c["subject"] for c in info["production"]["commits_since"]] == ["more", "fix"]
    assert info["production"]["commits_since_count"] == 3
    assert (info["next_version"], info["next_tag_exists"]) == ("1.2.4", False)
    assert [(h["name"], h["step"]) for h in info["hotfixes"]] == [(NAME, "started")]
    shop.pick(shop.fix)
    shop.finish()
    info = shop.run("info").result
    assert [(h["step"], h["tag"]) for h in info["hotfixes"]] == [("finished", "v1.2.4")]


def test_range_merge_and_branch_are_picked_in_order(shop: Shop) -> None:
    other = shop.folder / "other"
    git(shop.folder, "clone", "--quiet", "--template=", "shop.git", "other")
    git(other, "checkout", "--quiet", "-b", "side", "v1.2.3")
    commit(other, "side 1", {"side/1.txt": "1\n"})
    commit(other, "side 2", {"side/2.txt": "2\n"})
    git(other, "checkout", "--quiet", "main")
    git(other, "merge", "--quiet", "--no-ff", "--message", "merge side", "side")
    git(other, "push", "--quiet", "origin", "main", "side")
    shop.start()
    refused = shop.pick("main")
    assert refused.failed
    assert "is needed, because commit" in refused.message
    answer = shop.pick("main~3..main~1", "main", mainline=1)
    assert [p["subject"] for p in answer.result["picks"]] == ["fix", "more", "merge side"]
    assert [p["outcome"] for p in answer.result["picks"]] == ["picked"] * 3
    assert git(shop.tree, "show", "HEAD:side/2.txt") == "2"
    again = shop.pick("side~1..side")
    assert [p["outcome"] for p in again.result["picks"]] == ["contained"]


def test_patches_become_commits(shop: Shop) -> None:
    mail, diff = shop.folder / "0001-fix.patch", shop.folder / "pay.diff"
    mail.write_text(git(shop.server, "format-patch", "--stdout", "-1", shop.fix) + "\n")
    diff.write_text(git(shop.server, "diff", "main~1", "main") + "\n")
    shop.start()
    answer = shop.run("pick", patches=[str(mail), str(diff)], commit_message="Pay more")
    assert not answer.failed, answer.message
    assert [p["outcome"] for p in answer.result["picks"]] == ["picked", "picked"]
    assert git(shop.tree, "log", "--format=%s", "v1.2.3..").splitlines() == ["Pay more", "fix"]
    # The same once more, by the commit: it is in already.
    again = shop.pick(shop.fix)
    assert [p["outcome"] for p in again.result["picks"]] == ["contained"]
    assert not again.changed


@pytest.mark.parametrize("how", ["commit", "mail", "diff"])
@pytest.mark.parametrize(
    "file", ["docs/with space.txt", "docs/\u00dcber uns.txt", "windows/crlf.txt"]
)
def test_odd_files_arrive_byte_for_byte(shop: Shop, file: str, how: str) -> None:
    path = shop.work / file
    wanted = path.read_bytes().replace(b"t", b"T", 1) + b"last\xff"
    fix = commit(shop.work, "odd", {file: wanted})
    git(shop.work, "push", "--quiet", "origin", "main")
    patch = shop.folder / "odd.patch"
    command = ["format-patch", "--stdout", "-1", fix] if how == "mail" else ["show", fix]
    with patch.open("wb") as stream:
        subprocess.run(["git", *command, "--binary"], cwd=shop.work, stdout=stream, check=True)
    shop.start()
    answer = shop.pick(fix) if how == "commit" else shop.run("pick", patches=[str(patch)])
    assert not answer.failed, answer.message
    assert [p["outcome"] for p in answer.result["picks"]] == ["picked"]
    assert not shop.finish().failed
    blob = subprocess.run(
        ["git", "show", f"v1.2.4:{file}"], cwd=shop.server, capture_output=True, check=True
    )
    assert blob.stdout == wanted


def test_tree_for_tests_has_all_files_and_a_failing_test_releases_nothing(shop: Shop) -> None:
    refs = shop.refs()
    shop.start(checkout="full")
    shop.pick(shop.fix)
    assert (shop.tree / "app/cart.py").read_text() == lines("10=fixed")
    assert (shop.tree / "windows/crlf.txt").read_bytes() == b"one\r\ntwo\r\nthree\r\n"
    assert git(shop.tree, "status", "--porcelain") == ""
    assert shop.refs() == refs
    assert shop.start(state="aborted").changed
    assert not shop.tree.exists()


def test_sparse_tree_is_filled_on_request(shop: Shop) -> None:
    shop.start()
    shop.pick(shop.fix)
    assert not (shop.tree / "app").exists()
    assert shop.start(checkout="full").changed
    assert (shop.tree / "app/cart.py").read_text() == lines("10=fixed")
    assert not shop.start(checkout="full").changed


@pytest.mark.parametrize("options", [{}, {"clone_filter": "blob:none"}], ids=["whole", "partial"])
def test_url_is_cloned_without_a_checkout(bare_shop: Shop, options: dict[str, str]) -> None:
    shop = bare_shop
    clones = shop.folder / "clones"
    shop.options = {"repo": f"file://{shop.server}", "clones": str(clones), **options}
    assert not shop.hotfix().failed
    assert "fixed" in shop.content("main", "app/cart.py")
    (clone,) = clones.glob("*.git")
    promisor = git(clone, "config", "--default", "no", "--get", "remote.origin.promisor")
    assert promisor == ("true" if options else "no")
    assert git(clone, "fsck", "--no-dangling", "--no-progress") == ""


@pytest.mark.parametrize("asks_first", [True, False], ids=["info first", "at once"])
def test_shallow_clone_is_deepened_and_that_is_said(bare_shop: Shop, asks_first: bool) -> None:
    shop = bare_shop
    # More commits than the first step back brings.
    commits = [
        f"commit refs/heads/main\ncommitter A <a@x> {n} +0000\ndata 1\n{n % 10}\n"
        for n in range(70)
    ]
    commits[0] += "from refs/heads/main^0\n"
    git(shop.server, "fast-import", "--quiet", stdin="".join(commits))
    shop.clone("--depth", "1", "--no-tags")
    said = []
    if asks_first:
        info = shop.run("info", from_pattern="v*")
        assert info.result["production"]["tag"] == "v1.2.3"
        said = info.result["notes"]
    finished = shop.hotfix()
    assert not finished.failed, finished.message
    assert "was deepened" in (said or finished.result["notes"])[0]
    assert "fixed" in shop.content("v1.2.4", "app/cart.py")
    shop.assert_sound()


def test_submodules_stay_as_they_are(shop: Shop) -> None:
    library = shop.folder / "library"
    library.mkdir()
    git(library, "init", "--quiet", "--initial-branch=main")
    first, second = (commit(library, n, {"lib.py": f"{n}\n"}) for n in ("one", "two"))
    link = ["update-index", "--add", "--cacheinfo"]
    other = shop.folder / "other"
    git(shop.folder, "clone", "--quiet", "--template=", "shop.git", "other")
    write(other, {".gitmodules": f'[submodule "lib"]\n\tpath = lib\n\turl = {library}\n'})
    git(other, "add", ".gitmodules")
    git(other, *link, f"160000,{first},lib")
    git(other, "commit", "--quiet", "--message", "add lib")
    git(other, "tag", "v1.3.0")
    git(other, *link, f"160000,{second},lib")
    git(other, "commit", "--quiet", "--message", "move lib")
    git(other, "push", "--quiet", "origin", "main", "v1.3.0")
    shop.run("start", from_tag="v1.3.0", checkout="full")
    assert [p["outcome"] for p in shop.pick("main").result["picks"]] == ["picked"]
    finished = shop.finish()
    assert finished.result["tag"] == "v1.3.1"
    for revision in ("v1.3.1", "main"):
        assert git(shop.server, "rev-parse", f"{revision}:lib") == second
