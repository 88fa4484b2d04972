"""Where Holdfast's time goes, from its own records: the time between the marks of each call."""

from pathlib import Path
from typing import NamedTuple

from holdfast.app import wiring
from holdfast.app.datadir import DataDir
from holdfast.audit import CallRecord, decode_record

RECORDS = 1_000
TRIM = 0.05
"""Left out at either end: a call that the scheduler interrupted says nothing about its stages."""

STEPS = (
    ("accept", "id, headers, the fields of the body that decisions need"),
    ("authenticate", "SHA-256 of the key, look-up"),
    ("authorize", "relationship, Cedar decision (cached)"),
    ("guard", "limits"),
    ("route", "the bytes for the upstream"),
    ("send and wait", "until the answer's head: the upstream's time, and other calls' turns"),
    ("read answer", "body, usage, salted digests of prompt and answer"),
)


class Step(NamedTuple):
    """Microseconds between two marks: mean without the extremes, and the median."""

    name: str
    what: str
    mean_us: float
    median_us: int


def steps_of(data: Path) -> list[Step]:
    """From the newest whole calls of the log that Holdfast left in ``data``."""
    folder = DataDir(data)
    store = wiring.open_store(folder)
    try:
        entries = wiring.open_reader(folder, store=store).recent(RECORDS)
        records = [decode_record(entry.data) for entry in entries]
    finally:
        store.close()
    return steps([record for record in records if record.event == "call"])


def steps(records: list[CallRecord]) -> list[Step]:
    """Marks are whole microseconds; the mean of many differences is finer than that."""
    whole = [record.stages_us for record in records if len(record.stages_us) == len(STEPS)]
    found: list[Step] = []
    for place, (name, what) in enumerate(STEPS):
        times = sorted(marks[place] - (marks[place - 1] if place else 0) for marks in whole)
        cut = int(len(times) * TRIM)
        kept = times[cut : len(times) - cut]
        if kept:
            found.append(Step(name, what, sum(kept) / len(kept), kept[len(kept) // 2]))
    return found
