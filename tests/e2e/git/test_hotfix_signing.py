# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed tags, as `git tag -v` sees them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.cluster.debian.packages import ensure_installed
from tests.cluster.places import cache_folder

from .shop import IDENTITY, Shop, git

MAIL = IDENTITY["EMAIL"]


def verified(shop: Shop, *settings: str, env: dict[str, str] | None = None) -> str:
    """What git says of the server's tag; fails where the signature is not good."""
    options = [argument for setting in settings for argument in ("-c", setting)]
    done = subprocess.run(
        ["git", *options, "tag", "-v", "v1.2.4"],
        cwd=shop.server,
        env={"PATH": "/usr/bin:/bin", "HOME": str(shop.home), **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_tag_is_signed_with_an_ssh_key(shop: Shop) -> None:
    key = shop.folder / "signing key"
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", str(key)], check=True)
    signers = shop.folder / "signers"
    signers.write_text(f"{MAIL} {key.with_suffix('.pub').read_text()}")
    answer = shop.hotfix(sign="ssh", signing_key=str(key))
    assert not answer.failed, answer.message
    said = verified(shop, f"gpg.ssh.allowedSignersFile={signers}", "gpg.format=ssh")
    assert f'Good "git" signature for {MAIL}' in said
    assert "Hotfix 1.2.4" in said


def test_tag_is_signed_with_a_gpg_key(shop: Shop) -> None:
    if shutil.which("gpg") is None:
        ensure_installed(["gnupg"], cache_folder() / "git-servers")
    # The path of its agent's socket must be short.
    home = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    env = {"GNUPGHOME": str(home)}
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet"]
    try:
        key = ["--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key", MAIL]
        subprocess.run([*gpg, *key, "ed25519", "sign"], check=True, capture_output=True)
        shop.env = env
        answer = shop.hotfix(sign="gpg", signing_key=MAIL)
        assert not answer.failed, answer.message
        assert "Good signature from" in verified(shop, env=env)
    finally:
        subprocess.run(
            ["gpgconf", "--homedir", str(home), "--kill", "all"], check=True, capture_output=True
        )
        shutil.rmtree(home)


def test_key_that_cannot_sign_pushes_nothing(shop: Shop) -> None:
    refs = shop.refs()
    refused = shop.hotfix(sign="ssh", signing_key=str(shop.folder / "nowhere"))
    assert refused.failed
    assert "git tag failed" in refused.message
    assert shop.refs() == refs
    assert git(shop.work, "tag", "--list", "v1.2.4") == ""
    assert not shop.finish().failed
