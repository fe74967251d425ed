# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hotfix takes back where it fails, what it leaves alone, and what it says of both."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.images import BUSYBOX_IMAGE, IMAGE_PREFIX, PAUSE_IMAGE
from tests.cluster.kubectl import apply

from .git.shop import build, git
from .support.modules import run_module
from .support.playbooks import Played, play
from .support.workloads import Workload, wait_until

# Found in no registry and on no node.
NOWHERE = f"{IMAGE_PREFIX}/nowhere"


@dataclass(frozen=True)
class Release:
    """A repository whose tag v1.2.3 a workload runs, and the fix that main has since."""

    cluster: Cluster
    folder: Path
    namespace: str
    fix: str

    @property
    def workload(self) -> Workload:
        return Workload(
            self.cluster.kubeconfig, "Deployment", self.namespace, self.folder.name, pods=1
        )

    @property
    def image(self) -> str:
        (container,) = self.workload.template["spec"]["containers"]
        return str(container["image"])

    @property
    def report(self) -> str:
        return (self.folder / "hotfix-report.md").read_text()

    def refs(self) -> str:
        return git(self.folder / "shop.git", "for-each-ref")

    def deploy(self, image: str = PAUSE_IMAGE, **spec: Any) -> None:
        """Deploy the production tag; a pod whose image is not there fails at once."""
        manifest = self.workload.manifest("1.2.3", **spec)
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        container |= {"image": image, "imagePullPolicy": "Never"}
        # The images of these tests end by themselves otherwise.
        container["command"] = ["/bin/sleep", "100000"]
        apply(self.cluster.kubeconfig, manifest)
        self.workload.settle()
        self.workload.kubectl("rollout", "status", self.workload.address, "--timeout=60s")

    def be_slow(self) -> None:
        """Let pods that are new from now on take long to be called available."""
        slow = json.dumps({"spec": {"minReadySeconds": 100}})
        self.workload.kubectl("patch", self.workload.address, "--patch", slow)

    def set_image(self, image: str) -> None:
        self.workload.kubectl("set", "image", self.workload.address, f"app={image}")
        self.workload.settle()

    def run(self, *arguments: str, **variables: Any) -> Played:
        everywhere = {
            "recovery_kubeconfig": str(self.cluster.kubeconfig),
            "recovery_git_clones": str(self.folder / "clones"),
            "recovery_git_committer_name": "Robot",
            "recovery_git_committer_email": "robot@shop.example",
            "hotfix_release_repo": f"file://{self.folder / 'shop.git'}",
            "hotfix_release_name": "INC-4711",
            "hotfix_release_commits": self.fix,
            "hotfix_release_from_tag": "v1.2.3",
            "hotfix_release_namespace": self.namespace,
            "hotfix_release_workload": self.workload.name,
            "hotfix_release_image": NOWHERE + ":{version}",
            "hotfix_release_folder": str(self.folder),
            "hotfix_release_wait_timeout": 30,
        }
        return play(
            "oncall.recovery.hotfix_release",
            *arguments,
            cwd=self.folder,
            **{**everywhere, **variables},
        )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build(folder)
    return folder


@pytest.fixture
def release(
    cluster: Cluster, namespace: str, built: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Release]:
    folder = tmp_path / f"web-{abs(hash(request.node.name)) % 10**6}"
    folder.mkdir()
    shutil.copytree(built / "shop.git", folder / "shop.git")
    fix = git(folder / "shop.git", "rev-parse", "main^{/^fix}")
    release = Release(cluster, folder, namespace, fix)
    yield release
    release.workload.kubectl("delete", release.workload.address, "--ignore-not-found")


def test_rollback_that_is_refused_is_no_rollback(release: Release) -> None:
    release.deploy()
    held = run_module(
        "k8s_lock",
        release.cluster.kubeconfig,
        env=dict(os.environ),
        name=release.workload.name,
        namespace=release.namespace,
        holder="alice",
    )
    assert not held.failed, held.message
    played = release.run(hotfix_release_lock=False)
    assert played.failed
    facts = played.statistic("hotfix_release")
    assert (facts["outcome"], facts["rollback"]) == ("failed", "refused"), played.output
    told = f"NOT ROLLED BACK, {NOWHERE}:1.2.4 still runs"
    for text in (played.output, release.report):
        assert told in text
        assert "alice" in text
        assert "-e rollback_to_revision=1" in text
    assert "ROLLED BACK to" not in played.output
    assert release.image == f"{NOWHERE}:1.2.4"
    # First what a person has to know, then how it came to that.
    headings = [line for line in release.report.splitlines() if line.startswith("## ")]
    assert headings[:2] == ["## What went wrong", "## Going back"]
    assert "/app/ErrImageNeverPull`: `Container image" in release.report


def test_rollback_that_does_not_complete_is_no_rollback(release: Release) -> None:
    # No pod of the version before is left then.
    release.deploy(strategy={"type": "Recreate"})
    release.be_slow()
    played = release.run(hotfix_release_wait_timeout=10)
    assert played.failed
    facts = played.statistic("hotfix_release")
    assert (facts["outcome"], facts["rollback"]) == ("failed", "incomplete"), played.output
    for text in (played.output, release.report):
        assert f"SET BACK to {PAUSE_IMAGE}, NOT COMPLETE: " in text
        assert "not complete after" in text
    assert "ROLLED BACK to" not in played.output
    assert release.image == PAUSE_IMAGE


def test_what_somebody_else_deployed_meanwhile_is_left_alone(release: Release) -> None:
    release.deploy()
    # The release is still on its way when somebody else sets an image that fails at once.
    release.be_slow()
    theirs = f"{NOWHERE}:theirs"
    with ThreadPoolExecutor() as pool:
        running = pool.submit(release.run, hotfix_release_image=BUSYBOX_IMAGE)
        wait_until(lambda: release.image == BUSYBOX_IMAGE, "the release is deployed", 120)
        release.set_image(theirs)
        played = running.result()
    assert played.failed
    assert release.image == theirs, played.output
    assert f"NOT ROLLED BACK: there is nothing to take back, for it runs {theirs}" in played.output
    assert played.statistic("hotfix_release")["rollback"] == "not_tried"


def test_release_that_was_there_already_goes_back_to_another_image(release: Release) -> None:
    """Another revision of the release lies between, as where its tag makes others deploy it."""
    release.deploy()
    release.set_image(f"{NOWHERE}:1.2.4")
    played = release.run()
    assert played.failed
    assert release.image == PAUSE_IMAGE, played.output
    assert f"ROLLED BACK to {PAUSE_IMAGE}" in played.output
    assert "# Hotfix INC-4711: rolled back" in release.report
    assert played.statistic("hotfix_release")["rollback"] == "complete"


def test_release_that_was_good_stays_whatever_fails_later(release: Release) -> None:
    release.deploy()
    served = release.run(hotfix_release_image=BUSYBOX_IMAGE)
    assert not served.failed, served.output
    good = "--selector=oncall.recovery/verdict=good"
    listed = release.workload.kubectl("get", "replicasets", good, "--output=json")
    (template,) = (item["spec"]["template"] for item in json.loads(listed)["items"])
    assert template["spec"]["containers"][0]["image"] == BUSYBOX_IMAGE

    release.be_slow()
    release.workload.kubectl("delete", "pods", f"--selector=app={release.workload.name}")
    played = release.run(hotfix_release_image=BUSYBOX_IMAGE, hotfix_release_wait_timeout=3)
    assert played.failed, played.output
    assert release.image == BUSYBOX_IMAGE
    assert "NOT ROLLED BACK: it was marked good before" in release.report, played.output


def test_hotfix_is_compared_with_what_runs_before_it_is_pushed_and_deployed(
    release: Release,
) -> None:
    # What has no pods needs no image.
    release.deploy(f"{NOWHERE}:1.3.0", replicas=0)
    refs = release.refs()
    early = release.run()
    assert early.failed
    told = f"it runs {NOWHERE}:1.3.0, and hotfix INC-4711 goes from v1.2.3 to v1.2.4"
    assert told in early.output, early.output
    assert "Nothing is released. Start a hotfix with another name" in early.output
    assert release.refs() == refs

    release.set_image(f"{NOWHERE}:1.2.3")
    done = release.run()
    assert not done.failed, done.output
    assert release.image == f"{NOWHERE}:1.2.4"
    shutil.rmtree(release.folder / "clones")
    again = release.run()
    assert not again.failed, again.output
    assert not again.statistic("hotfix_release")["rollback"]

    # By hand, and the annotations of 1.2.4 are left over.
    release.set_image(f"{NOWHERE}:1.2.3")
    annotations = release.workload.template["metadata"]["annotations"]
    assert annotations["org.opencontainers.image.version"] == "v1.2.4"
    following = release.run(
        "--check",
        hotfix_release_name="INC-4712",
        hotfix_release_from_tag="",
        hotfix_release_version="1.2.5",
    )
    assert not following.failed, following.output
    assert "from v1.2.3, which" in following.output, following.output
    assert "would be released as v1.2.5" in following.output

    release.set_image(f"{NOWHERE}:1.3.0")
    late = release.run()
    assert late.failed
    assert told in late.output, late.output
    assert "Nothing is deployed. Start a hotfix with another name" in late.output
    assert release.image == f"{NOWHERE}:1.3.0"
    forced = release.run(hotfix_release_redeploy=True)
    assert not forced.failed, forced.output
    assert release.image == f"{NOWHERE}:1.2.4"
