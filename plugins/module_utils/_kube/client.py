# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON over a pool of kept-alive connections, to paths that are known beforehand.

No typed models and no dynamic client: recovery needs a dozen kinds whose paths are stable, and
the typed API alone costs half a second per process.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import datetime
import json
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

from ansible_collections.oncall.recovery.plugins.module_utils._kube.channel import (
    open_websocket,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.credentials import (
    connection_pool,
    load_configuration,
    namespace_of_context,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unanswered,
    Unreachable,
    connection_error,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.headers import (
    fixed_headers,
    request_headers,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.retry import retry_policy

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
JSON = "application/json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

# A server that has never answered is given up sooner than one that went away while we worked.
SECONDS_TO_FIRST_ANSWER = 10.0
SECONDS_OF_RETRIES = 30.0
# With hundreds of workloads, each of them would wait in vain for a server that is gone.
SECONDS_ONCE_GIVEN_UP = 1.0
CONNECT_TIMEOUT_SECONDS = 5.0
READ_TIMEOUT_SECONDS = 15.0
SHORTEST_READ_TIMEOUT_SECONDS = 3.0
# The API server sends a bookmark about once a minute; longer silence is a dead connection.
WATCH_SILENCE_SECONDS = 90.0
OBJECTS_PER_PAGE = 500

Item = t.TypeVar("Item")
Result = t.TypeVar("Result")


class Client:
    """One API server, as seen with one set of credentials. Safe to use from several threads.

    Every method takes paths and plain data and returns decoded JSON. Raises ApiError for an
    answer that is an error, Unreachable where no connection could be made, and Unanswered where
    a request went out and no whole answer came back.
    """

    def __init__(self, options: Mapping[str, t.Any], *, user_agent: str, connections: int) -> None:
        """``options`` are the connection options by name; ``connections`` bounds the pool."""
        self._options = options
        self._configuration = load_configuration(options)
        self._headers = fixed_headers(options, self._configuration, user_agent)
        self._pool = connection_pool(self._configuration, connections)
        self._connections = connections
        self._has_answered = False
        self._is_given_up = False
        self._versions: dict[str, str] = {}
        self._clock_offset = datetime.timedelta()
        self.server = str(self._configuration.host)

    @property
    def verifies_tls(self) -> bool:
        """False where the connection is HTTPS and the server's certificate is not checked."""
        return bool(self._configuration.verify_ssl) or not self.server.startswith("https")

    def default_namespace(self) -> str:
        return namespace_of_context(self._options, self._configuration)

    def close(self) -> None:
        self._pool.clear()

    def get(self, path: str, *, subject: str) -> dict[str, t.Any]:
        """Read one object. ``subject`` is how errors name it, as in all methods below."""
        return self._request("GET", path, subject=subject)

    def get_text(
        self, path: str, *, subject: str, query: Mapping[str, t.Any], patience: float
    ) -> str:
        """Read what is no JSON, such as a log; what is no UTF-8 in it is replaced."""
        response = self._send("GET", path, subject=subject, query=query, patience=patience)
        if response.status >= 400:
            raise ApiError.from_response(subject, response.status, _decode(response.data))
        return str(response.data.decode("utf-8", "replace"))

    def open_channel(
        self, path: str, *, subject: str, query: Sequence[tuple[str, str]], seconds: float
    ) -> t.Any:
        """A websocket to what streams both ways, such as a command in a container."""
        headers = request_headers(self._headers, self._configuration, JSON)
        url = f"{self.server}{path}?{urlencode(query)}"
        return open_websocket(self._configuration, headers, url, subject, seconds)

    def list_objects(
        self,
        path: str,
        *,
        subject: str,
        label_selector: str = "",
        field_selector: str = "",
        accept: str = JSON,
        patience: float | None = None,
    ) -> tuple[list[dict[str, t.Any]], str]:
        """Read a list in pages; return its items and the resourceVersion to watch from.

        ``patience`` is for how many seconds at most it is tried again where there is trouble; a
        single answer is waited for little longer than that.
        """
        query: dict[str, t.Any] = {"limit": OBJECTS_PER_PAGE}
        if label_selector:
            query["labelSelector"] = label_selector
        if field_selector:
            query["fieldSelector"] = field_selector
        items: list[dict[str, t.Any]] = []
        while True:
            try:
                page = self._request(
                    "GET", path, subject=subject, query=query, accept=accept, patience=patience
                )
            except ApiError as error:
                # 410: the snapshot behind a later page has expired, so read the list anew, whole.
                if error.status != 410 or "continue" not in query:
                    raise
                items = []
                query = {k: v for k, v in query.items() if k not in ("limit", "continue")}
                continue
            items.extend(page.get("items") or [])
            token = page["metadata"].get("continue")
            if not token:
                return items, str(page["metadata"].get("resourceVersion", ""))
            query["continue"] = token

    def patch(
        self,
        path: str,
        patch: t.Any,
        *,
        subject: str,
        content_type: str = JSON_PATCH,
        dry_run: bool = False,
        is_repeatable: bool = False,
    ) -> dict[str, t.Any]:
        """Send a patch, or have the server only try it (``dry_run``: nothing is stored).

        ``is_repeatable`` is for a patch that comes to the same if it is done twice: it is sent
        again after trouble, as reading is.
        """
        query = {"dryRun": "All"} if dry_run else {}
        return self._request(
            "PATCH",
            path,
            subject=subject,
            query=query,
            body=patch,
            content_type=content_type,
            is_repeatable=is_repeatable or dry_run,
        )

    def post(
        self,
        path: str,
        body: t.Any,
        *,
        subject: str,
        dry_run: bool = False,
        patience: float | None = None,
    ) -> dict[str, t.Any]:
        """Create an object in the collection ``path``; ``dry_run`` stores nothing.

        ``patience`` 0 passes a 429 on at once, where it is an answer and no sign of load.
        """
        query = {"dryRun": "All"} if dry_run else {}
        return self._request(
            "POST", path, subject=subject, query=query, body=body, patience=patience
        )

    def put(
        self, path: str, body: t.Any, *, subject: str, dry_run: bool = False
    ) -> dict[str, t.Any]:
        """Replace an object; refused (409) where its resourceVersion is not that of ``body``."""
        query = {"dryRun": "All"} if dry_run else {}
        return self._request("PUT", path, subject=subject, query=query, body=body)

    def served_version(self, group: str) -> str:
        """The version that the server prefers of an API group; asked once.

        Raises ApiError with status 404 where it serves none.
        """
        if group not in self._versions:
            found = self.get(f"/apis/{group}", subject=f"API group {group}")
            self._versions[group] = str(found["preferredVersion"]["version"])
        return self._versions[group]

    def now(self) -> datetime.datetime:
        """The time in UTC by the API server's clock, to a second, as its last answer told it.

        All who take locks through one server agree on it, whatever their own clocks say.
        """
        return datetime.datetime.now(datetime.timezone.utc) + self._clock_offset

    def watch(
        self,
        path: str,
        *,
        subject: str,
        resource_version: str,
        seconds: float,
        label_selector: str = "",
        field_selector: str = "",
    ) -> Iterator[tuple[str, dict[str, t.Any]]]:
        """Yield (type, object) of one watch until the server ends it, ``seconds`` at most.

        Types are ADDED, MODIFIED and DELETED; bookmarks are yielded, too, as BOOKMARK. Raises
        ApiError with status 410 where ``resource_version`` is too old, and Unanswered where the
        connection broke: the caller lists again.
        """
        query = {
            "watch": "true",
            "resourceVersion": resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": max(1, int(seconds)),
        }
        if label_selector:
            query["labelSelector"] = label_selector
        if field_selector:
            query["fieldSelector"] = field_selector
        response = self._send(
            "GET",
            path,
            query=query,
            subject=subject,
            patience=seconds,
            stream_seconds=WATCH_SILENCE_SECONDS,
        )
        try:
            for line in self._lines(response, subject):
                event = _decode(line)
                if not isinstance(event, dict):
                    raise Unanswered(subject, "the watch sent something that is not JSON")
                if event.get("type") == "ERROR":
                    status = event.get("object") or {}
                    raise ApiError.from_response(subject, int(status.get("code") or 500), status)
                yield event["type"], event["object"]
        finally:
            response.close()

    def side_by_side(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Call ``work`` for all items on as many threads as there are connections, in order."""
        items = list(items)
        if len(items) < 2:
            return [work(item) for item in items]
        with ThreadPoolExecutor(min(self._connections, len(items))) as executor:
            return list(executor.map(work, items))

    def _request(
        self,
        method: str,
        path: str,
        *,
        subject: str,
        query: Mapping[str, t.Any] | None = None,
        body: t.Any = None,
        content_type: str = JSON,
        accept: str = JSON,
        patience: float | None = None,
        is_repeatable: bool = False,
    ) -> dict[str, t.Any]:
        response = self._send(
            method,
            path,
            subject=subject,
            query=query or {},
            body=body,
            content_type=content_type,
            accept=accept,
            patience=patience,
            is_repeatable=is_repeatable or method == "GET",
        )
        decoded = _decode(response.data)
        if response.status >= 400:
            raise ApiError.from_response(subject, response.status, decoded)
        if not isinstance(decoded, dict):
            raise Unanswered(
                subject,
                f"the answer of {self.server} to {method} is not a JSON object",
                "Check that host names the API server and not something in front of it",
            )
        return decoded

    def _send(
        self,
        method: str,
        path: str,
        *,
        subject: str,
        query: Mapping[str, t.Any],
        body: t.Any = None,
        content_type: str = JSON,
        accept: str = JSON,
        patience: float | None = None,
        stream_seconds: float | None = None,
        is_repeatable: bool = True,
    ) -> t.Any:
        import urllib3

        url = f"{self.server}{path}"
        if query:
            url = f"{url}?{urlencode(query)}"
        headers = request_headers(self._headers, self._configuration, accept)
        budget = self._retry_budget()
        if patience is not None:
            budget = min(budget, patience)
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            response = self._pool.request(
                method,
                url,
                headers=headers,
                body=None if body is None else json.dumps(body).encode(),
                retries=retry_policy(idempotent=is_repeatable, budget=budget),
                timeout=urllib3.Timeout(
                    connect=CONNECT_TIMEOUT_SECONDS,
                    read=stream_seconds or _read_timeout(patience),
                ),
                preload_content=stream_seconds is None,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            told = connection_error(subject, self.server, error, method)
            self._is_given_up = isinstance(told, Unreachable)
            raise told from error
        self._has_answered, self._is_given_up = True, False
        self._note_time(response.headers.get("Date"))
        if stream_seconds is not None and response.status >= 400:
            raise ApiError.from_response(subject, response.status, _decode(response.data))
        return response

    def _lines(self, response: t.Any, subject: str) -> Iterator[bytes]:
        import urllib3

        pending = b""
        try:
            for chunk in response.stream(amt=None):
                *lines, pending = (pending + chunk).split(b"\n")
                yield from (line for line in lines if line)
        except urllib3.exceptions.HTTPError as error:
            raise connection_error(subject, self.server, error, "GET") from error

    def _note_time(self, date: str | None) -> None:
        try:
            there = parsedate_to_datetime(date or "")
            self._clock_offset = there - datetime.datetime.now(datetime.timezone.utc)
        except (TypeError, ValueError):
            # Something in front of the server left the header out; the own clock has to do.
            return

    def _retry_budget(self) -> float:
        if self._is_given_up:
            return SECONDS_ONCE_GIVEN_UP
        return SECONDS_OF_RETRIES if self._has_answered else SECONDS_TO_FIRST_ANSWER


def _read_timeout(patience: float | None) -> float:
    """Seconds for one answer: who has little time left does not wait long for a dead server."""
    if not patience:
        return READ_TIMEOUT_SECONDS
    return min(READ_TIMEOUT_SECONDS, patience + SHORTEST_READ_TIMEOUT_SECONDS)


def _decode(data: bytes) -> t.Any:
    """Decoded JSON, or the text itself where it is none."""
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")


def remaining(deadline: float) -> float:
    """Seconds left until ``deadline`` (``time.monotonic()``), never negative."""
    return max(0.0, deadline - time.monotonic())
