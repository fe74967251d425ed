# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The callback talks to the same cluster as the run that it tells of."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.callback.incident_timeline import connection_from
from ansible_collections.oncall.recovery.plugins.module_utils._options import CONNECTION_OPTIONS


@pytest.mark.parametrize(
    ("variables", "environment", "expected"),
    [
        ({}, {}, {}),
        ({}, {"K8S_AUTH_KUBECONFIG": "/a"}, {"kubeconfig": "/a"}),
        ({"recovery_kubeconfig": "/b"}, {"K8S_AUTH_KUBECONFIG": "/a"}, {"kubeconfig": "/b"}),
        ({}, {"K8S_AUTH_VERIFY_SSL": "no"}, {"validate_certs": False}),
        ({"recovery_validate_certs": True}, {}, {"validate_certs": True}),
        ({"recovery_validate_certs": "false"}, {}, {"validate_certs": False}),
        ({}, {"K8S_AUTH_KUBECONFIG": ""}, {}),
        ({"recovery_host": "h", "recovery_api_key": "k"}, {}, {"host": "h", "api_key": "k"}),
    ],
    ids=[
        *("nothing", "environment", "variable first", "as AWX sets it", "switch", "word"),
        *("empty", "token"),
    ],
)
def test_connection_is_that_of_the_modules(
    variables: dict[str, t.Any], environment: dict[str, str], expected: dict[str, t.Any]
) -> None:
    options = connection_from(variables, environment)
    assert set(options) == set(CONNECTION_OPTIONS)
    assert {name: value for name, value in options.items() if value is not None} == expected
