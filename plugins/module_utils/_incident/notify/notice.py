# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The notice: a stage of an incident, as people are to be told of it.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.words import (
    details_of,
    line,
    prose,
    within,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping

OPENED, ACKNOWLEDGED, APPROVAL_NEEDED = "opened", "acknowledged", "approval_needed"
HANDED_OVER, RESOLVED = "handed_over", "resolved"
# The stages in the order of an incident, and what people read.
STAGES = {
    OPENED: "Incident opened",
    ACKNOWLEDGED: "Somebody took over",
    "decided": "Action decided",
    APPROVAL_NEEDED: "Approval needed",
    "acting": "Action under way",
    "acted": "Action taken",
    "mitigated": "Users are served again",
    HANDED_OVER: "Needs a person",
    RESOLVED: "Resolved",
}
LONGEST_ID = 500
LONGEST_TITLE = 200
LONGEST_SEVERITY = 40
LONGEST_URL = 1000
LONGEST_TEXT = 4000
# Teams name severities as they like. What is not known is worth a call.
GRADES = {
    "critical": ("critical", "crit", "emergency", "fatal", "page", "sev0", "sev1", "p0", "p1"),
    "error": ("error", "high", "major", "sev2", "p2"),
    "warning": ("warning", "warn", "medium", "minor", "sev3", "p3"),
    "info": ("info", "low", "none", "notice", "sev4", "sev5", "p4", "p5"),
}
UNKNOWN_GRADE = "error"
# Nothing that ends a link in mail or in Slack's markup.
_LINK = re.compile(r"https?://[^\s<>|\"'`\\]+")


@dataclasses.dataclass(frozen=True)
class Notice:
    """What happened, in texts that are plain, redacted and bounded.

    ``workload`` has kind, namespace and name, or is empty. ``time`` is as in RFC 3339.
    """

    incident: str
    title: str
    stage: str
    severity: str = ""
    url: str = ""
    text: str = ""
    workload: Mapping[str, str] = dataclasses.field(default_factory=dict)
    details: Mapping[str, str] = dataclasses.field(default_factory=dict)
    time: str = ""

    @classmethod
    def from_options(cls, options: Mapping[str, t.Any]) -> Notice:
        """The notice that the module's options describe; raises InvalidInput."""
        incident = options["incident"]
        identity, url = incident["id"], incident.get("url") or ""
        if not identity.strip() or not identity.isprintable() or len(identity) > LONGEST_ID:
            raise InvalidInput(
                "incident.id",
                f"is {within(identity, LONGEST_TITLE)!r}",
                f"Use printable text of at most {LONGEST_ID} characters",
            )
        if url and (not _LINK.fullmatch(url) or not url.isprintable() or len(url) > LONGEST_URL):
            raise InvalidInput(
                "incident.url",
                f"is {within(url, LONGEST_TITLE)!r}, which is no link",
                "Write it like https://wiki.example/incidents/1",
            )
        workload = options.get("workload") or {}
        return cls(
            incident=identity,
            title=line(incident["title"], LONGEST_TITLE) or line(identity, LONGEST_TITLE),
            stage=options["stage"],
            severity=line(incident.get("severity") or "", LONGEST_SEVERITY),
            url=url,
            text=prose(options.get("text") or "", LONGEST_TEXT),
            workload={
                name: line(workload.get(name) or "", LONGEST_TITLE)
                for name in ("kind", "namespace", "name")
                if workload
            },
            details=details_of(options.get("details") or {}),
            time=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )

    @property
    def headline(self) -> str:
        """The stage and the title, in one line."""
        return f"{STAGES[self.stage]}: {self.title}"

    @property
    def grade(self) -> str:
        """The severity in the words of PagerDuty."""
        word = re.sub(r"[\s_-]", "", self.severity.lower())
        return next((grade for grade, words in GRADES.items() if word in words), UNKNOWN_GRADE)

    @property
    def workload_name(self) -> str:
        """Like ``Deployment shop/web``; "" where no workload is given."""
        if not self.workload:
            return ""
        place = "/".join(filter(None, (self.workload["namespace"], self.workload["name"])))
        return f"{self.workload['kind']} {place}".strip()

    @property
    def facts(self) -> list[tuple[str, str]]:
        """All that is known beside the text, by name."""
        known = {
            "Incident": line(self.incident, LONGEST_ID),
            "Severity": self.severity,
            "Workload": self.workload_name,
        }
        return [*((name, value) for name, value in known.items() if value), *self.details.items()]

    @property
    def body(self) -> str:
        """The text and the facts below it, as plain text."""
        facts = "\n".join(f"{name}: {value}" for name, value in self.facts)
        return "\n\n".join(filter(None, (self.text, facts, self.url)))

    def key(self, longest: int) -> str:
        """What all notices of this incident have in common, and no other incident has."""
        if len(self.incident) <= longest:
            return self.incident
        digest = hashlib.sha256(self.incident.encode()).hexdigest()
        return f"{self.incident[: longest - len(digest) - 1]}-{digest}"
