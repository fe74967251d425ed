# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AnsibleModule for modules that work with backups of PostgreSQL: options and programs.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oncall.recovery.plugins.module_utils._options import (
    BACKUP_SOURCES_OPTIONS,
    POSTGRESQL_OPTIONS,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools


def postgresql_module(argument_spec: dict[str, t.Any], **constraints: t.Any) -> AnsibleModule:
    """An AnsibleModule with the options of servers and of backups beside its own."""
    return AnsibleModule(
        argument_spec={**POSTGRESQL_OPTIONS, **BACKUP_SOURCES_OPTIONS, **argument_spec},
        supports_check_mode=True,
        **constraints,
    )


def tools_of(module: AnsibleModule) -> Tools:
    """PostgreSQL's programs as the options say; their password is in no result."""
    from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools

    tools = Tools.from_options(module.params)
    module.no_log_values.update(tools.secrets)
    return tools
