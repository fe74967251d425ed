# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mail: one plain text per stage; all of one incident belong to one thread.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.receiver import (
    Options,
    Receiver,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.trouble import (
    Undelivered,
    no_connection,
    words_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.words import (
    line,
    within,
)

if t.TYPE_CHECKING:
    import smtplib
    from email.message import EmailMessage

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.notice import (
        Notice,
    )

OPTIONS = Options(
    needs=("smtp_host", "from", "to"),
    takes=("smtp_port", "smtp_security", "smtp_username", "smtp_password", "ca_cert"),
)
LONGEST_ID_IN_A_SUBJECT = 60
SECONDS_TO_SAY_GOODBYE = 1


@dataclasses.dataclass(frozen=True)
class Mail:
    """A mail, and the server that takes it."""

    receiver: Receiver
    message: EmailMessage

    def shown(self) -> dict[str, t.Any]:
        """What a person may see of it."""
        return {
            "address": self.receiver.origin,
            "body": {
                "from": self.message["From"],
                "to": list(self.receiver.recipients),
                "subject": self.message["Subject"],
                "text": self.message.get_content(),
            },
        }

    def send(self, seconds: float) -> None:
        """Hand it to the server; each step may take so many seconds. Raises Undelivered."""
        import smtplib

        try:
            with self._connected(seconds) as server:
                if self.receiver.smtp_username:
                    server.login(self.receiver.smtp_username, self.receiver.smtp_password)
                refused = server.send_message(self.message)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = max(error.recipients.values())
            raise self._refused(f"refused all recipients with {code}", code, said) from None
        except smtplib.SMTPAuthenticationError as error:
            raise self._refused(
                "refused the login", error.smtp_code, error.smtp_error, "Check the password"
            ) from None
        except smtplib.SMTPResponseException as error:
            code = error.smtp_code
            raise self._refused(f"answered {code}", code, error.smtp_error) from None
        except smtplib.SMTPServerDisconnected as error:
            words = words_of(self.receiver, str(error))
            raise Undelivered(words, "See the log of the server", is_transient=True) from None
        except smtplib.SMTPException as error:
            raise self._refused(
                "the server lacks something", 500, str(error), "Check smtp_security and the login"
            ) from None
        except (OSError, UnicodeError) as error:
            raise no_connection(self.receiver, error, seconds) from None
        if refused:
            raise Undelivered(
                f"{', '.join(sorted(refused))} was refused, the others have it",
                "Correct the recipients",
            )

    @contextlib.contextmanager
    def _connected(self, seconds: float) -> t.Iterator[smtplib.SMTP]:
        import smtplib

        host, port = self.receiver.smtp_host, self.receiver.smtp_port
        if self.receiver.smtp_security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, timeout=seconds, context=self.receiver.trust()
            )
        else:
            server = smtplib.SMTP(host, port, timeout=seconds)
        try:
            if self.receiver.smtp_security == "starttls":
                server.starttls(context=self.receiver.trust())
            yield server
            # It has the mail; whether it says goodbye does not matter.
            with contextlib.suppress(OSError):
                if server.sock:
                    server.sock.settimeout(SECONDS_TO_SAY_GOODBYE)
                server.quit()
        finally:
            server.close()

    def _refused(self, why: str, code: int, said: bytes | str, next_step: str = "") -> Undelivered:
        words = words_of(self.receiver, said)
        # 4xx is what passes (https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1).
        return Undelivered(
            f"{why} ({words})" if words else why,
            next_step or "Correct this receiver by what the server says",
            is_transient=400 <= code < 500,
        )


def message(receiver: Receiver, notice: Notice) -> Mail:
    """The mail about a stage."""
    import email.message
    import email.policy
    import email.utils

    domain = receiver.sender.rpartition("@")[2]
    thread = hashlib.sha256(notice.incident.encode()).hexdigest()[:32]
    made = email.message.EmailMessage(policy=email.policy.SMTP)
    made["From"] = receiver.sender
    made["To"] = ", ".join(receiver.recipients)
    identity = within(line(notice.incident, LONGEST_ID_IN_A_SUBJECT), LONGEST_ID_IN_A_SUBJECT)
    made["Subject"] = f"[{identity}] {notice.headline}"
    made["Date"] = email.utils.localtime()
    # Given once, so that an attempt that is repeated is the same mail.
    made["Message-ID"] = email.utils.make_msgid(domain=domain)
    made["References"] = f"<incident.{thread}@{domain}>"
    # Keeps notes of absence from coming back (https://www.rfc-editor.org/rfc/rfc3834).
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(f"{notice.headline}\n\n{notice.body}\n")
    return Mail(receiver, made)
