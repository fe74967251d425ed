# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why somebody could not be told.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.words import line

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.receiver import (
        Receiver,
    )

LONGEST_WORDS = 200


class Undelivered(Exception):
    """One attempt to tell a receiver has failed.

    ``why`` is a sentence without a final full stop and without secrets, ``next_step`` one for
    people. ``is_transient`` says whether another attempt makes sense, and ``wait`` after how many
    seconds the service asks for it.
    """

    def __init__(
        self, why: str, next_step: str, *, is_transient: bool = False, wait: float | None = None
    ) -> None:
        super().__init__(why)
        self.why = why
        self.next_step = next_step
        self.is_transient = is_transient
        self.wait = wait

    def after(self, attempts: int) -> Undelivered:
        """The same, which also says how often it was tried."""
        if attempts > 1:
            self.why += f", after {attempts} attempts"
        return self


def words_of(receiver: Receiver, said: bytes | str) -> str:
    """The first words of a server's, in which it may repeat what it was sent."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return line(receiver.without_secrets(text), LONGEST_WORDS)


def no_connection(receiver: Receiver, error: OSError | UnicodeError, seconds: float) -> Undelivered:
    """What an error of the connection means; ``seconds`` was the time limit of the attempt.

    A UnicodeError comes of a host whose name is none that can be looked up.
    """
    import ssl

    # Of urllib's errors it is another error, of those of TLS a word.
    cause = getattr(error, "reason", None)
    reason = cause if isinstance(cause, Exception) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return Undelivered(
            f"its certificate is not trusted ({reason.verify_message})",
            "Give the authority that signed it in ca_cert, or correct the address",
        )
    if isinstance(reason, TimeoutError):
        return Undelivered(
            f"did not answer within {round(seconds, 1):g} s",
            "See whether the service is up; the message may have arrived",
            is_transient=True,
        )
    told = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return Undelivered(
        f"no connection ({words_of(receiver, told)})",
        "See whether the service is up, and whether a firewall or a proxy is in the way",
        is_transient=True,
    )
