# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing the postmortem of an incident, again and again, without losing what people wrote.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident import text
from ansible_collections.oncall.recovery.plugins.module_utils._incident.fields import (
    FIELDS,
    Document,
    read_document,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.folder import write_file
from ansible_collections.oncall.recovery.plugins.module_utils._incident.incident import require_id
from ansible_collections.oncall.recovery.plugins.module_utils._incident.markdown import (
    render_markdown,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.page_html import (
    render_html,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import (
    UnknownIncident,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.report import report_of

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import Store

MARKDOWN, HTML = "markdown", "html"
FILES = {MARKDOWN: "postmortem.md", HTML: "postmortem.html"}
LONGEST_TITLE = 200
MOST_BYTES_OF_DOCUMENT = 4 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What was written, by format: path, and the text before and after."""

    paths: Mapping[str, Path]
    before: Mapping[str, str]
    after: Mapping[str, str]
    document: Document
    set_aside: Path | None = None

    @property
    def is_changed(self) -> bool:
        return self.before != self.after

    @property
    def warnings(self) -> list[str]:
        if self.set_aside is None:
            return []
        return [
            f"{self.paths[MARKDOWN]} was edited outside of its fields. What was there is kept as "
            f"{self.set_aside}; write between the lines field and end"
        ]

    def as_result(self, *, with_diff: bool = False) -> dict[str, t.Any]:
        fields = self.document.fields
        result: dict[str, t.Any] = {
            "changed": self.is_changed,
            "markdown": str(self.paths[MARKDOWN]),
            "html": str(self.paths[HTML]) if HTML in self.paths else None,
            "open_fields": [part.name for part in FIELDS if not fields.get(part.name)],
            "kept_fields": [name for name, written in fields.items() if written],
            "set_aside": str(self.set_aside) if self.set_aside else None,
        }
        if with_diff and self.is_changed:
            result["diff"] = [
                {
                    "before": self.before[name],
                    "after": self.after[name],
                    "before_header": str(path),
                    "after_header": str(path),
                }
                for name, path in self.paths.items()
            ]
        return result


def write_postmortem(
    store: Store, options: Mapping[str, t.Any], *, dry_run: bool = False
) -> Outcome:
    """Render the postmortem of an incident into its files.

    ``options`` are ``id``, ``dest`` (a folder, or None for that of the record), ``formats``,
    ``show_names`` and ``title``. Raises RecoveryError; then no file is changed.
    """
    identity = require_id(options["id"])
    record = store.read(identity)
    where = store.where(identity)
    if record is None:
        raise UnknownIncident(identity, where["path"] or f"namespace {where['namespace']}")
    folder = options["dest"] or where["path"]
    if folder is None:
        raise InvalidInput("dest", "is missing", "Name a folder, as a ConfigMap has none")
    # Fields are kept in the Markdown, so it is always there.
    formats = [MARKDOWN, *(name for name in options["formats"] if name != MARKDOWN)]
    paths = {name: Path(folder) / FILES[name] for name in formats}
    before = {name: _text_of(path) for name, path in paths.items()}
    document = read_document(str(paths[MARKDOWN]), before[MARKDOWN])
    title = text.line(options["title"] or "", LONGEST_TITLE)
    report = report_of(record, title=title, show_names=options["show_names"])
    renderers = {MARKDOWN: render_markdown, HTML: render_html}
    after = {name: renderers[name](report, document.fields, document.others) for name in formats}
    set_aside = None
    if document.has_edited_facts and before[MARKDOWN] != after[MARKDOWN]:
        set_aside = _name_aside(paths[MARKDOWN])
    outcome = Outcome(paths, before, after, document, set_aside)
    if outcome.is_changed and not dry_run:
        _write(outcome)
    return outcome


def _write(outcome: Outcome) -> None:
    path = outcome.paths[MARKDOWN]
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if outcome.set_aside:
            write_file(outcome.set_aside, outcome.before[MARKDOWN].encode())
        for name, place in outcome.paths.items():
            if outcome.before[name] != outcome.after[name]:
                write_file(place, outcome.after[name].encode())
    except OSError as error:
        raise RecoveryError(
            f"postmortem {path}",
            f"{error.filename or path}: {error.strerror or error}",
            "Make room or give this user the right to write there; what people wrote is untouched",
        ) from error


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES_OF_DOCUMENT:
            raise RecoveryError(
                str(path), "is too large for a postmortem", "Move it away, and render again"
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise RecoveryError(
            str(path), f"cannot be read ({error})", "Put it right, or move it away"
        ) from error


def _name_aside(path: Path) -> Path:
    at = datetime.datetime.now(datetime.timezone.utc)
    return path.with_name(f"{path.stem}.edited-{at:%Y%m%dT%H%M%SZ}{path.suffix}")
