# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking a server on the web for JSON, inside a time limit.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import base64
import dataclasses
import ipaddress
import json
import time
import typing as t
import urllib.parse
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._redact import MASK
from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import NoAnswer

if t.TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping, Sequence

MOST_BYTES = 8 * 1024 * 1024
BYTES_AT_ONCE = 64 * 1024
MOST_CHARACTERS_OF_AN_ANSWER = 300
FILES = ("ca_cert", "client_cert", "client_key")
TEXTS = ("url", "username", "password", "token", *FILES)


@dataclasses.dataclass(frozen=True)
class Reply:
    """The HTTP status code, and the JSON that came with it."""

    status: int
    content: t.Any


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """A server, and how to log in there: with a user name and password, or with a token.

    ``url`` may have a path, below which the server lies, or be a whole address. ``ca_cert``,
    ``client_cert`` and ``client_key`` are paths of files; the certificate may hold the key, too.
    """

    url: str
    username: str = ""
    password: str = ""
    token: str = ""
    ca_cert: str = ""
    client_cert: str = ""
    client_key: str = ""
    validate_certs: bool = True

    @classmethod
    def from_options(
        cls, name: str, options: Mapping[str, t.Any], *, is_whole: bool = False
    ) -> Endpoint:
        """The endpoint that the option ``name`` describes.

        :param is_whole: the address is whole, so that it may have parameters.

        Raises InvalidInput where it is none that can be asked, and shows no secret in it.
        """
        given = {text: options.get(text) or "" for text in TEXTS}
        for text, value in given.items():
            if not value.isprintable():
                raise InvalidInput(f"{name}.{text}", "has control characters in it", "Remove them")
        _require_web_address(f"{name}.url", given["url"], is_whole)
        for file in FILES:
            if given[file] and not Path(given[file]).is_file():
                raise InvalidInput(
                    f"{name}.{file}", f"there is no file {given[file]}", "Correct the path"
                )
        return cls(**given, validate_certs=options.get("validate_certs") is not False)

    @property
    def shown_url(self) -> str:
        """The address without its parameters, which may hold a key."""
        return self.url.partition("?")[0]

    @property
    def secrets(self) -> frozenset[str]:
        """What must not be shown: the password and the token, as they are and as they are sent."""
        basic = self._basic if self.username else ""
        parameters = self.url.partition("?")[2]
        return frozenset(filter(None, (self.password, self.token, basic, parameters)))

    def without_secrets(self, text: str) -> str:
        """A server's words, in which it may repeat what it was sent."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, MASK)
        return text

    def warnings(self) -> list[str]:
        """What a person should know about this way of asking."""
        parsed = urllib.parse.urlsplit(self.url)
        told = []
        if (self.token or self.password) and parsed.scheme == "http" and not _is_loopback(parsed):
            told.append(
                f"The credentials for {self.shown_url} are sent over plain HTTP, so anyone on the "
                "way can read them. Use HTTPS"
            )
        if parsed.scheme == "https" and not self.validate_certs:
            told.append(
                f"The certificate of {self.shown_url} is not checked, so anyone on the way can "
                "answer in its place. Set ca_cert and validate_certs"
            )
        return told

    def get(
        self, path: str, parameters: Mapping[str, str | Sequence[str]], seconds: float
    ) -> Reply:
        """What the server answers to a GET, whatever its status code, if it is JSON.

        :param path: below ``url``, with a slash before it; without one, ``url`` is asked as it is.
        :param parameters: a list is sent as one parameter for each entry.
        :param seconds: time limit, which all of the answer has to keep.

        Raises NoAnswer, which says why.
        """
        import http.client
        import urllib.error
        import urllib.request

        address = self.url
        if path:
            query = urllib.parse.urlencode(parameters, doseq=True)
            address = f"{self.url.rstrip('/')}{path}?{query}"
        request = urllib.request.Request(address, headers=self._headers())
        # A redirect would carry the credentials to wherever it points.
        opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=self._trust()),
        ):
            opener.add_handler(handler)
        deadline = time.monotonic() + seconds
        try:
            with opener.open(request, timeout=seconds) as answer:
                status, body = answer.status, _read(answer, deadline)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                raise self._no_answer(f"did not answer within {round(seconds, 1):g} s") from None
            raise self._no_answer(f"did not answer ({reason or type(error).__name__})") from None
        if 300 <= status < 400:
            raise self._no_answer(f"answered {status}, and redirects are not followed")
        try:
            return Reply(status, json.loads(body))
        except (ValueError, RecursionError):
            raise self._no_answer(
                f"answered {status}, and no JSON: {self._start_of(body)}"
            ) from None

    def _start_of(self, body: bytes) -> str:
        """The first words, of which no secret is left half by the cut."""
        said = self.without_secrets(body[:BYTES_AT_ONCE].decode("utf-8", "replace"))
        return " ".join(said[:MOST_CHARACTERS_OF_AN_ANSWER].split())

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "oncall.recovery"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        elif self.username:
            headers["Authorization"] = f"Basic {self._basic}"
        return headers

    @property
    def _basic(self) -> str:
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def _trust(self) -> ssl.SSLContext:
        import ssl

        try:
            context = ssl.create_default_context(cafile=self.ca_cert or None)
            if not self.validate_certs:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if self.client_cert:
                context.load_cert_chain(self.client_cert, self.client_key or None)
        except OSError as error:
            raise InvalidInput(
                self.shown_url,
                f"the certificates for it cannot be loaded ({error})",
                "Give files in PEM format",
            ) from None
        return context

    def _no_answer(self, cause: str) -> NoAnswer:
        told = self.without_secrets(cause)
        return NoAnswer(self.shown_url, told, "Check the address and the credentials")


def _read(answer: t.Any, deadline: float) -> bytes:
    """All of the body.

    Raises TimeoutError for one that trickles, OSError for one that is too large or not whole.
    """
    body = bytearray()
    while block := answer.read1(BYTES_AT_ONCE):
        body += block
        if len(body) > MOST_BYTES:
            raise OSError(f"an answer of more than {MOST_BYTES} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError
    # Reading in parts does not say that a part is missing.
    if answer.length:
        raise OSError("the answer breaks off in the middle")
    return bytes(body)


def _require_web_address(name: str, url: str, is_whole: bool) -> None:
    if not url:
        raise InvalidInput(name, "is missing", "Set it, or the environment variable for it")
    if "@" in url.partition("?")[0]:
        raise InvalidInput(
            name, "has a user name or password in it", "Give them in username and password"
        )
    try:
        parsed = urllib.parse.urlsplit(url)
        # Reading the port is what checks it.
        is_complete = parsed.scheme in ("http", "https") and parsed.hostname and parsed.port != 0
    except ValueError:
        is_complete = False
    if not is_complete or ("?" in url and not is_whole) or "#" in url or " " in url:
        shown = url.partition("?")[0]
        raise InvalidInput(
            name, f"is {shown!r}, which is no address to ask", "Write it like http://127.0.0.1:9090"
        )


def _is_loopback(parsed: urllib.parse.SplitResult) -> bool:
    host = parsed.hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
