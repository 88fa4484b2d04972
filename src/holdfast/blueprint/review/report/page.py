"""A report as one HTML file: no script, nothing loaded from anywhere, light and dark, with the map."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from html import escape
from itertools import groupby

from holdfast.blueprint import LEVELS
from holdfast.blueprint.drawing import MAP_STYLE, draw
from holdfast.blueprint.graph import System
from holdfast.blueprint.review.findings import Finding, Report
from holdfast.blueprint.review.report.marks import anchor_of, marks_of
from holdfast.blueprint.review.report.places import Places, place_of
from holdfast.blueprint.review.report.terminal import counted

_STYLE = (
    """
:root { color-scheme: light dark; --ground: #f3f5f3; --surface: #ffffff; --ink: #17211e;
  --soft: #53625d; --rule: #d8dfdb; --accent: #0b6b5d; --block: #ad1f1f; --warn: #865200;
  --advise: #2a5fa5; }
@media (prefers-color-scheme: dark) { :root { --ground: #0e1412; --surface: #161e1b;
  --ink: #e4ebe7; --soft: #9aaaa4; --rule: #2a3632; --accent: #62d3bb; --block: #ff928a;
  --warn: #f2bd62; --advise: #8fbcff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 1.5rem clamp(0.75rem, 3vw, 2.5rem) 4rem;
  background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
  overflow-wrap: break-word; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.2rem; margin: 2.2rem 0 0.6rem; }
h3 { font-size: 1.02rem; margin: 0; }
a { color: var(--accent); }
code { font: 0.88em ui-monospace, "Cascadia Code", "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
.soft { color: var(--soft); margin: 0.2rem 0; }
.counts { display: flex; flex-wrap: wrap; gap: 0.6rem; padding: 0; margin: 1.2rem 0; list-style: none; }
.counts li { background: var(--surface); border: 1px solid var(--rule); border-radius: 9px;
  padding: 0.5rem 0.9rem; min-width: 6.5rem; }
.counts b { display: block; font-size: 1.5rem; line-height: 1.2; }
.block b { color: var(--block); } .warn b { color: var(--warn); } .advise b { color: var(--advise); }
@media (max-width: 40rem) { .counts { display: grid; grid-template-columns: repeat(3, 1fr); }
  .counts li { min-width: 0; padding: 0.4rem 0.6rem; } }
.map { background: var(--surface); border: 1px solid var(--rule); border-radius: 12px;
  overflow: auto; max-height: 85vh; margin: 0; padding: 0.5rem; }
@media (min-width: 60rem) { .map.fitting > svg { max-width: 100%; height: auto; } }
.rule { background: var(--surface); border: 1px solid var(--rule); border-radius: 12px;
  padding: 1rem 1.2rem; margin: 0.8rem 0; }
.level { border: 1px solid currentcolor; border-radius: 99px; font-size: 0.78rem; font-weight: 600;
  padding: 0.05rem 0.6rem; margin-left: 0.5rem; vertical-align: 0.1em; }
.level.block { color: var(--block); } .level.warn { color: var(--warn); }
.level.advise { color: var(--advise); }
ul.found { padding-left: 1.1rem; margin: 0.6rem 0 0; } ul.found > li { margin: 0.5rem 0; }
:target { outline: 2px solid var(--accent); outline-offset: 4px; border-radius: 6px; }
table { border-collapse: collapse; } td, th { text-align: left; padding: 0.2rem 1rem 0.2rem 0;
  vertical-align: top; }
details { margin: 0.5rem 0; } summary { cursor: pointer; }
@media print { .map { max-height: none; overflow: visible; } .rule { break-inside: avoid; } }
"""
    + MAP_STYLE
)


FITTING_PX_MAX = 1_700
"""The widest map that is made as narrow as the page: words on a wider one would be too small."""
_WIDTH = re.compile(r'<svg[^>]* width="([0-9.]+)"')
SHOWN_MAX = 200
"""Findings of one rule, or of one list, on a page; more are counted."""


def html_page(report: Report, system: System, places: Places, *, source: str) -> str:
    """The whole page. Its policy allows its own style sheet, by digest, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    body = "\n".join(_body(report, system, places, source))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Review of {escape(report.name)}</title>
<style>{_STYLE}</style>
</head>
<body>
{body}
</body>
</html>"""


def _body(report: Report, system: System, places: Places, source: str) -> Iterator[str]:
    given = ", ".join(report.given) or "none"
    yield f"<h1>Review of {escape(report.name)}</h1>"
    yield (
        f'<p class="soft"><code>{escape(source)}</code> on {report.today.isoformat()}; '
        f"evidence: {given}</p>"
    )
    yield from _counts(report)
    yield "<h2>The system</h2>"
    yield _map(draw(system, marks_of(report), whole=False))
    told: set[str] = set()
    for severity, of_severity in groupby(report.broken, key=lambda f: f.rule.severity):
        yield f"<h2>{severity.capitalize()}</h2>"
        for _, grouped in groupby(of_severity, key=lambda f: f.rule.id):
            yield from _rule(list(grouped), places, told)
    if not report.broken:
        yield "<h2>Nothing is broken</h2>"
    yield from _aside("From before", report.before, _short)
    yield from _aside("Waived", report.waived, _waived)
    yield from _missing(report)
    yield from _aside("Undecided", report.undecided, _undecided)
    yield from _patterns(report)
    if report.remarks:
        yield "<h2>Notes</h2>"
        yield f"<ul>{''.join(f'<li>{_words(remark)}</li>' for remark in report.remarks)}</ul>"


def _map(drawn: str) -> str:
    """As wide as the page where it can still be read then; else it scrolls."""
    found = _WIDTH.search(drawn)
    fits = found is not None and float(found[1]) <= FITTING_PX_MAX
    return f'<figure class="map{" fitting" if fits else ""}">{drawn}</figure>'


def _counts(report: Report) -> Iterator[str]:
    counts = counted(report.broken)
    shown = [(level, counts[level]) for level in reversed(LEVELS) if level != "off"]
    shown += [("undecided", len(report.undecided)), ("waived", len(report.waived))]
    if report.since:
        shown.append((f"before {report.since}", len(report.before)))
    shown.append(("in order", report.held))
    items = "".join(f'<li class="{escape(n)}"><b>{count}</b>{escape(n)}</li>' for n, count in shown)
    yield f'<ul class="counts">{items}</ul>'


def _rule(findings: list[Finding], places: Places, told: set[str]) -> Iterator[str]:
    rule, level = findings[0].rule, findings[0].level
    yield f'<section class="rule"><h3>{escape(rule.id)} {_words(rule.title)}'
    yield f'<span class="level {level}">{level}</span></h3>'
    yield f'<p class="soft">{_words(rule.why)}</p>'
    yield '<ul class="found">'
    for finding in findings[:SHOWN_MAX]:
        yield _item(finding, places, told)
    yield f"{_more(len(findings))}</ul>"
    yield f'<p class="soft">Sources: {escape("; ".join(rule.sources))}</p></section>'


def _item(finding: Finding, places: Places, told: set[str]) -> str:
    judgement = finding.judgement
    subject = judgement.subject
    name = f' id="{escape(anchor_of(subject))}"' if subject and subject not in told else ""
    told.add(subject)
    place = places(judgement.at)
    line = f" (line {place[0]})" if place else ""
    parts = [
        f"<li{name}><code>{escape(place_of(finding))}</code>{line}: {_words(judgement.what)}",
        f'<p class="soft">By way of {escape(" → ".join(judgement.way))}</p>'
        if judgement.way
        else "",
        f'<p class="soft">Mend: {_words(judgement.fix)}</p></li>',
    ]
    return "".join(parts)


def _aside(
    title: str, findings: Iterable[Finding], tell: Callable[[Finding], str]
) -> Iterator[str]:
    found = list(findings)
    if found:
        items = "".join(f"<li>{tell(finding)}</li>" for finding in found[:SHOWN_MAX])
        yield f"<details><summary>{title}: {len(found)}</summary>"
        yield f'<ul class="found">{items}{_more(len(found))}</ul></details>'


def _more(count: int) -> str:
    left = count - SHOWN_MAX
    return f"<li>and {left} more: the JSON report has them all</li>" if left > 0 else ""


def _short(finding: Finding) -> str:
    what = finding.judgement.what
    return f"{finding.rule.id} <code>{escape(place_of(finding))}</code>: {_words(what)}"


def _waived(finding: Finding) -> str:
    waiver = finding.waiver
    assert waiver is not None
    told = f"{waiver.reason} ({waiver.owner}, until {waiver.expires})"
    return f"{finding.rule.id} <code>{escape(place_of(finding))}</code>: {_words(told)}"


def _undecided(finding: Finding) -> str:
    asked = ", ".join(finding.judgement.missing)
    return (
        f"{finding.rule.id} <code>{escape(place_of(finding))}</code> needs "
        f"<code>{escape(asked)}</code>"
    )


def _patterns(report: Report) -> Iterator[str]:
    if not report.patterns:
        return
    yield "<h2>Design patterns</h2><table><thead><tr><th>pattern</th><th>in use at</th>"
    yield "<th>would help at</th></tr></thead><tbody>"
    for each in report.patterns:
        present = dict.fromkeys(found.subject or "the system" for found in each.present)
        wanted = {found.subject or "the system": found.why for found in each.suggested}
        yield f'<tr><td title="{escape(each.aim)}">{escape(each.title)}</td><td>'
        yield f"{', '.join(f'<code>{escape(name)}</code>' for name in present)}</td><td>"
        named = (
            f'<code title="{escape(why)}">{escape(name)}</code>' for name, why in wanted.items()
        )
        yield f"{', '.join(named)}</td></tr>"
    yield "</tbody></table>"


def _words(text: str) -> str:
    """Text as HTML; what stands between back ticks is code."""
    parts = escape(text).split("`")
    if len(parts) % 2 == 0:
        return "`".join(parts)
    return "".join(f"<code>{p}</code>" if n % 2 else p for n, p in enumerate(parts))


def _missing(report: Report) -> Iterator[str]:
    missing = report.missing()
    if not missing:
        return
    yield "<h2>What would decide most of the undecided</h2><table>"
    for name, count in missing[:12]:
        yield f"<tr><td><code>{escape(name)}</code></td><td>{count}</td></tr>"
    yield "</table>"
