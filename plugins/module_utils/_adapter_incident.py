# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AnsibleModule for modules that work on records of incidents: options and store.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._adapter_kube import (
    connect,
    kubernetes_module,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.folder import FolderStore
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    DNS_LABEL,
    require_name,
)
from ansible_collections.oncall.recovery.plugins.module_utils._options import (
    INCIDENT_STORE_OPTIONS,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible.module_utils.basic import AnsibleModule
    from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import Store


def incident_module(argument_spec: dict[str, t.Any], **constraints: t.Any) -> AnsibleModule:
    """An AnsibleModule with the options of the store and of the connection beside its own."""
    return kubernetes_module({**INCIDENT_STORE_OPTIONS, **argument_spec}, **constraints)


@contextlib.contextmanager
def open_store(module: AnsibleModule) -> Iterator[Store]:
    """The store that the module's options name; in check mode it writes nothing."""
    options = module.params
    if options["store"] == "folder":
        yield FolderStore(options["folder"], dry_run=module.check_mode)
        return
    from ansible_collections.oncall.recovery.plugins.module_utils._incident.config_map import (
        ConfigMapStore,
    )

    if options["namespace"] is not None:
        require_name("namespace", options["namespace"], DNS_LABEL)
    with connect(module) as client:
        namespace = options["namespace"] or client.default_namespace()
        yield ConfigMapStore(client, namespace, dry_run=module.check_mode)
