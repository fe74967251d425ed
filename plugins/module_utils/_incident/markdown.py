# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The postmortem as Markdown: what people edit.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._incident.fields import (
    PARTS,
    QUESTION,
    begin_of,
    end_of,
    with_digest,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.templating import (
    environment,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.text import plain

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.report import Report

# All that Markdown gives a meaning to within a line (CommonMark, and tables of GitHub).
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#|~!&$@])")
# A number or sign that would begin a list at the start of a line.
_BEGINS_LIST = re.compile(r"^(\d{1,9})([.)])|^([-+=])")

TEMPLATE = """\
# {{ report.title | md }}

Incident {{ report.incident.id | md }} ({{ report.incident.status }}). All times are UTC.
Write between the lines `field` and `end`; all else is written anew by every rendering.
{% for part in parts %}

## {{ part.heading }}
{% if part.name == "incident_time" %}

| Milestone | Time (UTC) | After the start |
| --- | --- | --- |
{% for name, at, after in report.times %}
| {{ name }} | {{ at }} | {{ after }} |
{% endfor %}
{% endif %}
{% for fact in report.facts.get(part.name, ()) %}
{% if loop.first %}

{% endif %}
- {{ fact | md }}
{% endfor %}
{% if part.name == "timeline" and report.rows %}

| Time (UTC) | What | Type | Who | Source |
| --- | --- | --- | --- | --- |
{% for row in report.rows %}
| {{ row.clock }} | {{ row.text | md }}{{ row | more }} | {{ row.type | md }} \
| {{ row.actor | md }} | {{ row.source | md }} |
{% endfor %}
{% endif %}
{% if part.name == "timeline" and report.tasks %}

What the runs did is in `events.jsonl`, and in the page in HTML ({{ report.tasks | length }} lines).
{% endif %}
{% if part.name == "mitigations" %}

{% if report.mitigations %}
| Mitigation | Namespace | Applied (UTC) | Put back (UTC) |
| --- | --- | --- | --- |
{% for one in report.mitigations %}
| {{ one.name | md }} | {{ one.namespace | md }} | {{ one.applied or one.last | md }} | \
{{ one.reverted or "**not recorded**" }} |
{% endfor %}
{% else %}
None is recorded.
{% endif %}
{% endif %}
{% if part.question %}

{{ begin_of(part.name) }}
{% if not fields.get(part.name) %}
{{ question }}{{ part.question }}

{% endif %}
{{ fields.get(part.name) or part.beginning }}
{{ end_of(part.name) }}
{% endif %}
{% endfor %}
{% if others %}

## More
{% for name, text in others.items() %}

{{ begin_of(name) }}
{{ text }}
{{ end_of(name) }}
{% endfor %}
{% endif %}
"""


def render_markdown(
    report: Report, fields: Mapping[str, str], others: Mapping[str, str] | None = None
) -> str:
    """The document. ``fields`` are what people wrote, which is put in as it is."""
    renderer = environment(escape=False)
    renderer.filters.update(md=escaped, more=_more)
    rendered = renderer.from_string(TEMPLATE).render(
        report=report,
        parts=PARTS,
        fields=fields,
        others=others or {},
        question=QUESTION,
        begin_of=begin_of,
        end_of=end_of,
    )
    return with_digest(rendered)


def escaped(value: t.Any) -> str:
    """Text that Markdown shows as it is, in one line."""
    line = " ".join(plain(str(value)).split())
    line = _SPECIAL.sub(r"\\\1", line)
    return _BEGINS_LIST.sub(lambda f: f"{f[1]}\\{f[2]}" if f[1] else f"\\{f[3]}", line)


def _more(row: t.Any) -> str:
    link = f" [link](<{row.link}>)" if row.link else ""
    files = ", ".join(f"`evidence/{name}`" for name in row.evidence)
    return link + (f" ({files})" if files else "")
