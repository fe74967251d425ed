# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bug in the running version of the sample application, and its hotfix from its repository."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster, up
from tests.cluster.shop import deploy
from tests.cluster.shop.__main__ import main as shop_command
from tests.cluster.shop.load import LoadGenerator
from tests.cluster.shop.manifests import Shop
from tests.cluster.shop.targets import EndpointsWatch
from tests.cluster.shop.versions import APP_FOLDER

from .git.shop import commit, git
from .git.shop import environment as environment_of_git
from .support.playbooks import command, environment
from .support.workloads import Workload, wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
LONGEST_RUN_SECONDS = 180
# Of this run alone: a node that has an image of the same tag keeps running it.
LINE = f"3.{os.getpid()}"
SERVES = 'return Answer({"page": "product", "version": context.version})'
BREAKS = 'raise RuntimeError("the price of tea is not known")'
STARTS = "def run(application: Application) -> int:\n"
TEST = """\
import unittest
from app.shop_pages import product


class Pages(unittest.TestCase):
    def test_product(self):
        class Context:
            version = "1"
        self.assertEqual(product(Context).body["version"], "1")
"""


def sources(**replacements: tuple[str, str]) -> dict[str, str]:
    """The application's source, with a text replaced by another in the modules named."""
    files = {f"app/{path.name}": path.read_text() for path in APP_FOLDER.glob("*.py")}
    for module, (old, new) in replacements.items():
        assert old in files[f"app/{module}.py"]
        files[f"app/{module}.py"] = files[f"app/{module}.py"].replace(old, new)
    return files


@dataclass(frozen=True)
class Team:
    """A team's repository and its application in production.

    :param version: the one in production, where the product page is broken.
    """

    cluster: Cluster
    folder: Path
    namespace: str
    version: str

    @property
    def server(self) -> Path:
        return self.folder / "shop.git"

    @property
    def shop(self) -> Shop:
        return Shop(
            namespace=self.namespace, name=self.folder.name, version=self.version, replicas=2
        )

    @property
    def workload(self) -> Workload:
        return Workload(self.cluster.kubeconfig, "Deployment", self.namespace, self.shop.name)

    @property
    def image(self) -> str:
        (container,) = self.workload.template["spec"]["containers"]
        return str(container["image"])

    def found(self) -> None:
        """Make the repository: the tag that runs, the fix on main, and one that makes it worse."""
        seed = self.folder / "seed"
        seed.mkdir(parents=True)
        git(seed, "init", "--quiet", "--initial-branch=main")
        broken = sources(shop_pages=(SERVES, BREAKS))
        commit(seed, "release", {**broken, "tests/test_pages.py": TEST, "tests/__init__.py": ""})
        git(seed, "tag", "--annotate", f"v{self.version}", "--message", self.version)
        commit(seed, "Sell gift cards next month", {"app/gift_cards.py": "PRICES = [10, 20]\n"})
        commit(seed, "Know the price of tea", sources())
        git(seed, "branch", "worse")
        git(seed, "checkout", "--quiet", "worse")
        crash = (STARTS, f"{STARTS}    raise SystemExit('no tea left')\n")
        commit(seed, "Crash at the start", sources(server=crash))
        git(seed, "checkout", "--quiet", "-b", "failing", "worse~1")
        commit(seed, "Forget the price of tea", sources(shop_pages=(SERVES, BREAKS)))
        git(self.folder, "clone", "--quiet", "--bare", "seed", "shop.git")

    def go_live(self) -> None:
        """Build the version with the bug from its tag, and deploy it."""
        git(self.folder, "clone", "--quiet", "--branch", f"v{self.version}", "shop.git", "ci")
        source = str(self.folder / "ci" / "app")
        options = ["--cluster", self.cluster.name, "--version", self.version, "--source", source]
        assert shop_command(["release", *options]) == 0
        deploy.apply(self.cluster.kubeconfig, self.shop)
        deploy.wait(self.cluster.kubeconfig, self.shop)

    def commit(self, revision: str) -> str:
        return git(self.server, "rev-parse", f"{revision}^{{}}")

    def refs(self) -> str:
        return git(self.server, "for-each-ref")

    def command(self, *arguments: str, **variables: Any) -> list[str]:
        here, python = shlex.quote(str(CHECKOUT)), sys.executable
        build = (
            f"source=$PWD/app; cd {here} && {python} -m tests.cluster.shop release"
            f" --cluster {self.cluster.name} --source $source"
            " --version $HOTFIX_RELEASE_VERSION --revision $HOTFIX_RELEASE_COMMIT"
        )
        everywhere = {
            "recovery_kubeconfig": str(self.cluster.kubeconfig),
            "recovery_git_clones": str(self.folder / "clones"),
            "hotfix_release_repo": f"file://{self.server}",
            "hotfix_release_name": "INC-4711",
            "hotfix_release_commits": self.commit("worse~1"),
            "hotfix_release_reason": "checkout answers 500",
            "hotfix_release_namespace": self.namespace,
            "hotfix_release_workload": self.shop.name,
            "hotfix_release_test_command": f"{sys.executable} -m unittest tests.test_pages",
            "hotfix_release_build_command": build,
            "hotfix_release_wait_timeout": 60,
        }
        told = {**everywhere, **variables}
        return command("oncall.recovery.hotfix_release", *arguments, **told)

    @property
    def environment(self) -> dict[str, str]:
        # The build uses the cluster's own state, which is found by the real home.
        return {
            **environment_of_git(self.folder),
            **environment(Path.home()),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "PWD": str(self.folder),
        }

    def release(self, *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run the playbook as a CI job would."""
        return subprocess.run(
            self.command(*arguments, **variables),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_RUN_SECONDS,
            check=False,
        )

    @property
    def report(self) -> str:
        return (self.folder / "hotfix-report.md").read_text()


@pytest.fixture(scope="module")
def team(
    cluster: Cluster, namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    team = Team(cluster, tmp_path_factory.mktemp("teams") / "web", namespace, f"{LINE}.0")
    team.found()
    team.go_live()
    yield team


def test_check_mode_goes_through_everything_and_changes_nothing(team: Team) -> None:
    refs, live = team.refs(), team.workload.live()
    done = team.release("--check")
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "INC-4711: tried, nothing was changed",
        f"from v{LINE}.0, which Deployment {team.namespace}/web ran",
        "Know the price of tea",
        "tests passed",
        f"would be released as v{LINE}.1",
        f"would be deployed to Deployment {team.namespace}/web: localhost/oncall/shop:{LINE}.1",
    ):
        assert words in done.stdout, done.stdout
    assert team.refs() == refs
    now = team.workload.live()
    assert now["metadata"]["generation"] == live["metadata"]["generation"]
    assert not (team.folder / "hotfix-report.md").exists()

    failing = team.release("--check", hotfix_release_test_command="echo broken; exit 3")
    assert failing.returncode != 0
    assert "the tests failed (exit code 3)" in failing.stdout
    assert "broken" in failing.stdout
    assert team.refs() == refs


def test_killed_run_goes_on_until_users_are_served_again(team: Team) -> None:
    marker = team.folder / "building"
    slow = f"touch {marker}; sleep 60"
    with (
        EndpointsWatch(team.cluster.kubeconfig, team.namespace, team.shop.name) as targets,
        LoadGenerator(targets, "/", 20.0) as load,
    ):
        wait_until(lambda: load.report().failed > 5, "users see errors")
        killed = subprocess.Popen(
            team.command(hotfix_release_build_command=slow),
            cwd=team.folder,
            env=team.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(marker.exists, "the build has begun", 60)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        refs = team.refs()
        assert f"refs/tags/v{LINE}.1" in refs

        done = team.release()
        assert done.returncode == 0, done.stdout + done.stderr
        assert team.refs() == refs
        time.sleep(1)
        with LoadGenerator(targets, "/", 20.0) as load_after:
            wait_until(lambda: load_after.report().total > 60, "users try again")
        report = load_after.report()
        assert report.failed == 0
        assert set(report.served_by) == {f"shop/{LINE}.1"}

    assert (
        git(team.server, "log", "--format=%s", f"v{LINE}.0..v{LINE}.1") == "Know the price of tea"
    )
    template = team.workload.template
    annotations = template["metadata"]["annotations"]
    assert annotations["org.opencontainers.image.revision"] == team.commit(f"v{LINE}.1")
    assert (
        "INC-4711" in team.workload.live()["metadata"]["annotations"]["kubernetes.io/change-cause"]
    )
    assert "# Hotfix INC-4711: deployed" in team.report
    assert team.commit(f"v{LINE}.1") in team.report
    (stats,) = (line for line in done.stdout.splitlines() if "RUN:" in line)
    facts = json.loads(stats.partition("RUN: ")[2])["hotfix_release"]["localhost"]
    assert (facts["outcome"], facts["tag"], facts["failed"]) == ("deployed", f"v{LINE}.1", False)
    assert facts["image_before"] == f"localhost/oncall/shop:{LINE}.0"

    generation = team.workload.live()["metadata"]["generation"]
    again = team.release()
    assert again.returncode == 0, again.stdout + again.stderr
    assert team.refs() == refs
    assert team.workload.live()["metadata"]["generation"] == generation


def test_release_that_does_not_come_up_is_rolled_back_and_its_tag_stays(team: Team) -> None:
    image = team.image
    worse = {"hotfix_release_name": "INC-4712", "hotfix_release_commits": team.commit("worse")}
    with (
        EndpointsWatch(team.cluster.kubeconfig, team.namespace, team.shop.name) as targets,
        LoadGenerator(targets, "/", 20.0) as load,
    ):
        done = team.release(**worse)
        assert load.report().failed == 0
    assert done.returncode != 0
    assert f"ROLLED BACK to {image}" in done.stdout, done.stdout
    assert f"v{LINE}.2 stays" in done.stdout
    assert team.image == image
    assert f"refs/tags/v{LINE}.2" in team.refs()
    assert "# Hotfix INC-4712: rolled back" in team.report
    assert "CrashLoopBackOff" in team.report

    again = team.release(**worse)
    assert again.returncode != 0
    assert "was rolled back before, and is marked bad" in again.stdout
    assert team.image == image


def test_release_that_turns_the_signals_bad_is_rolled_back(team: Team) -> None:
    if team.cluster.provider != "debian":
        pytest.skip(f"provider {team.cluster.provider} brings its own Prometheus, or none")
    prometheus = up(team.cluster.name, with_addons=["prometheus"]).prometheus
    assert prometheus is not None
    requests = f'http_requests_total{{namespace="{team.namespace}",page="/"}}'
    failed = requests.replace("}", ',code="500"}')
    share = f"(sum(rate({failed}[5s])) or vector(0)) / sum(rate({requests}[5s]))"
    image = team.image
    with (
        EndpointsWatch(team.cluster.kubeconfig, team.namespace, team.shop.name) as targets,
        LoadGenerator(targets, "/", 20.0) as load,
    ):
        wait_until(lambda: load.report().total > 200, "Prometheus has seen users")
        assert load.report().failed == 0
        done = team.release(
            hotfix_release_name="INC-4713",
            hotfix_release_commits=team.commit("failing"),
            # The tag of the release that was rolled back stays, so the next patch is taken.
            hotfix_release_version=f"{LINE}.3",
            hotfix_release_test_command="",
            hotfix_release_prometheus={"url": prometheus.url},
            hotfix_release_signals=[{"name": "errors", "promql": share, "threshold": 0.05}],
            hotfix_release_recover_within=20,
            hotfix_release_probation=20,
        )
        time.sleep(1)
        with LoadGenerator(targets, "/", 20.0) as load_after:
            wait_until(lambda: load_after.report().total > 60, "users try again")
    assert done.returncode != 0
    assert f"ROLLED BACK to {image}" in done.stdout, done.stdout
    assert "the signals are unhealthy (errors: " in done.stdout
    assert load.report().failed > 0
    assert load_after.report().failed == 0
    assert team.image == image
    assert f"refs/tags/v{LINE}.3" in team.refs()
