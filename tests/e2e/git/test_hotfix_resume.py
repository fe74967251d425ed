# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed at every point and run again: it finishes, and does nothing twice.

The kill comes after the n-th git process or the n-th write of the state, for every n. So that
hundreds of runs take seconds, the runs are forks of this process, and call what the modules call.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import traceback
from collections.abc import Callable
from typing import Any

import git as gitpython
import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._git.access import Access
from ansible_collections.oncall.recovery.plugins.module_utils._git.clone import repository_at
from ansible_collections.oncall.recovery.plugins.module_utils._git.finish import release_hotfix
from ansible_collections.oncall.recovery.plugins.module_utils._git.finish_request import (
    FinishRequest,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.pick import PickRequest, pick
from ansible_collections.oncall.recovery.plugins.module_utils._git.start import (
    BaseRequest,
    StartRequest,
    abort,
    start,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.state import (
    Workspace,
    workspace,
)

from .shop import BRANCH, NAME, Shop, environment, git

MORE_THAN_ANY_RUN_HAS = 400


def whole_hotfix(shop: Shop, fixes: list[str]) -> None:
    """What a CI job does: all modules, one after the other."""
    repository = repository_at(str(shop.work), Access(), remote="origin")
    base = BaseRequest(tag="v1.2.3")
    with workspace(repository, NAME, writes=True) as hotfix:
        start(hotfix, StartRequest(NAME, BRANCH, base))
    with workspace(repository, NAME, writes=True) as hotfix:
        pick(hotfix, PickRequest(commits=fixes))
    with workspace(repository, NAME, writes=True) as hotfix:
        release_hotfix(hotfix, FinishRequest(merge_into=["main", "release/*"], keep_worktree=True))
    # Between the two it is built.
    with workspace(repository, NAME, writes=True) as hotfix:
        release_hotfix(hotfix, FinishRequest(merge_into=["main", "release/*"]))


def abort_hotfix(shop: Shop) -> None:
    repository = repository_at(str(shop.work), Access(), remote="origin")
    with workspace(repository, NAME, writes=True) as hotfix:
        abort(hotfix)


def killed_after(point: int, run: Callable[[], None], env: dict[str, str]) -> bool:
    """Run in a fork that kills itself at a point; say whether it got there."""
    child = os.fork()
    if child == 0:
        os.environ.clear()
        os.environ.update(env)
        points = itertools.count(1)

        def die_in_time(*_result: Any) -> None:
            if next(points) == point:
                os.kill(os.getpid(), signal.SIGKILL)

        _after_each(gitpython.Git, "execute", die_in_time)
        _after_each(Workspace, "save", die_in_time)
        code = 1
        try:
            run()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False


def _after_each(owner: type, name: str, then: Callable[..., None]) -> None:
    original = getattr(owner, name)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        result = original(*arguments, **options)
        then()
        return result

    setattr(owner, name, wrapped)


def assert_released_once(shop: Shop, refs: dict[str, str]) -> None:
    now = shop.refs()
    assert set(now) - set(refs) == {"refs/tags/v1.2.4"}
    assert git(shop.server, "log", "--format=%s", "v1.2.3..v1.2.4").splitlines() == ["more", "fix"]
    for branch in ("main", "release/1.3"):
        # One merge each, on top of what was there.
        parents = git(shop.server, "log", "-1", "--format=%P", branch).split()
        assert parents == [refs[f"refs/heads/{branch}"], shop.commit("v1.2.4")]
    assert now["refs/heads/release/1.1"] == refs["refs/heads/release/1.1"]
    assert not shop.tree.exists()
    assert git(shop.work, "worktree", "list", "--porcelain").count("worktree ") == 1
    assert git(shop.work, "branch", "--list", BRANCH) == ""


def fresh(bare_shop: Shop, point: int) -> Shop:
    copy = bare_shop.folder.parent / f"at-{point}"
    shutil.copytree(bare_shop.folder, copy)
    shop = Shop(copy)
    git(shop.work, "remote", "set-url", "origin", f"file://{shop.server}")
    return shop


def test_killed_after_any_step_and_run_again_it_finishes(shop: Shop) -> None:
    refs, fixes = shop.refs(), [shop.fix, shop.commit("main^{/^more}")]
    for point in range(1, MORE_THAN_ANY_RUN_HAS):
        tried = fresh(shop, point)
        env = environment(tried.home)
        was_killed = killed_after(point, lambda t=tried: whole_hotfix(t, fixes), env)
        if was_killed:
            assert not killed_after(0, lambda t=tried: whole_hotfix(t, fixes), env)
        assert_released_once(tried, refs)
        tried.assert_sound()
        shutil.rmtree(tried.folder)
        if not was_killed:
            break
    # start, pick and finish have more steps than that, and each was a place to die.
    assert 40 < point < MORE_THAN_ANY_RUN_HAS - 1


def test_killed_while_aborting_and_run_again_nothing_is_left(shop: Shop) -> None:
    callers, refs = shop.callers(), shop.refs()
    shop.start()
    shop.pick(shop.fix)
    for point in range(1, MORE_THAN_ANY_RUN_HAS):
        tried = fresh(shop, point)
        # The copy's worktree is where the original's is, for git.
        for entry in (tried.work / ".git" / "worktrees").iterdir():
            (entry / "gitdir").write_text(f"{tried.tree}/.git\n")
        state = tried.tree.parent / "state.json"
        state.write_text(state.read_text().replace(str(shop.folder), str(tried.folder)))
        env = environment(tried.home)
        was_killed = killed_after(point, lambda t=tried: abort_hotfix(t), env)
        if was_killed:
            assert not killed_after(0, lambda t=tried: abort_hotfix(t), env)
        assert tried.refs() == refs
        assert git(tried.work, "branch", "--list", BRANCH) == ""
        assert not list((tried.work / ".git" / "oncall-recovery" / "hotfix").iterdir())
        if not was_killed:
            break
    shop.start(state="aborted")
    assert shop.callers() == callers


@pytest.mark.parametrize("command", ["cherry-pick", "merge", "tag", "push", "read-tree"])
def test_git_itself_is_killed_with_its_locks_in_place(shop: Shop, command: str) -> None:
    """As where a container is stopped: git dies, too, and leaves its lock files."""
    refs, fixes = shop.refs(), [shop.fix, shop.commit("main^{/^more}")]
    real = shutil.which("git")
    shim = shop.folder / "bin" / "git"
    shim.parent.mkdir()
    shim.write_text(
        f"""#!/bin/sh
if [ "$1" = {command} ] && mkdir {shop.folder}/killed 2>/dev/null; then
    git_dir=$({real} rev-parse --absolute-git-dir)
    case {command} in
        cherry-pick|merge|read-tree) : > "$git_dir/index.lock"; : > "$git_dir/HEAD.lock" ;;
        tag) : > "$git_dir/refs/tags/v1.2.4.lock" ;;
    esac
    kill -9 $PPID
    kill -9 $$
fi
exec {real} "$@"
"""
    )
    shim.chmod(0o755)
    env = environment(shop.home)
    env["PATH"] = f"{shim.parent}:{env['PATH']}"
    child = os.fork()
    if child == 0:
        os.environ.clear()
        os.environ.update(env)
        whole_hotfix(shop, fixes)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert (shop.folder / "killed").exists()
    assert not killed_after(0, lambda: whole_hotfix(shop, fixes), env)
    assert_released_once(shop, refs)


def test_two_runs_for_one_hotfix_at_once_release_it_once(shop: Shop) -> None:
    refs, fixes = shop.refs(), [shop.fix, shop.commit("main^{/^more}")]
    env, children = environment(shop.home), []
    for _run in range(2):
        child = os.fork()
        if child == 0:
            os.environ.clear()
            os.environ.update(env)
            code = 1
            try:
                whole_hotfix(shop, fixes)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0, 0]
    assert_released_once(shop, refs)
