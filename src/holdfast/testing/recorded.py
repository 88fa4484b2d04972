"""Drift in what the gateway itself recorded: a simulated system runs, and another one is declared.

The gateway is the real one, under virtual time; the evidence is its sealed log, read back as any
reader would. What is planted is in the declaration: it says something else than what ran.
"""

import json
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, TypeAlias, cast

from holdfast.audit import CallRecord, LogReader, decode_record
from holdfast.blueprint import Blueprint, load, read_yaml
from holdfast.blueprint.graph import System
from holdfast.loops.drift import Kind, Period, Question, Records, Report, Tally, compare
from holdfast.testing.declaring import blueprint_text, policy_text
from holdfast.testing.plan import Plan
from holdfast.testing.simulation import run_plan
from holdfast.testing.system import SimSystem

ENTRIES_MAX = 1_000
"""Entries that are read at once."""
TODAY = date(2026, 11, 21)

Declared: TypeAlias = dict[str, Any]
"""A blueprint as data, to be changed before it is loaded."""
Change: TypeAlias = Callable[[Declared], object]
Planted: TypeAlias = tuple[Kind, str, str]
"""The class of a finding, and its two ends."""


def sealed_in(reader: LogReader) -> tuple[CallRecord, ...]:
    """All records of a log, the oldest first."""
    found: list[CallRecord] = []
    before: int | None = None
    while entries := reader.recent(ENTRIES_MAX, before=before):
        found += (decode_record(entry.data) for entry in entries)
        before = entries[-1].index
    return tuple(reversed(found))


def sealed(system: SimSystem) -> tuple[CallRecord, ...]:
    """All records of a simulated system's log."""
    reader = LogReader(
        blobs=system.blobs,
        store=system.store,
        journals=system.journals,
        vkey=system.signer.vkey,
    )
    return sealed_in(reader)


def records_of(plan: Plan) -> tuple[CallRecord, ...]:
    """Run a plan and give what its log says; ``CheckError`` when a rule was broken meanwhile."""
    found: list[CallRecord] = []
    run_plan(plan, at_end=lambda system: found.extend(sealed(system)))
    return tuple(found)


def declared_of(plan: Plan) -> str:
    """The blueprint under which the plan ran."""
    return blueprint_text(plan.setup, plan.setup.pairs)


def changed(text: str, *changes: Change, policy: str = "") -> Blueprint:
    """Another declaration: the one in ``text`` after all ``changes``."""
    declared = cast("Declared", read_yaml(text, source="declared").data)
    for change in changes:
        change(declared)
    return load(json.dumps(declared), source="declared", read=lambda _name: policy)


def changed_plan(plan: Plan, *changes: Change) -> Blueprint:
    """``changed`` of the blueprint of a plan."""
    return changed(declared_of(plan), *changes, policy=policy_text(plan.setup))


def drift_of(records: Iterable[CallRecord], blueprint: Blueprint) -> Report:
    """What drift says of records; the whole time that they are of is the window."""
    tally = Tally()
    reader = Records(blueprint, tally)
    for record in records:
        reader.take(record)
    start, now = tally.span() or (0, 1)
    period = Period(start=start, now=now, window_us=now - start + 1)
    return compare(tally, Question(blueprint=blueprint, period=period, today=TODAY))


def found_in(report: Report) -> set[Planted]:
    """Everything that a report is sure enough of to report."""
    return {(f.kind, f.source, f.target) for f in report.findings if f.level != "note"}


def joined_in(records: Iterable[CallRecord], blueprint: Blueprint) -> set[tuple[str, str]]:
    """Of the declared pairs, those over which a call was carried: the truth, without drift's help."""
    system = System(blueprint)
    over = {record.relationship for record in records if record.decision == "allow"}
    over |= {record.fallback for record in records}
    return {(edge.source, edge.destination) for edge in system.edges if edge.id in over}
