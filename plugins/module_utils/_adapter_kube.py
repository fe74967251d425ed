# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AnsibleModule for modules that talk to a cluster: options and client.

A file of its own, because Ansible sends with every task whatever its imports may reach.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import base64
import contextlib
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oncall.recovery.plugins.module_utils._options import CONNECTION_OPTIONS

if t.TYPE_CHECKING:
    from collections.abc import Iterator

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
