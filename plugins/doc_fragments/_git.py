# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to reach a Git repository. Private to oncall.recovery."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  repo:
    description:
      - Path of a clone, or the URL of a repository.
      - In a clone, the hotfix gets a worktree of its own. The checkout, the index, the stash and
        the branches of the clone stay as they are.
      - A URL is cloned without a checkout into O(clones), once, and found there again.
      - URLs may be C(https), C(http), C(ssh) and C(file). One with a password in it is refused; set
        O(token) instead.
    type: str
    required: true
  remote:
    description:
      - Name of the remote in the clone.
    type: str
    default: origin
  clones:
    description:
      - Folder of the clones that are made of URLs. How far a hotfix has got is kept in them.
      - Falls back to E(RECOVERY_GIT_CLONES).
    type: path
    default: ~/.cache/oncall-recovery/git
  clone_filter:
    description:
      - What a new clone of a URL leaves out until it is needed. V(blob:none) spares the content of
        files in large repositories.
    type: str
  token:
    description:
      - Token for HTTP(S), and for the API of the server with O(ignore:forward=merge_request).
      - It is passed to git in its environment, so it is in no URL, no configuration, no log and no
        list of processes.
      - Falls back to E(RECOVERY_GIT_TOKEN).
    type: str
  token_user:
    description:
      - User name that is sent with the token. GitHub, and GitLab for most of its tokens, take any;
        a GitLab job token needs V(gitlab-ci-token).
    type: str
    default: x-access-token
  ssh_key:
    description:
      - Path of the private key for SSH. Without it, SSH finds its keys itself.
      - Falls back to E(RECOVERY_GIT_SSH_KEY).
    type: path
  known_hosts:
    description:
      - Path of a file with the keys of the hosts that may be connected to. Without it, SSH's own
        files are used. Host keys are always checked.
      - Falls back to E(RECOVERY_GIT_KNOWN_HOSTS).
    type: path
  ca_cert:
    description:
      - Path of the certificate authority's certificates, for HTTPS.
      - Falls back to E(RECOVERY_GIT_CA_CERT).
    type: path
  committer_name:
    description:
      - Name of the committer and, for commits that are no copies, of the author.
      - Without it, git's own C(user.name) is used.
      - Falls back to E(RECOVERY_GIT_COMMITTER_NAME).
    type: str
  committer_email:
    description:
      - Mail address that goes with O(committer_name).
      - Falls back to E(RECOVERY_GIT_COMMITTER_EMAIL).
    type: str
requirements:
  - python >= 3.10
  - GitPython >= 3.1.30
  - git >= 2.32
notes:
  - Names, URLs and paths that begin with a dash or hold control characters are refused, and so are
    the transports of git that run commands, such as C(ext::).
  - Hooks of the clone run as git runs them, such as C(pre-push), which Git LFS needs.
  - A run that was killed and is started again goes on where it was. Two runs on the same hotfix at
    once wait for each other for ten seconds, then the second fails.
"""
