# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong: conflicts, races and refusals. The remote stays as it was, or is as wanted."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .shop import BRANCH, NAME, Shop, commit, git, lines

PROTECTED_MAIN = """
while read -r old new ref; do
    if [ "$ref" = refs/heads/main ]; then
        echo "GitLab: You are not allowed to push code to protected branches" >&2
        exit 1
    fi
done"""


def conflicting(shop: Shop) -> str:
    """A commit that changes a line which production does not have like that."""
    shop.push_as_somebody_else("main", {"app/cart.py": lines("10=fixed", "1=before")})
    return shop.push_as_somebody_else("main", {"app/cart.py": lines("10=fixed again", "1=after")})


def test_conflict_in_the_pick_puts_everything_back(shop: Shop) -> None:
    bad = conflicting(shop)
    shop.start()
    head, refs = git(shop.tree, "rev-parse", "HEAD"), shop.refs()
    refused = shop.pick(shop.commit("main~2"), bad)
    assert refused.failed
    assert refused.result["conflict"]["files"] == ["app/cart.py"]
    assert bad[:12] in refused.message
    assert "on_conflict=leave" in refused.message
    assert git(shop.tree, "rev-parse", "HEAD") == head
    assert git(shop.tree, "status", "--porcelain") == ""
    assert shop.refs() == refs
    # What does not conflict goes in afterwards as if nothing had been.
    assert shop.pick(shop.fix).changed


def test_check_mode_foresees_the_conflict(shop: Shop) -> None:
    bad = conflicting(shop)
    shop.start()
    callers = shop.callers()
    refused = shop.pick(bad, check=True)
    assert refused.failed
    assert "conflicts in app/cart.py" in refused.message
    assert shop.callers() == callers


@pytest.mark.parametrize("who_commits", ["nobody", "git cherry-pick --continue"])
def test_conflict_left_is_resolved_by_a_person_and_goes_on(shop: Shop, who_commits: str) -> None:
    bad, more = conflicting(shop), shop.commit("main^{/^more}")
    shop.start()
    left = shop.pick(bad, more, on_conflict="leave")
    assert left.failed
    assert left.result["conflict"]["worktree"] == str(shop.tree)
    assert "<<<<<<<" in (shop.tree / "app/cart.py").read_text()
    waiting = shop.run("info").result["hotfixes"]
    assert [hotfix["conflict_left"] for hotfix in waiting] == [True]
    still = shop.pick(bad, more, on_conflict="leave")
    assert still.failed
    assert still.result["conflict"]["files"] == ["app/cart.py"]
    assert "a pick is not at its end" in shop.finish().message

    (shop.tree / "app/cart.py").write_text(lines("10=resolved"))
    git(shop.tree, "add", "app/cart.py")
    if who_commits != "nobody":
        git(shop.tree, "-c", "core.editor=true", "cherry-pick", "--continue")
    done = shop.pick(bad, more, on_conflict="leave")
    assert not done.failed, done.message
    assert [p["outcome"] for p in done.result["picks"]] == ["picked", "picked"]
    assert f"(cherry picked from commit {bad})" in git(shop.tree, "log", "--format=%B", "-2")
    assert not shop.finish(forward="merge_request").failed
    assert "resolved" in shop.content("v1.2.4", "app/cart.py")
    assert "more" in shop.content("v1.2.4", "app/pay.py")


@pytest.mark.parametrize("kind", ["mail", "diff"])
def test_patch_that_does_not_apply_names_the_file(shop: Shop, kind: str) -> None:
    bad = conflicting(shop)
    command = ["format-patch", "--stdout", "-1", bad] if kind == "mail" else ["show", bad]
    patch = shop.folder / "0001-bad.patch"
    patch.write_text(git(shop.server, *command) + "\n")
    shop.start()
    head = git(shop.tree, "rev-parse", "HEAD")
    refused = shop.run("pick", patches=[str(patch)])
    assert refused.failed
    assert refused.result["conflict"]["files"] == ["app/cart.py"]
    assert git(shop.tree, "rev-parse", "HEAD") == head
    assert git(shop.tree, "status", "--porcelain") == ""

    left = shop.run("pick", patches=[str(patch)], on_conflict="leave")
    assert left.failed
    (shop.tree / "app/cart.py").write_text(lines("10=resolved"))
    git(shop.tree, "add", "app/cart.py")
    done = shop.run("pick", patches=[str(patch)], on_conflict="leave")
    assert not done.failed, done.message
    assert git(shop.tree, "show", "HEAD:app/cart.py") + "\n" == lines("10=resolved")


def test_conflict_in_the_merge_pushes_and_tags_nothing(shop: Shop) -> None:
    shop.start(checkout="full")
    commit(shop.tree, "another fix", {"app/cart.py": lines("10=another fix")})
    refs = shop.refs()
    refused = shop.finish(merge_into=["release/1.3", "main"])
    assert refused.failed
    assert refused.result["conflict"] == {
        "branch": "main",
        "change": "the merge of v1.2.4",
        "files": ["app/cart.py"],
    }
    assert "forward=merge_request" in refused.message
    assert shop.refs() == refs
    assert git(shop.work, "tag", "--list", "v1.2.4") == ""
    shop.assert_sound()
    # The way out that the message names.
    done = shop.finish(forward="merge_request")
    assert done.result["pushed"] == [f"refs/heads/{BRANCH}", "refs/tags/v1.2.4"]
    assert {**shop.refs(), **refs} == shop.refs()


def test_branch_that_has_gone_on_from_the_fix_keeps_its_files(shop: Shop) -> None:
    later = shop.push_as_somebody_else("main", {"app/cart.py": lines("10=fixed and improved")})
    finished = shop.hotfix(merge_into=["main", "release/1.3"])
    assert not finished.failed, finished.message
    assert finished.result["notes"] == [
        "main has the originals of all commits, so the merge leaves its files as they are"
    ]
    assert shop.content("main", "app/cart.py") == shop.content(later, "app/cart.py")
    parents = git(shop.server, "log", "-1", "--format=%P", "main").split()
    assert parents == [later, shop.commit("v1.2.4")]
    assert "fixed" in shop.content("release/1.3", "app/cart.py")


def test_fix_that_production_got_by_an_earlier_hotfix_is_skipped(shop: Shop) -> None:
    shop.push_as_somebody_else("main", {"app/cart.py": lines("10=fixed and improved")})
    fix = shop.fix
    shop.hotfix(forward="merge_request")
    shop.run("start", name="second", from_tag="v1.2.4")
    again = shop.run("pick", name="second", commits=[fix])
    assert [p["outcome"] for p in again.result["picks"]] == ["contained"]


def test_tag_that_only_the_remote_has_is_refused(shop: Shop) -> None:
    git(shop.server, "tag", "v1.2.4", "main")
    refs = shop.refs()
    refused = shop.hotfix()
    assert refused.failed
    assert refused.message == ("tag v1.2.4: exists already in origin. Name another one in version")
    assert shop.refs() == refs
    assert shop.finish(version="1.2.5").result["tag"] == "v1.2.5"


def test_tag_that_only_the_clone_has_is_refused(shop: Shop) -> None:
    git(shop.work, "tag", "v1.2.4", "v1.1.0")
    refs = shop.refs()
    refused = shop.hotfix()
    assert f"exists already in {shop.work}" in refused.message
    assert shop.refs() == refs
    assert git(shop.work, "rev-parse", "v1.2.4^{commit}") == shop.commit("v1.1.0")


def test_work_of_a_person_in_the_worktree_is_not_thrown_away(shop: Shop) -> None:
    shop.start(checkout="full")
    git(shop.tree, "checkout", "--quiet", "-b", "try-this")
    (shop.tree / "app/cart.py").write_text("half done\n")
    refused = shop.pick(shop.fix)
    assert f"is on try-this, and not on {BRANCH}" in refused.message
    assert (shop.tree / "app/cart.py").read_text() == "half done\n"


def test_remote_that_pushes_to_several_places_is_refused(shop: Shop) -> None:
    for url in (f"file://{shop.server}", f"file://{shop.folder}/mirror.git"):
        git(shop.work, "config", "--add", "remote.origin.pushurl", url)
    assert "pushes to 2 URLs" in shop.start().message


def test_tag_that_was_moved_is_no_base(shop: Shop) -> None:
    git(shop.server, "tag", "--force", "v1.2.3", "main")
    assert "Find out who moved it" in shop.start().message


def test_branch_that_exists_is_refused(shop: Shop) -> None:
    git(shop.server, "branch", BRANCH, "main")
    assert f"branch {BRANCH}: exists already on origin" in shop.start().message


def pushes_in_between(shop: Shop, times: int) -> None:
    """Let a colleague win the race for main, by a hook that runs before our push is checked."""
    count = shop.folder / "count"
    count.write_text("0")
    shop.hook(
        "pre-receive",
        f"""
n=$(cat {count})
[ "$n" -lt {times} ] || exit 0
echo $((n + 1)) > {count}
unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
tree=$(git rev-parse refs/heads/main^{{tree}})
new=$(echo "theirs $n" | git commit-tree "$tree" -p refs/heads/main)
git update-ref refs/heads/main "$new"
""",
    )


def test_somebody_who_pushes_in_between_is_merged_and_not_overwritten(shop: Shop) -> None:
    pushes_in_between(shop, 2)
    finished = shop.hotfix()
    assert not finished.failed, finished.message
    assert (
        finished.result["notes"] == ["somebody pushed meanwhile, so the merges were made again"] * 2
    )
    subjects = git(shop.server, "log", "--format=%s", "main").splitlines()
    assert {"theirs 0", "theirs 1", "fix"} <= set(subjects)
    assert git(shop.server, "log", "--format=%s", "v1.2.3..v1.2.4").splitlines() == ["fix"]


def test_somebody_who_keeps_pushing_wins(shop: Shop) -> None:
    pushes_in_between(shop, 99)
    refused = shop.hotfix()
    assert refused.failed
    assert "refused the push, so nothing was pushed" in refused.message
    assert "refs/tags/v1.2.4" not in shop.refs()
    assert git(shop.work, "tag", "--list", "v1.2.4") == ""
    (shop.server / "hooks" / "pre-receive").unlink()
    assert not shop.finish().failed


@pytest.mark.parametrize(
    ("hook", "script"),
    [
        pytest.param("pre-receive", PROTECTED_MAIN, id="pre-receive"),
        pytest.param(
            "update",
            '[ "$1" != refs/heads/main ] || { echo "main is protected" >&2; exit 1; }',
            id="update",
        ),
    ],
)
def test_protected_main_gets_nothing_and_a_merge_request_is_the_way(
    shop: Shop, hook: str, script: str
) -> None:
    shop.hook(hook, script)
    refs = shop.refs()
    refused = shop.hotfix(merge_into=["main", "release/1.3"])
    assert refused.failed
    assert "protected" in refused.message
    assert "forward=merge_request" in refused.message
    assert set(refused.result["refused"]) >= {"refs/heads/main"}
    assert shop.refs() == refs
    assert git(shop.work, "tag", "--list", "v1.2.4") == ""
    shop.assert_sound()

    done = shop.finish(forward="merge_request", merge_into=["main", "release/1.3"])
    assert [t["outcome"] for t in done.result["targets"]] == ["requested", "requested"]
    new = {ref for ref in shop.refs() if ref not in refs}
    assert new == {f"refs/heads/{BRANCH}", "refs/tags/v1.2.4"}
    assert shop.commit("main") == refs["refs/heads/main"]
    assert shop.commit(BRANCH) == shop.commit("v1.2.4")


def test_refused_tag_keeps_main_from_being_pushed(shop: Shop) -> None:
    shop.hook("update", 'case "$1" in refs/tags/*) echo "no tags today" >&2; exit 1;; esac')
    refs = shop.refs()
    refused = shop.hotfix()
    assert "no tags today" in refused.message
    assert shop.refs() == refs


def test_branch_that_others_pushed_to_is_not_overwritten(shop: Shop) -> None:
    shop.start()
    shop.pick(shop.fix)
    git(shop.server, "branch", BRANCH, "main")
    refs = shop.refs()
    refused = shop.finish(forward="merge_request")
    assert "has other commits on origin" in refused.message
    assert shop.refs() == refs


@pytest.fixture(scope="module")
def started(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One shop for all that is refused, because nothing changes it."""
    folder = tmp_path_factory.mktemp("refused") / "shop"
    shutil.copytree(built, folder)
    (folder / "home").mkdir()
    shop = Shop(folder)
    shop.clone()
    shop.start()
    yield shop
    shop.assert_sound()


def bad(**options: Any) -> Callable[[Shop], str]:
    module = options.pop("module", "start")
    base = {"from_tag": "v1.2.3", "name": "another"} if module == "start" else {}
    return lambda shop: shop.run(module, **{**base, **options}).message


@pytest.mark.parametrize(
    ("run", "says"),
    [
        pytest.param(bad(name="../x"), "name: '../x' is no name for a hotfix", id="path as name"),
        pytest.param(bad(name="-x"), "begins with a dash", id="option as name"),
        pytest.param(bad(branch="--force"), "begins with a dash", id="option as branch"),
        pytest.param(bad(from_tag="--all"), "begins with a dash", id="option as tag"),
        pytest.param(bad(from_tag="v1\n"), "control characters", id="control character"),
        pytest.param(bad(from_tag="v9"), "there is no tag 'v9'", id="unknown tag"),
        pytest.param(bad(remote="upstream"), "has no remote upstream", id="unknown remote"),
        pytest.param(bad(repo="/nowhere"), "there is no folder /nowhere", id="no folder"),
        pytest.param(bad(repo="/tmp"), "not a git repository", id="no repository"),
        pytest.param(bad(repo="ext::sh -c 'id'"), "transport 'ext' is not allowed", id="ext"),
        pytest.param(bad(repo="git://x/y"), "transport 'git' is not allowed", id="git"),
        pytest.param(bad(repo="https://u:p@x/y"), "has a password in it", id="password"),
        pytest.param(bad(repo="ssh://-oProxyCommand=x/y"), "names no host", id="ssh option"),
        pytest.param(bad(token="a\nb"), "token: has control characters", id="header injection"),
        pytest.param(bad(ssh_key="/nowhere"), "there is no file /nowhere", id="no key"),
        pytest.param(bad(module="pick", commits=["--abort"]), "begins with a dash", id="as commit"),
        pytest.param(bad(module="pick", commits=["a...b"]), "three dots", id="three dots"),
        pytest.param(bad(module="pick", commits=["nope"]), "there is no commit 'nope'", id="nope"),
        pytest.param(bad(module="pick", commits=["0" * 40]), "there is no commit", id="no object"),
        pytest.param(bad(module="pick", patches=["/nowhere"]), "cannot be read", id="no patch"),
        pytest.param(bad(module="finish"), "nothing to release", id="empty hotfix"),
        pytest.param(bad(module="finish", name="x"), "was not started", id="unknown hotfix"),
    ],
)
def test_bad_input_changes_nothing(started: Shop, run: Callable[[Shop], str], says: str) -> None:
    before = started.refs(), started.callers()
    assert says in run(started)
    assert (started.refs(), started.callers()) == before


def test_remote_with_a_dangerous_transport_runs_nothing(shop: Shop) -> None:
    trace = shop.folder / "ran"
    git(shop.work, "remote", "set-url", "origin", f"ext::touch {trace}")
    assert "is not allowed" in shop.start().message
    git(shop.work, "remote", "set-url", "origin", f"file://{shop.server}")
    git(shop.work, "config", f"url.ext::touch {trace} .insteadOf", "file://")
    assert shop.start().failed
    assert not trace.exists()
    git(shop.work, "config", "--remove-section", f"url.ext::touch {trace} ")


def test_unreadable_state_is_said(shop: Shop) -> None:
    shop.start()
    state = shop.work / ".git" / "oncall-recovery" / "hotfix" / NAME / "state.json"
    state.write_text("{")
    answer = shop.pick(shop.fix)
    assert answer.failed
    assert "its state cannot be read" in answer.message
    commit(shop.work, "and work goes on", {"x": "y"})
