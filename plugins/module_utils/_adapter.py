# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways out of every module: result or error, never a traceback.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator


def plain_module(argument_spec: dict[str, t.Any], **constraints: t.Any) -> AnsibleModule:
    """An AnsibleModule with no options but its own."""
    return AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **constraints)


@contextlib.contextmanager
def reporting_errors(module: AnsibleModule) -> Iterator[None]:
    """Turn every error of the domain into ``fail_json``; the only way out for them."""
    try:
        yield
    except RecoveryError as error:
        module.fail_json(msg=error.message, **error.facts)


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


def keep_out_of_results(module: AnsibleModule, *secrets: Collection[str]) -> None:
    """Hide these, too, in all that the module tells, warnings and errors included."""
    for some in secrets:
        module.no_log_values |= set(some)


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
