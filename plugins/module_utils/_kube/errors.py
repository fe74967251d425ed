# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong between us and the API server.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import ssl
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

NEXT_STEPS = {
    401: "Check the token or certificate that the connection options name",
    403: "Give the account that verb, for example with the Roles in the collection's RBAC guide",
}


class ApiError(RecoveryError):
    """The API server answered, and the answer was no.

    ``status`` is the HTTP status, ``reason`` the machine-readable word of the server's
    ``Status`` object (``Forbidden``, ``NotFound``, ``Invalid``, ...), the cause its message.
    """

    def __init__(self, subject: str, status: int, reason: str, server_message: str) -> None:
        self.status = status
        self.reason = reason
        self.server_message = server_message
        super().__init__(
            subject,
            f"the API server answered {status} {reason}: {server_message}",
            NEXT_STEPS.get(status, ""),
            status=status,
            reason=reason,
        )

    @classmethod
    def from_response(cls, subject: str, status: int, body: t.Any) -> ApiError:
        """``body`` is the decoded ``Status`` object, or text where the answer was not JSON."""
        if isinstance(body, dict):
            message = body.get("message") or "no message"
            return cls(subject, status, body.get("reason") or "", message)
        return cls(subject, status, "", str(body)[:300].strip() or "no message")

    @property
    def is_not_found(self) -> bool:
        return self.status == 404

    @property
    def is_passing(self) -> bool:
        """True for an answer that may be another one if asked again: overload, server trouble."""
        return self.status == 429 or self.status >= 500

    @property
    def is_refused_patch(self) -> bool:
        """True where a JSON patch's ``test`` may have failed.

        The API server answers 422 for that, as it does for a change that validation refuses
        (seen on 1.20.2); only a fresh read tells the two apart.
        """
        return self.status in (409, 422)


class Unreachable(RecoveryError):
    """No connection could be made, so the request never reached the API server."""


class Unanswered(RecoveryError):
    """The request went out and no whole answer came back: it may or may not have been done."""


def is_passing(error: RecoveryError) -> bool:
    """True for trouble on the wire or inside of the server, which may be over at the next try."""
    if isinstance(error, ApiError):
        return error.is_passing
    return isinstance(error, Unreachable | Unanswered)


def may_have_been_done(error: RecoveryError) -> bool:
    """True for a lost answer, and for one that speaks of trouble inside of the server."""
    return isinstance(error, Unanswered) or (isinstance(error, ApiError) and error.status >= 500)


def connection_error(
    subject: str, server: str, error: Exception, method: str
) -> Unreachable | Unanswered:
    """What an exception of urllib3 means for a request of this ``method`` to ``server``."""
    import urllib3

    cause = getattr(error, "reason", None) or error
    never_sent = (
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ConnectTimeoutError,
        urllib3.exceptions.ProxyError,
        urllib3.exceptions.LocationValueError,
    )
    is_never_sent = isinstance(cause, never_sent)
    if isinstance(cause, urllib3.exceptions.SSLError):
        # Certificates are checked first; other trouble with TLS may come after a change was sent.
        is_never_sent = method == "GET" or _is_about_certificate(cause)
    detail = _plain_words(cause)
    if is_never_sent:
        return Unreachable(
            subject,
            f"no connection to the API server {server} ({detail})",
            "Check the address, the network and the certificates, then run again",
        )
    return Unanswered(
        subject,
        f"the API server {server} gave no whole answer ({detail})",
        "Look at the object before you run again",
    )


def _is_about_certificate(error: Exception) -> bool:
    from urllib3.util.ssl_match_hostname import CertificateError

    kinds = (ssl.SSLCertVerificationError, CertificateError)
    return isinstance(error.args[0] if error.args else None, kinds)


def _plain_words(error: BaseException) -> str:
    """The last part of urllib3's nested messages: what a person wants to know."""
    if len(error.args) == 2 and isinstance(error.args[1], Exception):
        error = error.args[1]
    text = " ".join(str(error).split()) or type(error).__name__
    return text.rsplit(": ", 1)[-1] if "object at 0x" in text else text
