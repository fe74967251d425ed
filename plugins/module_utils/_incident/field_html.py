# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people wrote in Markdown as HTML: paragraphs, lists, tables, code, and little more.

All text is escaped first, so that nothing of it can be anything but text. No library of Ansible's
knows Markdown, and a postmortem needs no more of it.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import html
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._incident.text import plain

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_CODE = re.compile(r"`([^`\n]{1,500})`")
_BOLD = re.compile(r"\*\*([^*\n]{1,500})\*\*")
_EMPHASIS = re.compile(r"(?<![\w*])\*([^*\s][^*\n]{0,500})\*(?![\w*])")
# Nothing but the web, whatever the text of the link says. What is escaped cannot end the attribute.
_LINK = re.compile(r"\[([^\]\n]{1,300})\]\((?:&lt;)?(https?://[^\s()<>]{1,2000}?)(?:&gt;)?\)")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+(.*)")
_HEADING = re.compile(r"#{1,6}\s+(.*)")
_RULE_OF_TABLE = re.compile(r"\s*\|?\s*:?-{3,}:?\s*(?:\|\s*:?-{3,}:?\s*)*\|?\s*")
_CELLS = re.compile(r"(?<!\\)\|")


def to_html(text: str) -> str:
    """HTML for a field's text, safe to put into a page as it is."""
    lines = plain(text).split("\n")
    return "\n".join(_blocks(lines))


def _blocks(lines: list[str]) -> Iterator[str]:
    while lines:
        line = lines[0]
        if not line.strip():
            lines = lines[1:]
        elif line.strip().startswith("```"):
            inside, lines = _until(lines[1:], lambda other: other.strip().startswith("```"))
            lines = lines[1:]
            yield f"<pre>{html.escape(chr(10).join(inside))}</pre>"
        elif _is_table(lines):
            rows, lines = _until(lines, lambda other: "|" not in other)
            yield _table(rows)
        elif _ITEM.fullmatch(line):
            items, lines = _until(lines, lambda other: not _ITEM.fullmatch(other))
            told = "".join(f"<li>{_inline(_content(_ITEM, item))}</li>" for item in items)
            yield f"<ul>{told}</ul>"
        elif _HEADING.fullmatch(line):
            yield f"<h4>{_inline(_content(_HEADING, line))}</h4>"
            lines = lines[1:]
        else:
            rest, lines = _until(lines[1:], _ends_paragraph)
            yield f"<p>{'<br>'.join(_inline(other) for other in (line, *rest))}</p>"


def _ends_paragraph(line: str) -> bool:
    is_other = _ITEM.fullmatch(line) or _HEADING.fullmatch(line)
    return not line.strip() or bool(is_other) or line.strip().startswith("```")


def _until(lines: list[str], ends: t.Callable[[str], bool]) -> tuple[list[str], list[str]]:
    number = next((n for n, line in enumerate(lines) if ends(line)), len(lines))
    return lines[:number], lines[number:]


def _content(pattern: re.Pattern[str], line: str) -> str:
    found = pattern.fullmatch(line)
    return found[1] if found else line


def _is_table(lines: list[str]) -> bool:
    return len(lines) > 1 and "|" in lines[0] and bool(_RULE_OF_TABLE.fullmatch(lines[1]))


def _table(rows: list[str]) -> str:
    head, body = rows[0], rows[2:]
    told = "".join(f"<tr>{_cells(row, 'td')}</tr>" for row in body if row.strip(" |"))
    return (
        f'<div class="wide"><table><thead><tr>{_cells(head, "th")}</tr></thead>'
        f"<tbody>{told}</tbody></table></div>"
    )


def _cells(row: str, tag: str) -> str:
    cells = _CELLS.split(row.strip().strip("|"))
    return "".join(f"<{tag}>{_inline(cell.strip())}</{tag}>" for cell in cells)


def _inline(text: str) -> str:
    safe = html.escape(text, quote=True)
    safe = _CODE.sub(r"<code>\1</code>", safe)
    safe = _BOLD.sub(r"<strong>\1</strong>", safe)
    safe = _EMPHASIS.sub(r"<em>\1</em>", safe)
    return _LINK.sub(r'<a href="\2" rel="noreferrer noopener">\1</a>', safe)
