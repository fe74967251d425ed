# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Postmortems: facts from the record, fields that people fill, and hostile events in both."""

from __future__ import annotations

import typing as t
from html.parser import HTMLParser
from pathlib import Path

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import new_event
from ansible_collections.oncall.recovery.plugins.module_utils._incident.field_html import to_html
from ansible_collections.oncall.recovery.plugins.module_utils._incident.fields import (
    ACTION_ITEMS,
    FIELDS,
    begin_of,
    end_of,
    read_document,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.folder import FolderStore
from ansible_collections.oncall.recovery.plugins.module_utils._incident.incident import Incident
from ansible_collections.oncall.recovery.plugins.module_utils._incident.markdown import escaped
from ansible_collections.oncall.recovery.plugins.module_utils._incident.postmortem import (
    Outcome,
    write_postmortem,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import Change

STARTED = "2026-11-25T03:10:00.000Z"
MILESTONES = {
    "started": STARTED,
    "detected": "2026-11-25T03:11:30.000Z",
    "mitigated": "2026-11-25T03:16:00.000Z",
}
HISTORY = [
    {"time": f"2026-11-25T03:{minute:02}:00Z", "value": 0.3 if 10 <= minute < 15 else 0.01}
    for minute in range(30)
]
HOSTILE = [
    "<script>alert(1)</script>",
    "</style></svg><img src=x onerror=alert(1)>",
    "]]> --> <!-- end: impact -->",
    "](javascript:alert(1)) [click](javascript:alert(1))",
    "| a | b |\n| --- | --- |\n# heading\n- item\n```\ncode",
    "\u202egnp.exe\u2066 \u200f turned",
    "{{ 7 * 7 }} {% raw %} {# comment #}",
    '" onmouseover="alert(1)" x=\'y\' `a` &amp; \\',
    "<!-- field: impact -->\nmine\n<!-- end: impact -->",
    "javascript:alert(1) data:text/html,x",
    "\x00\x1b[2J\x9b31m",
    "1. one 2) two + three = four",
]


class Page(HTMLParser):
    """What a browser would make of a page: its tags with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "rect", "line", "polyline", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "line", "polyline", "circle"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    made = FolderStore(tmp_path)
    incident = Incident(
        id="INC-1",
        title="Every third request fails",
        severity="critical",
        workloads=({"kind": "Deployment", "namespace": "shop", "name": "web"},),
        milestones=MILESTONES,
        opened=STARTED,
        updated=STARTED,
    )
    made.create(incident, [new_event(type="opened", text="begun", time=STARTED)])
    return made


def tell(store: FolderStore, kind: str, text: str, time: str = STARTED, **more: t.Any) -> None:
    event = new_event(type=kind, text=text, time=time, **more)
    store.update("INC-1", lambda record: Change(events=[event]))


def render(store: FolderStore, **options: t.Any) -> Outcome:
    told = {"id": "INC-1", "dest": None, "formats": ["markdown", "html"], "title": None}
    return write_postmortem(store, {**told, "show_names": False, **options})


def texts_of(outcome: Outcome) -> tuple[str, str]:
    markdown, page = (path.read_text() for path in outcome.paths.values())
    return markdown, page


def between(text: str, name: str) -> str:
    return text.partition(f"{begin_of(name)}\n")[2].partition(f"\n{end_of(name)}")[0]


def fill(path: Path, **fields: str) -> None:
    """Write into fields as people do, and take the questions out."""
    text = path.read_text()
    for name, written in fields.items():
        before, _marker, rest = text.partition(begin_of(name))
        _body, _end, after = rest.partition(end_of(name))
        text = f"{before}{begin_of(name)}\n{written}\n{end_of(name)}{after}"
    path.write_text(text)


def test_parts_stand_in_their_order_and_what_only_people_know_is_a_question(
    store: FolderStore,
) -> None:
    outcome = render(store)
    markdown, page = texts_of(outcome)
    headings = [line[3:] for line in markdown.split("\n") if line.startswith("## ")]
    assert headings[:6] == [
        *("Incident Time", "Impact", "Root Cause", "Resolution", "Lessons Learned", "Prevention"),
    ]
    assert headings[6:] == [
        *("Detection", "Timeline", "Contributing factors", "What went well", "What went badly"),
        *("Where we were lucky", "Action items", "Mitigations"),
    ]
    assert outcome.as_result()["open_fields"] == [part.name for part in FIELDS]
    for part in FIELDS:
        assert part.question in between(markdown, part.name)
        assert part.question in Page(page).text


def test_facts_come_from_the_record(store: FolderStore) -> None:
    tell(
        store,
        "signal",
        "errors",
        data={"name": "errors", "threshold": 0.05, "comparison": ">", "history": HISTORY},
    )
    tell(store, "decision", "Roll back", data={"action": "rollback", "reasons": ["revision 7"]})
    tell(store, "action", "rolled back to revision 6", link="https://grafana.example/d?a=1&b=2")
    applied = {"mitigations": [{"name": "fallback", "namespace": "shop", "state": "applied"}]}
    tell(store, "mitigation", "fallback", time="2026-11-25T03:13:00Z", data=applied)
    markdown, page = texts_of(render(store))
    shown = Page(page)
    for fact in ("6 min", "1 min 30 s", "Because: revision 7", "rolled back to revision 6"):
        assert fact in markdown
        assert fact in shown.text
    assert "errors: 0.3 at worst, at 03:10:00" in shown.text
    assert "beyond that for about 5 min" in shown.text
    assert "| fallback | shop | 2026-11-25 03:13:00 | **not recorded** |" in markdown
    assert ("a", {"href": "https://grafana.example/d?a=1&b=2", "rel": "noreferrer noopener"}) in (
        shown.tags
    )
    reverted = {"mitigations": [{"name": "fallback", "namespace": "shop", "state": "reverted"}]}
    tell(store, "mitigation", "back", time="2026-11-25T03:20:00Z", data=reverted)
    assert "| 2026-11-25 03:13:00 | 2026-11-25 03:20:00 |" in texts_of(render(store))[0]


def test_chart_shows_the_curve_its_bound_the_incident_and_the_marks(store: FolderStore) -> None:
    tell(
        store,
        "signal",
        "errors",
        data={"name": "errors", "threshold": 0.05, "comparison": ">", "history": HISTORY},
    )
    tell(store, "alert", "it fires", time="2026-11-25T03:11:00Z")
    tell(store, "decision", "roll back", time="2026-11-25T03:12:00Z")
    tell(store, "action", "rolled back", time="2026-11-25T03:13:00Z")
    tell(store, "recovery", "well again", time="2026-11-25T03:16:00Z")
    page = Page(texts_of(render(store))[1])
    tags = [tag for tag, _attributes in page.tags]
    classes = [attributes.get("class") for tag, attributes in page.tags if tag == "g"]
    assert classes == ["alert", "decision", "action", "recovery"]
    assert tags.count("polyline") == 1
    assert [a["class"] for tag, a in page.tags if tag == "rect"] == ["span"]
    points = next(a["points"] for tag, a in page.tags if tag == "polyline")
    assert points is not None
    # Three minutes before and after six, with a sample each minute.
    assert len(points.split()) == 13
    assert "before, during and after" in page.text


def test_people_fill_every_field_and_lose_nothing_when_more_happens(store: FolderStore) -> None:
    path = render(store).paths["markdown"]
    written = {
        part.name: f"What people know of {part.name}.\n\n\n- *one* & `two`\n\n> quoted\n  indented"
        for part in FIELDS
    }
    written["action_items"] = f"{ACTION_ITEMS}\n| Add a test | shop team | prevent | 2026-12-01 |"
    fill(path, **written)
    tell(store, "note", "and then something else")
    outcome = render(store)
    markdown, page = texts_of(outcome)
    assert {part.name: between(markdown, part.name) for part in FIELDS} == written
    assert outcome.as_result()["open_fields"] == []
    assert sorted(outcome.as_result()["kept_fields"]) == sorted(written)
    assert outcome.set_aside is None
    assert "and then something else" in markdown
    for part in FIELDS:
        assert part.question not in markdown
    assert "What people know of lucky." in Page(page).text
    assert "2026-12-01" in Page(page).text
    assert not render(store).is_changed


def test_field_that_is_answered_below_its_question_loses_the_question_only(
    store: FolderStore,
) -> None:
    path = render(store).paths["markdown"]
    text = path.read_text()
    path.write_text(text.replace(end_of("lucky"), f"It was night.\n{end_of('lucky')}"))
    assert between(texts_of(render(store))[0], "lucky") == "It was night."


def test_what_people_wrote_outside_of_fields_is_kept_beside(store: FolderStore) -> None:
    path = render(store).paths["markdown"]
    edited = path.read_text().replace("## Impact\n", "## Impact\n\nAll of Europe.\n")
    path.write_text(edited)
    outcome = render(store)
    assert outcome.set_aside is not None
    assert outcome.set_aside.read_text() == edited
    assert "edited outside of its fields" in outcome.warnings[0]
    assert "All of Europe" not in path.read_text()
    assert not render(store).is_changed


def test_field_of_another_release_is_kept(store: FolderStore) -> None:
    path = render(store).paths["markdown"]
    theirs = f"{begin_of('customers')}\nNobody called.\n{end_of('customers')}\n"
    path.write_text(path.read_text().replace("## Mitigations", f"{theirs}\n## Mitigations"))
    for _again in range(2):
        markdown, page = texts_of(render(store))
        assert between(markdown, "customers") == "Nobody called."
        assert "Nobody called." in Page(page).text


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (end_of("impact"), "the field impact has no end"),
        (f"{end_of('lucky')}\n{begin_of('lucky')}\n{end_of('lucky')}", "is there twice"),
    ],
    ids=["an end is missing", "a field is there twice"],
)
def test_broken_marker_is_named_with_its_line_and_nothing_is_written(
    store: FolderStore, broken: str, says: str
) -> None:
    path = render(store).paths["markdown"]
    good = end_of("impact") if says.endswith("no end") else end_of("lucky")
    path.write_text(path.read_text().replace(good, "" if says.endswith("no end") else broken))
    before = path.read_text()
    tell(store, "note", "more")
    with pytest.raises(RecoveryError, match=rf"postmortem.md, line \d+: .*{says}"):
        render(store)
    assert path.read_text() == before


@pytest.mark.parametrize("text", HOSTILE, ids=[f"trick {n}" for n in range(len(HOSTILE))])
def test_hostile_event_is_text_and_nothing_else(store: FolderStore, text: str) -> None:
    tame = Page(texts_of(render(store))[1])
    kinds = {(tag, *sorted(attributes)) for tag, attributes in tame.tags}
    for kind in ("alert", "decision", "action", "recovery", "note", "task"):
        data = {"action": text, "reasons": [text], "status": "failed", "name": text}
        tell(store, kind, text, source=text, actor=text, data=data)
    signal = {"name": text, "history": HISTORY, "threshold": 0.05, "comparison": text}
    tell(store, "signal", text, data=signal)
    told = {"mitigations": [{"name": text, "namespace": text, "state": text}]}
    tell(store, "mitigation", text, data=told)
    outcome = render(store, title=text)
    markdown, page = texts_of(outcome)
    shown = Page(page)
    assert shown.open == []
    allowed = {"polyline", "rect", "line", "circle", "text", "svg", "g", "figure", "figcaption"}
    allowed |= {"ol", "li", "ul", "b", "span", "table", "thead", "tbody", "tr", "th", "td"}
    allowed |= {"div", "details", "summary", "p", *(kind[0] for kind in kinds)}
    assert {tag for tag, _attributes in shown.tags} <= allowed
    for tag, attributes in shown.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert not str(attributes.get("href", "https://")).startswith("javascript")
    for bidi in ("\u202e", "\u2066", "\u200f", "\x1b", "\x00"):
        assert bidi not in page + markdown
    # Its lines are no markers, and begin neither headings nor lists of their own.
    assert set(read_document("x", markdown).fields) == {part.name for part in FIELDS}
    assert outcome.document.others == {}
    headings = [line for line in markdown.split("\n") if line.startswith("#")]
    assert len(headings) == 1 + 14
    assert not render(store, title=text).is_changed


def test_markdown_of_a_hostile_text_has_no_link_and_no_tag(store: FolderStore) -> None:
    assert escaped("[a](javascript:b) <script> *x* `y`") == (
        r"\[a\]\(javascript:b\) \<script\> \*x\* \`y\`"
    )
    assert escaped("one\n\n# two") == r"one \# two"
    assert escaped("1. one") == r"1\. one"
    assert escaped("- one") == r"\- one"


@pytest.mark.parametrize("text", HOSTILE, ids=[f"trick {n}" for n in range(len(HOSTILE))])
def test_hostile_field_is_text_and_nothing_else(text: str) -> None:
    shown = Page(f"<div>{to_html(text)}</div>")
    tags = {tag for tag, _attributes in shown.tags}
    assert tags <= {"div", "p", "br", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"} | {
        *("h4", "pre", "code", "strong", "em")
    }
    assert all(set(attributes) <= {"class"} for _tag, attributes in shown.tags)


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("one\ntwo\n\nthree", "<p>one<br>two</p>\n<p>three</p>"),
        (
            "- one\n- **two**\n1. `three`",
            "<ul><li>one</li><li><strong>two</strong></li><li><code>three</code></li></ul>",
        ),
        (
            "see [the board](https://a.example/?x=1&y=2)",
            '<p>see <a href="https://a.example/?x=1'
            '&amp;y=2" rel="noreferrer noopener">the board</a></p>',
        ),
        ("## Why\n```\n<b>\n```", "<h4>Why</h4>\n<pre>&lt;b&gt;</pre>"),
        ("[x](file:///etc/passwd)", "<p>[x](file:///etc/passwd)</p>"),
    ],
    ids=["paragraphs", "list", "link", "heading and code", "no web"],
)
def test_markdown_that_people_use_becomes_html(text: str, page: str) -> None:
    assert to_html(text) == page


def test_people_are_roles_unless_names_are_asked_for(store: FolderStore) -> None:
    tell(store, "approval", "ada.l approved", actor="ada.l", data={"approved_by": "ada.l"})
    tell(store, "note", "mailed bob@shop.example, told by ada.l", actor="on-call engineer")
    blameless = "".join(texts_of(render(store)))
    assert "ada.l" not in blameless
    assert "bob" not in blameless
    assert "a person approved" in blameless
    assert "on-call engineer" in blameless
    assert "ada.l" in "".join(texts_of(render(store, show_names=True)))


def test_page_needs_nothing_but_itself(store: FolderStore) -> None:
    tell(store, "signal", "errors", data={"name": "errors", "history": HISTORY})
    page = texts_of(render(store))[1]
    tags = Page(page).tags
    assert not {tag for tag, _a in tags} & {"script", "link", "img", "iframe", "object", "form"}
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in tags


@pytest.mark.parametrize(
    "history",
    [
        [],
        [{"time": STARTED, "value": 1}],
        [{"time": STARTED, "value": 0}, {"time": STARTED, "value": 0}],
        [{"time": "soon", "value": 1}, {"time": STARTED, "value": "x"}, 7, None],
        [{"time": STARTED, "value": -5e250}, {"time": "2026-11-25T04:00:00Z", "value": 5e250}],
        [{"time": "1990-01-01T00:00:00Z", "value": 1}, {"time": STARTED, "value": 2}],
    ],
    ids=["none", "one", "flat", "nonsense", "huge", "years"],
)
def test_curve_of_any_kind_is_drawn_or_left_out(store: FolderStore, history: list[t.Any]) -> None:
    data = {"name": "errors", "history": history, "threshold": 0, "comparison": ">"}
    tell(store, "signal", "errors", data=data)
    page = Page(texts_of(render(store))[1])
    assert page.open == []
    for _tag, attributes in page.tags:
        assert "nan" not in str(attributes.get("points", "")).lower()


def test_record_without_anything_makes_a_postmortem(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.create(Incident(id="INC-1"), [new_event(type="opened", text="x")])
    markdown, page = texts_of(render(store))
    assert "# Incident INC-1" in markdown
    assert "unknown" in Page(page).text


def test_full_disk_leaves_what_people_wrote(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = render(store).paths["markdown"]
    fill(path, lucky="It was night.")
    before = path.read_text()
    tell(store, "note", "more")

    def no_room(descriptor: int, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", no_room)
    with pytest.raises(RecoveryError, match="No space left on device"):
        render(store)
    assert path.read_text() == before
