# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The template of the page. Private to oncall.recovery: it may change in any release."""

from __future__ import annotations

STYLE = """\
:root { color-scheme: light dark; --back: #fff; --text: #1c2430; --soft: #5b6675; --line: #d8dee6;
  --card: #f5f7fa; --curve: #1f5fbf; --bound: #9a5b00; --span: #c2303012; --alert: #b3261e;
  --decision: #6b3fa0; --action: #1f5fbf; --recovery: #1a7f37; --open: #9a5b00; }
@media (prefers-color-scheme: dark) { :root { --back: #12161c; --text: #e4e8ee; --soft: #9aa6b5;
  --line: #303945; --card: #1b212a; --curve: #6ea8ff; --bound: #e0a64b; --span: #ff6b6b1c;
  --alert: #ff8a80; --decision: #c9a6ff; --action: #6ea8ff; --recovery: #6fdc8c;
  --open: #e0a64b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); line-height: 1.5;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 56rem; margin: 0 auto; padding: 1rem 1rem 4rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; } h2 { font-size: 1.2rem;
  margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
h3, h4 { font-size: 1rem; margin: 1rem 0 .3rem; } p, ul, ol { margin: .4rem 0; }
a { color: var(--action); } code, pre { font: .85em/1.4 ui-monospace, Menlo, Consolas, monospace; }
pre { background: var(--card); padding: .6rem; overflow-x: auto; }
.soft, .question { color: var(--soft); } .question { font-style: italic;
  border-left: 3px solid var(--open); padding-left: .6rem; }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: 1rem;
  padding: 0 .6rem; font-size: .85rem; margin-right: .3rem; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .6rem;
  margin: 1rem 0; padding: 0; list-style: none; } .numbers li { background: var(--card);
  border-radius: .5rem; padding: .6rem .8rem; } .numbers b { display: block; font-size: 1.2rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .5rem;
  border-bottom: 1px solid var(--line); overflow-wrap: break-word; }
td:first-child { white-space: nowrap; } .timeline td:nth-child(2) { overflow-wrap: anywhere; }
.facts { color: inherit; } svg { width: 100%; height: auto; display: block; }
svg text { font: 13px system-ui, sans-serif; fill: var(--soft); }
.curve { fill: none; stroke: var(--curve); stroke-width: 2; stroke-linejoin: round; }
.grid { stroke: var(--line); } .bound { stroke: var(--bound); stroke-dasharray: 6 4; }
svg text.bounded { fill: var(--bound); } .span { fill: var(--span); }
.alert { --mark: var(--alert); } .decision { --mark: var(--decision); }
.action { --mark: var(--action); } .recovery { --mark: var(--recovery); }
.mark { stroke: var(--mark); stroke-width: 1.5; } .dot { fill: var(--mark); }
svg text.number { fill: var(--back); font-weight: 700; text-anchor: middle; font-size: 12px; }
.marks { padding: 0; list-style: none; font-size: .9rem; } .marks b { color: var(--mark); }
details { margin: .6rem 0; } summary { cursor: pointer; }
@media (max-width: 40rem) { .timeline thead { display: none; } .timeline tr { display: block;
  border-bottom: 1px solid var(--line); padding: .4rem 0; } .timeline td { display: block;
  border: 0; padding: 0; } .timeline td:nth-child(n+3) { display: inline; color: var(--soft);
  font-size: .85rem; margin-right: .6rem; } svg text { font-size: 18px; }
  svg text.number { font-size: 12px; } }
@media print { :root { --back: #fff; --text: #000; --soft: #444; --line: #bbb; --card: #f2f2f2;
  --curve: #1f5fbf; --bound: #9a5b00; --span: #c2303012; --alert: #b3261e; --decision: #6b3fa0;
  --action: #1f5fbf; --recovery: #1a7f37; } main { max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; } tr, figure, .numbers { break-inside: avoid; }
  details { display: none; } a { text-decoration: none; } }
"""

_CHARTS = """\
{% for chart in charts %}
<figure style="margin: 1rem 0">
<figcaption><b>{{ chart.name }}</b> \
<span class="soft">before, during and after, UTC</span></figcaption>
<svg viewBox="0 0 {{ width }} {{ height }}" role="img" aria-label="{{ chart.name }} over time">
{% if chart.incident %}
<rect class="span" x="{{ chart.incident[0] }}" y="{{ top }}" \
width="{{ (chart.incident[1] - chart.incident[0]) | abs | round(1) }}" height="{{ bottom - top }}"/>
{% endif %}
{% for tick in chart.values %}
<line class="grid" x1="{{ left }}" x2="{{ right }}" y1="{{ tick.at }}" y2="{{ tick.at }}"/>
<text x="{{ left - 8 }}" y="{{ tick.at + 4 }}" text-anchor="end">{{ tick.label }}</text>
{% endfor %}
{% for tick in chart.times %}
<text x="{{ tick.at }}" y="{{ height - 12 }}" text-anchor="middle">{{ tick.label }}</text>
{% endfor %}
{% if chart.bound %}
<line class="bound" x1="{{ left }}" x2="{{ right }}" y1="{{ chart.bound.at }}" \
y2="{{ chart.bound.at }}"/>
<text class="bounded" x="{{ right }}" y="{{ chart.bound.at - 6 }}" \
text-anchor="end">{{ chart.bound.label }}</text>
{% endif %}
{% for line in chart.lines %}
<polyline class="curve" points="{{ line }}"/>
{% endfor %}
{% for one in chart.badges %}
<g class="{{ one.kind }}">
<line class="mark" x1="{{ one.x }}" x2="{{ one.x }}" y1="{{ 12 + one.row * badge }}" \
y2="{{ bottom }}"/>
<circle class="dot" cx="{{ one.x }}" cy="{{ 12 + one.row * badge }}" r="9"/>
<text class="number" x="{{ one.x }}" y="{{ 16 + one.row * badge }}">{{ one.number }}</text>
</g>
{% endfor %}
</svg>
</figure>
{% endfor %}
{% if charts and report.marks %}
<ol class="marks">
{% for mark in report.marks %}
<li class="{{ mark.kind }}"><b>{{ loop.index }} {{ mark.kind }}</b> {{ mark.clock }} \
{{ mark.text }}</li>
{% endfor %}
</ol>
{% endif %}
"""

_ROWS = """\
{% macro rows_of(rows) %}
<div class="wide"><table class="timeline">
<thead><tr><th>Time (UTC)</th><th>What</th><th>Type</th><th>Who</th><th>Source</th></tr></thead>
<tbody>
{% for row in rows %}
<tr><td>{{ row.clock }}</td><td>{{ row.text }}\
{% if row.link %} <a href="{{ row.link }}" rel="noreferrer noopener">link</a>{% endif %}\
{% for name in row.evidence %} <code>evidence/{{ name }}</code>{% endfor %}</td>\
<td>{{ row.type }}</td><td>{{ row.actor }}</td><td>{{ row.source }}</td></tr>
{% endfor %}
</tbody></table></div>
{% endmacro %}
"""

_PART = """\
{% if part.name == "incident_time" %}
<div class="wide"><table>
<thead><tr><th>Milestone</th><th>Time (UTC)</th><th>After the start</th></tr></thead><tbody>
{% for name, at, after in report.times %}
<tr><td>{{ name }}</td><td>{{ at }}</td><td>{{ after }}</td></tr>
{% endfor %}
</tbody></table></div>
{% endif %}
{% if report.facts.get(part.name) %}
<ul class="facts">
{% for fact in report.facts[part.name] %}
<li>{{ fact }}</li>
{% endfor %}
</ul>
{% endif %}
{% if part.name == "timeline" and report.rows %}
{{ rows_of(report.rows) }}
{% endif %}
{% if part.name == "timeline" and report.tasks %}
<details><summary>All {{ report.tasks | length }} tasks of the runs</summary>
{{ rows_of(report.tasks) }}
</details>
{% endif %}
{% if part.name == "mitigations" %}
{% if report.mitigations %}
<div class="wide"><table><thead><tr><th>Mitigation</th><th>Namespace</th><th>Applied (UTC)</th>\
<th>Put back (UTC)</th></tr></thead><tbody>
{% for one in report.mitigations %}
<tr><td>{{ one.name }}</td><td>{{ one.namespace }}</td><td>{{ one.applied or one.last }}</td>\
<td>{% if one.reverted %}{{ one.reverted }}{% else %}<b>not recorded</b>{% endif %}</td></tr>
{% endfor %}
</tbody></table></div>
{% else %}
<p class="soft">None is recorded.</p>
{% endif %}
{% endif %}
{% if part.question %}
{% if fields.get(part.name) %}
{{ fields[part.name] }}
{% else %}
<p class="question">{{ part.question }}</p>
{% endif %}
{% endif %}
"""

PAGE = f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{{{{ report.title }}}}</title>
<style>
{STYLE}</style>
</head>
<body>
{_ROWS}
<main>
<header>
<p class="soft">Postmortem of incident {{{{ report.incident.id }}}}</p>
<h1>{{{{ report.title }}}}</h1>
<p>{{% if report.incident.severity %}}<span class="badge">{{{{ report.incident.severity }}}}</span>\
{{% endif %}}<span class="badge">{{{{ report.incident.status }}}}</span></p>
<ul class="numbers">
{{% for told, number in numbers %}}
<li><b>{{{{ number }}}}</b> {{{{ told }}}}</li>
{{% endfor %}}
</ul>
</header>
{{% for part in parts %}}
<section id="{{{{ part.name }}}}">
<h2>{{{{ part.heading }}}}</h2>
{_PART}
{{% if part.name == "impact" %}}
{_CHARTS}
{{% endif %}}
</section>
{{% endfor %}}
{{% for name, text in others.items() %}}
<section><h2>{{{{ name }}}}</h2>
{{{{ text }}}}
</section>
{{% endfor %}}
</main>
</body>
</html>
"""
