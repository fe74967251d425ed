# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AnsibleModule for modules that work on a Git repository: options, repository, hotfix.

A file of its own, because Ansible sends with every task whatever its imports may reach.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oncall.recovery.plugins.module_utils._options import GIT_OPTIONS

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import Repository
    from ansible_collections.oncall.recovery.plugins.module_utils._git.state import Workspace


def git_module(argument_spec: dict[str, t.Any], **constraints: t.Any) -> AnsibleModule:
    """An AnsibleModule with the shared options of Git repositories beside its own."""
    return AnsibleModule(
        argument_spec={**GIT_OPTIONS, **argument_spec},
        supports_check_mode=True,
        **constraints,
    )


def open_repository(module: AnsibleModule) -> Repository:
    """The repository that the module's options name, cloned where it is a URL and not here yet."""
    from ansible_collections.oncall.recovery.plugins.module_utils._git.access import Access
    from ansible_collections.oncall.recovery.plugins.module_utils._git.clone import repository_at
    from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import remote_address

    options = module.params
    access = Access.from_options(options)
    module.no_log_values.update(access.secrets)
    repository = repository_at(
        options["repo"],
        access,
        remote=options["remote"],
        clones=options["clones"],
        clone_filter=options["clone_filter"] or "",
    )
    if access.token and access.sends_token_in_clear(remote_address(repository, options["remote"])):
        module.warn(
            "The token is sent over plain HTTP, so anyone on the way can read it. Use HTTPS"
        )
    return repository


@contextlib.contextmanager
def open_hotfix(module: AnsibleModule) -> Iterator[Workspace]:
    """The hotfix that the module's options name, for this process alone outside of check mode."""
    from ansible_collections.oncall.recovery.plugins.module_utils._git.state import workspace

    repository = open_repository(module)
    with workspace(repository, module.params["name"], writes=not module.check_mode) as hotfix:
        yield hotfix
