# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception that leaves the domain, and the reasons it can carry.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t


class RecoveryError(Exception):
    """Something that a person has to know: which object, what is wrong, what to do next.

    ``subject`` is the object as a person would name it (``Deployment shop/web``), ``cause``
    a sentence without a final full stop, ``next_step`` an imperative sentence or nothing.
    ``facts`` are plain data that go into the module's result beside the message.
    """

    def __init__(self, subject: str, cause: str, next_step: str = "", **facts: t.Any) -> None:
        self.subject = subject
        self.cause = cause
        self.next_step = next_step
        self.facts = facts
        super().__init__(self.message)

    @property
    def message(self) -> str:
        sentence = f"{self.subject}: {self.cause}"
        return f"{sentence}. {self.next_step}" if self.next_step else sentence


class InvalidInput(RecoveryError):
    """The caller asked for something that makes no sense; nothing was sent anywhere."""


class MissingLibrary(RecoveryError):
    """A Python library that the collection requires is not installed."""
