# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jinja, which comes with Ansible, set up for documents.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import MissingLibrary


def environment(*, escape: bool) -> t.Any:
    """An environment of Jinja; ``escape`` makes every text safe for HTML.

    Templates are ours alone: what others wrote only ever is a value in one. Raises MissingLibrary.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise MissingLibrary(
            "Python package jinja2",
            f"cannot be imported ({error})",
            "Run this on the controller, where Ansible brings it (delegate_to: localhost)",
        ) from error

    return Environment(
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
