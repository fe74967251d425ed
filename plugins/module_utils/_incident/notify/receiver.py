# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receivers: who is told, of what, and how to get there. Checked before anybody is told anything.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import base64
import dataclasses
import ipaddress
import re
import typing as t
import urllib.parse
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._redact import MASK

if t.TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping

# Each can also be in a file, whose option has the same name with "_file" behind it.
SECRETS = ("url", "routing_key", "api_key", "token", "smtp_password")
TYPES_WITH_A_KEY_IN_THE_URL = ("slack", "webhook")
SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}
LONGEST_NAME = 100
LONGEST_SECRET = 4096
# Shorter parts of an address, such as "services", are no secrets by themselves.
SHORTEST_KEY_IN_A_PATH = 16
# Printable characters that need no quotes, so that nothing can be smuggled into a header.
_MAIL_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")


@dataclasses.dataclass(frozen=True)
class Options:
    """Those of one type of receivers: what it cannot do without, and what it can have beside.

    ``url`` is where the service is unless the receiver says otherwise, or "".
    """

    needs: tuple[str, ...]
    takes: tuple[str, ...]
    url: str = ""


@dataclasses.dataclass(frozen=True)
class Receiver:
    """Somebody to be told. What does not concern its ``type`` is empty.

    ``stages`` are those that it wants. ``sender`` and ``recipients`` are addresses of mail.
    """

    name: str
    type: str
    stages: frozenset[str]
    url: str = ""
    routing_key: str = ""
    api_key: str = ""
    token: str = ""
    ca_cert: str = ""
    smtp_host: str = ""
    smtp_port: int = 0
    smtp_security: str = ""
    smtp_username: str = ""
    smtp_password: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """Where it is, without what may be a key in the address."""
        if self.type == "mail":
            return f"smtp://{self.smtp_host}:{self.smtp_port}"
        parsed = urllib.parse.urlsplit(self.url)
        return f"{parsed.scheme}://{parsed.netloc}"

    @property
    def secrets(self) -> frozenset[str]:
        """What must not be shown, as it is and as it is sent."""
        parsed = urllib.parse.urlsplit(self.url)
        keys = (part for part in parsed.path.split("/") if len(part) >= SHORTEST_KEY_IN_A_PATH)
        login = f"\0{self.smtp_username}\0{self.smtp_password}"
        encoded = [_base64(self.smtp_password), _base64(login)] if self.smtp_password else []
        own = [getattr(self, name) for name in SECRETS if name != "url"]
        if self.type in TYPES_WITH_A_KEY_IN_THE_URL:
            own.append(self.url)
        return frozenset(filter(None, (*own, *keys, parsed.query, *encoded)))

    def without_secrets(self, text: str) -> str:
        """A server's words, in which it may repeat what it was sent."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, MASK)
        return text

    def trust(self) -> ssl.SSLContext:
        """Whose certificates count: those of the system, or of ``ca_cert``. Raises InvalidInput."""
        import ssl

        try:
            return ssl.create_default_context(cafile=self.ca_cert or None)
        except OSError as error:
            raise InvalidInput(
                f"receiver {self.name}: ca_cert",
                f"{self.ca_cert} cannot be loaded ({error.strerror or error})",
                "Give a file of certificates in PEM format",
            ) from None

    @property
    def warnings(self) -> list[str]:
        """What a person should know about this way of telling."""
        is_plain = self.url.startswith("http:") or (
            self.smtp_security == "none" and bool(self.smtp_password)
        )
        if not is_plain or _is_loopback(self.smtp_host or urllib.parse.urlsplit(self.url).hostname):
            return []
        return [
            f"receiver {self.name}: what is sent to {self.origin}, credentials included, can be "
            "read by anyone on the way. Use TLS"
        ]


def receiver_from(options: Mapping[str, t.Any], known: Options, stages: Iterable[str]) -> Receiver:
    """The receiver that one entry of the option ``receivers`` describes.

    :param known: the options that its type has.
    :param stages: all that there are.

    Raises InvalidInput, which names what is wrong and shows no secret.
    """
    name = options["name"]
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise InvalidInput("receivers", f"a name is {name[:LONGEST_NAME]!r}", "Use printable text")
    subject = f"receiver {name}"
    given = {
        option: value
        for option, value in options.items()
        if value not in (None, "", []) and option not in ("name", "type", "stages")
    }
    usable = (*known.needs, *known.takes)
    for option in sorted({option.removesuffix("_file") for option in given} - {*usable}):
        raise InvalidInput(
            subject,
            f"{option} is nothing that {options['type']} has",
            f"Use {', '.join(usable)}",
        )
    for secret in SECRETS:
        if f"{secret}_file" in given:
            if secret in given:
                raise InvalidInput(
                    subject, f"{secret} and {secret}_file exclude each other", "Give one of them"
                )
            file = given.pop(f"{secret}_file")
            given[secret] = _secret_in(f"{subject}: {secret}_file", file)
    for option in known.needs:
        if option not in given:
            also = f" or {option}_file" if option in SECRETS else ""
            raise InvalidInput(subject, f"{option} is missing", f"Set {option}{also}")
    _check(subject, given)
    if options["type"] == "mail":
        given.setdefault("smtp_port", SMTP_PORTS[given.setdefault("smtp_security", "starttls")])
    elif known.url:
        given.setdefault("url", known.url)
    receiver = Receiver(
        name=name,
        type=options["type"],
        stages=frozenset(stages if options.get("stages") is None else options["stages"]),
        sender=given.pop("from", ""),
        recipients=tuple(given.pop("to", ())),
        **given,
    )
    if receiver.ca_cert:
        # Loads it, to say now what would be wrong with it.
        receiver.trust()
    return receiver


def _secret_in(subject: str, file: str) -> str:
    """The one line in a file, without what surrounds it."""
    try:
        with Path(file).open(encoding="utf-8") as opened:
            secret = opened.read(LONGEST_SECRET + 1).strip()
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or "it is no text"
        raise InvalidInput(subject, f"{file} cannot be read ({told})", "Correct it") from None
    if not secret:
        raise InvalidInput(subject, f"{file} is empty", "Put the secret into it")
    return secret


def _check(subject: str, given: Mapping[str, t.Any]) -> None:
    for option in (*SECRETS, "smtp_username"):
        value = given.get(option, "")
        is_sendable = value.isprintable() and value.isascii() and len(value) <= LONGEST_SECRET
        if not is_sendable or (" " in value and option == "url"):
            raise InvalidInput(
                f"{subject}: {option}",
                "has characters in it that cannot be sent, or is too long",
                "Give one line of ASCII characters",
            )
    if "url" in given:
        _require_web_address(f"{subject}: url", given["url"])
    for address in filter(None, (given.get("from"), *given.get("to", ()))):
        if not _MAIL_ADDRESS.fullmatch(address):
            raise InvalidInput(
                subject, f"{address!r} is no address of mail", "Write it like oncall@shop.example"
            )
    if "smtp_host" in given and not _HOST.fullmatch(given["smtp_host"]):
        raise InvalidInput(
            f"{subject}: smtp_host", f"is {given['smtp_host']!r}", "Give a name or an IP address"
        )
    if not 0 < given.get("smtp_port", 1) < 65536:
        raise InvalidInput(f"{subject}: smtp_port", f"is {given['smtp_port']}", "Use 1 to 65535")
    if ("smtp_username" in given) != ("smtp_password" in given):
        raise InvalidInput(
            subject, "only one of smtp_username and smtp_password is given", "Give both or none"
        )


def _require_web_address(name: str, url: str) -> None:
    """The address itself is not shown: it may be a secret as a whole."""
    try:
        parsed = urllib.parse.urlsplit(url)
        # Reading the port is what checks it.
        is_complete = parsed.scheme in ("http", "https") and parsed.hostname and parsed.port != 0
    except ValueError:
        is_complete = False
    if not is_complete or "#" in url:
        raise InvalidInput(name, "is no address of the web", "Write it like https://host/path")
    if "@" in parsed.netloc:
        raise InvalidInput(name, "has a user name or password in it", "Leave it out; use token")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
