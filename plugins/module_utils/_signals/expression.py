# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JMESPath expressions.

The language is that of https://jmespath.org/specification.html.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    MissingLibrary,
)


class Unanswerable(Exception):
    """An expression that makes no sense for the data that it was applied to."""


class Expression:
    """An expression that was read once, and is applied to any number of data."""

    def __init__(self, option: str, text: str) -> None:
        """Raises InvalidInput, which names the option, for what is no expression."""
        try:
            import jmespath
            import jmespath.exceptions
        except ImportError:
            raise MissingLibrary(
                "jmespath",
                f"is not installed where the module runs, and {option} needs it",
                "Install it: pip install jmespath",
            ) from None
        # The two have no base in common: an expression that is empty is a ValueError too.
        self._errors = (jmespath.exceptions.JMESPathError, ValueError, TypeError, RecursionError)
        try:
            self._compiled = jmespath.compile(text)
        except self._errors as error:
            raise InvalidInput(
                option, f"{text!r} is no JMESPath expression ({_one_line(error)})", "Correct it"
            ) from None

    def of(self, data: t.Any) -> t.Any:
        """What it gives for plain data; raises Unanswerable."""
        try:
            return self._compiled.search(data)
        except self._errors as error:
            raise Unanswerable(_one_line(error)) from None


def _one_line(error: Exception) -> str:
    """The error's first line; those after it draw an arrow below the expression."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(": ") if lines else type(error).__name__
