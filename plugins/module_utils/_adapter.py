# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that knows AnsibleModule: options in, result or error out.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import base64
import contextlib
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._options import (
    CONNECTION_OPTIONS,
    GIT_OPTIONS,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import Repository
    from ansible_collections.oncall.recovery.plugins.module_utils._git.state import Workspace
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

# Watches hold connections of their own while patches run.
CONNECTIONS_BESIDE_THE_PATCHES = 4
SECRET_KEYS_OF_KUBECONFIG = ("token", "password", "client-key-data", "id-token", "refresh-token")


def kubernetes_module(argument_spec: dict[str, t.Any], **constraints: t.Any) -> AnsibleModule:
    """An AnsibleModule with the shared connection options beside its own."""
    module = AnsibleModule(
        argument_spec={**CONNECTION_OPTIONS, **argument_spec},
        supports_check_mode=True,
        **constraints,
    )
    kubeconfig = module.params["kubeconfig"]
    if isinstance(kubeconfig, str):
        # A path is no secret, and errors have to name it.
        module.no_log_values.discard(kubeconfig)
    elif kubeconfig is not None:
        module.no_log_values.update(_secrets_in(kubeconfig))
    return module


def git_module(argument_spec: dict[str, t.Any], **constraints: t.Any) -> AnsibleModule:
    """An AnsibleModule with the shared options of Git repositories beside its own."""
    return AnsibleModule(
        argument_spec={**GIT_OPTIONS, **argument_spec},
        supports_check_mode=True,
        **constraints,
    )


def signal_module(argument_spec: dict[str, t.Any], **constraints: t.Any) -> AnsibleModule:
    """An AnsibleModule that asks servers for signals; it has its options for itself."""
    return AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **constraints)


@contextlib.contextmanager
def reporting_errors(module: AnsibleModule) -> Iterator[None]:
    """Turn every error of the domain into ``fail_json``; the only way out for them."""
    try:
        yield
    except RecoveryError as error:
        module.fail_json(msg=error.message, **error.facts)


@contextlib.contextmanager
def connect(module: AnsibleModule, *, concurrency: int = 8) -> Iterator[Client]:
    """A client for the cluster that the module's connection options name."""
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

    client = Client(
        module.params,
        user_agent="oncall.recovery",
        connections=concurrency + CONNECTIONS_BESIDE_THE_PATCHES,
    )
    if not client.verifies_tls:
        module.warn(
            f"The certificate of {client.server} is not checked, so anyone on the way can read "
            "the credentials. Set ca_cert (in AWX: paste the certificate authority data into the "
            "credential) and validate_certs"
        )
    try:
        yield client
    finally:
        client.close()


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


def keep_values_out_of_logs(module: AnsibleModule) -> None:
    """Of the option ``changes``, hide values of Secrets, and nothing else, in all that is shown.

    The option as a whole is not logged; to hide all of it would hide names and numbers everywhere.
    """
    for option in module.params["changes"] or []:
        for shown in option.values():
            module.no_log_values -= set(_texts_in(shown))
    for option in module.params["changes"] or []:
        if option["kind"] == "Secret" and option["key"]:
            hidden = set(_texts_in(option["value"]))
            encoded = {base64.b64encode(text.encode()).decode() for text in hidden}
            module.no_log_values |= hidden | encoded


def require_at_least(options: dict[str, t.Any], **least: int) -> None:
    """Raise InvalidInput for an option that is a number below its least value."""
    for name, lowest in least.items():
        value = options[name]
        if value is not None and value < lowest:
            raise InvalidInput(name, f"is {value}", f"Use {lowest} or more")


def require_text(options: dict[str, t.Any], *names: str) -> None:
    """Raise InvalidInput for an option that is empty or has control characters."""
    for name in names:
        if not options[name].strip() or not options[name].isprintable():
            raise InvalidInput(name, f"is {options[name]!r}", "Use printable text")


def finish(
    module: AnsibleModule,
    result: dict[str, t.Any],
    failure: str = "",
    warnings: Iterable[str] = (),
) -> None:
    """Leave with the result; with ``failure`` as an error that has the result beside it."""
    for warning in warnings:
        module.warn(warning)
    if failure:
        module.fail_json(msg=failure, **result)
    module.exit_json(**result)


def _texts_in(value: t.Any) -> Iterator[str]:
    """All texts in plain data, with numbers as text, too: that is how Ansible hides them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts_in(key)
            yield from _texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts_in(inner)
    elif value is not None and value != "" and not isinstance(value, bool):
        yield str(value)


def _secrets_in(value: t.Any) -> Iterator[str]:
    """What must never be shown of a kubeconfig that was given as a dictionary."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in SECRET_KEYS_OF_KUBECONFIG and isinstance(inner, str) and inner:
                yield inner
            else:
                yield from _secrets_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _secrets_in(inner)
