# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of a postmortem, and what people wrote into them.

A part has facts, which come from the record and are written anew each time, and mostly a field,
which is for people alone. In Markdown a field stands between two lines that are its markers.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# A line that begins so asks, and goes as soon as there is an answer.
QUESTION = "> **?** "
_FIELD = re.compile(r"<!-- field: ([a-z][a-z0-9_]{0,59}) -->")
_DIGEST = re.compile(r"<!-- facts: ([0-9a-f]{16}) -->")
ACTION_ITEMS = "| Action | Owner | Kind | Due |\n| --- | --- | --- | --- |"


@dataclasses.dataclass(frozen=True)
class Part:
    """A part: its name, its heading, what its field asks, and what the field begins with."""

    name: str
    heading: str
    question: str = ""
    beginning: str = ""


PARTS = (
    Part("incident_time", "Incident Time"),
    Part(
        "impact",
        "Impact",
        "Who was affected, how many were they, and what could they not do? What did it cost?",
    ),
    Part(
        "root_cause",
        "Root Cause",
        "Without what would it not have happened? Ask why until the answer is something that the "
        "team can change.",
    ),
    Part(
        "resolution",
        "Resolution",
        "What ended it, and what was tried before that did not help?",
    ),
    Part(
        "lessons_learned",
        "Lessons Learned",
        "What do we know now that we did not know before?",
    ),
    Part(
        "prevention",
        "Prevention",
        "What keeps this kind of incident from coming back, or makes the next one smaller?",
    ),
    Part("detection", "Detection", "Who or what noticed first, and how could that be sooner?"),
    Part(
        "timeline",
        "Timeline",
        "What happened that no tool saw, such as calls, guesses and decisions?",
    ),
    Part(
        "contributing_factors",
        "Contributing factors",
        "What made it more likely, worse, or longer, without being its cause?",
    ),
    Part("went_well", "What went well", "What worked, and should be kept as it is?"),
    Part("went_badly", "What went badly", "What slowed us down, or misled us?"),
    Part("lucky", "Where we were lucky", "What could as well have made it worse?"),
    Part(
        "action_items",
        "Action items",
        "What will be done, by which team, of which kind (prevent, detect, mitigate, repair), and "
        "until when? One line each.",
        ACTION_ITEMS,
    ),
    Part("mitigations", "Mitigations"),
)
FIELDS = tuple(part for part in PARTS if part.question)


@dataclasses.dataclass(frozen=True)
class Document:
    """A postmortem as it lies there: what people wrote, by field, and whether only in fields."""

    fields: Mapping[str, str]
    has_edited_facts: bool = False

    @property
    def others(self) -> dict[str, str]:
        """Fields that are none of ours: of another release, or made up by people."""
        known = {part.name for part in FIELDS}
        return {name: text for name, text in self.fields.items() if name not in known and text}


def filled(part: Part, body: str) -> str:
    """What people wrote in a field's body; "" where it only has what it began with."""
    kept = "\n".join(line for line in body.split("\n") if not line.startswith(QUESTION)).strip("\n")
    return "" if kept.strip() in ("", part.beginning) else kept


def read_document(subject: str, text: str) -> Document:
    """The fields of a postmortem. Raises RecoveryError, naming the line, where markers are broken.

    ``subject`` is how errors name the file.
    """
    parts = {part.name: part for part in FIELDS}
    bodies: dict[str, str] = {}
    for name, body in _bodies(subject, text):
        bodies[name] = filled(parts.get(name, Part(name, name)), body)
    noted = _DIGEST.search(text)
    return Document(bodies, noted is not None and noted[1] != digest_of_facts(text))


def _bodies(subject: str, text: str) -> Iterator[tuple[str, str]]:
    name = ""
    body: list[str] = []
    seen: set[str] = set()
    for number, line in enumerate(text.split("\n"), 1):
        begins = _FIELD.fullmatch(line.strip())
        if not name and begins:
            name, body = begins[1], []
            if name in seen:
                raise _broken(subject, number, f"the field {name} is there twice")
            seen.add(name)
        elif name and line.strip() == end_of(name):
            yield name, "\n".join(body)
            name = ""
        elif name and begins:
            raise _broken(subject, number, f"the field {name} has no end before this line")
        elif name:
            body.append(line)
    if name:
        raise _broken(subject, text.count("\n") + 1, f"the field {name} has no end")


def _broken(subject: str, number: int, cause: str) -> RecoveryError:
    return RecoveryError(
        f"{subject}, line {number}", cause, "Put the markers back, so that nothing is lost"
    )


def digest_of_facts(text: str) -> str:
    """A digest of all that is not in a field, to see whether people edited it."""
    kept, name = [], ""
    for line in text.split("\n"):
        begins = _FIELD.fullmatch(line.strip())
        if name and line.strip() == end_of(name):
            name = ""
        if not name and line.strip() and not _DIGEST.fullmatch(line.strip()):
            kept.append(line.strip())
        if begins:
            name = begins[1]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16]


def begin_of(name: str) -> str:
    """The marker before a field."""
    return f"<!-- field: {name} -->"


def end_of(name: str) -> str:
    """The marker behind a field."""
    return f"<!-- end: {name} -->"


def with_digest(text: str) -> str:
    """The document with the digest of its facts in its last line."""
    return f"{text.rstrip()}\n\n<!-- facts: {digest_of_facts(text)} -->\n"
