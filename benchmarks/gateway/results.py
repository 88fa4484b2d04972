"""From rows to medians, ratios and tables."""

import re
import statistics
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from stages import Step

MARKS = ("<!-- measured: begin -->", "<!-- measured: end -->")
NGINX_TIMES_MAX = {"chat": 2.0, "stream": 1.5}
"""At most so many times nginx's CPU per call."""
NGINX_ADDED_P99_TIMES_MAX = 2.0
"""At most so many times what nginx adds to the 99th percentile, at ``ADDED_AT`` calls at a time."""
ADDED_AT = 64
LITELLM_TIMES_MIN = 200.0
"""At least so many times less than LiteLLM's."""
PEERS = ("tensorzero", "portkey")
"""Holdfast must use less than each of these."""
NAMES = {
    "direct": "no gateway",
    "nginx": "nginx",
    "holdfast": "**Holdfast**",
    "tensorzero": "TensorZero",
    "portkey": "Portkey",
    "litellm": "LiteLLM",
}

STAGES_SAID = """\
From the records of the last calls of the run; time passed, not CPU, so waiting is in it. Reading the
request, the commit of the record and the answer's way out come on top."""

Row = dict[str, Any]


class Case(NamedTuple):
    """One kind of call at one number of connections, and at most ``pace`` calls a second in all."""

    kind: str
    connections: int
    pace: int = 0

    @property
    def title(self) -> str:
        what = "Chat" if self.kind == "chat" else "Stream of 50 events"
        if self.pace:
            return f"{what}, {self.connections} connections, {self.pace:,} calls a second in all"
        return f"{what}, {self.connections} at a time"


class Ratio(NamedTuple):
    """Of two targets' CPU per call: the median over repetitions, and how far it moved."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        digits = 0 if self.median >= 20 else 1
        return f"{self.median:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


def median(rows: Iterable[Row], key: str) -> float:
    return statistics.median(row[key] for row in rows)


def select(rows: list[Row], target: str, case: Case) -> list[Row]:
    return [row for row in rows if row["target"] == target and _case_of(row) == case]


def _case_of(row: Row) -> Case:
    return Case(row["kind"], row["connections"], row["pace"])


def ratio(rows: list[Row], over: str, under: str, case: Case) -> Ratio | None:
    """CPU per call of ``over`` divided by that of ``under``, within each repetition."""
    uppers = {row["repetition"]: row["cpu_us"] for row in select(rows, over, case)}
    lowers = {row["repetition"]: row["cpu_us"] for row in select(rows, under, case)}
    both = [uppers[r] / lowers[r] for r in sorted(uppers.keys() & lowers.keys())]
    return Ratio(statistics.median(both), min(both), max(both)) if both else None


def cases_of(rows: list[Row]) -> list[Case]:
    found = dict.fromkeys(_case_of(row) for row in rows)
    return sorted(found)


def _us(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _row(rows: list[Row], target: str, case: Case) -> str:
    mine = select(rows, target, case)
    cpu = [row["cpu_us"] for row in mine]
    times = ratio(rows, target, "nginx", case) if target not in ("direct", "nginx") else None
    cells = [
        NAMES[target],
        "" if target == "direct" else _us(statistics.median(cpu)),
        "" if target == "direct" else f"{_us(min(cpu))} to {_us(max(cpu))}",
        str(times or ("1" if target == "nginx" else "")),
        f"{median(mine, 'rps'):,.0f}",
        f"{median(mine, 'p50_ms'):.2f} / {median(mine, 'p99_ms'):.2f}",
    ]
    if case.kind == "stream":
        cells.append(f"{median(mine, 'first_p50_ms'):.2f} / {median(mine, 'first_p99_ms'):.2f}")
    return "| " + " | ".join(cells) + " |"


def case_table(rows: list[Row], case: Case) -> str:
    """All targets in one case, as Markdown."""
    heads = ["through", "CPU us a call", "range", "times nginx", "calls/s", "p50 / p99 ms"]
    if case.kind == "stream":
        heads.append("first event p50 / p99 ms")
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    lines += [_row(rows, target, case) for target in NAMES if select(rows, target, case)]
    return "\n".join(lines)


def stage_table(steps: list[Step]) -> str:
    """Where the time of a call goes, as Markdown."""
    lines = ["| stage | us | what |", "|---|---:|---|"]
    lines += [f"| {step.name} | {step.mean_us:.1f} | {step.what} |" for step in steps]
    return "\n".join(lines)


def process_line(rows: list[Row], case: Case) -> str:
    """How Holdfast's CPU per call divides over its processes."""
    mine = select(rows, "holdfast", case)
    names = sorted({name for row in mine for name in row["cpu_us_by_process"]})
    parts = [
        f"{name.rpartition('.')[2].replace('cli', 'keeper')} "
        f"{_us(statistics.median(row['cpu_us_by_process'].get(name, 0.0) for row in mine))}"
        for name in names
    ]
    return f"Of Holdfast's, by process (us): {', '.join(parts)}." if parts else ""


def verdicts(rows: list[Row]) -> list[str]:
    """The targets, met or missed, case by case."""
    said: list[str] = []
    for case in cases_of(rows):
        most = NGINX_TIMES_MAX[case.kind]
        against_nginx = ratio(rows, "holdfast", "nginx", case)
        if against_nginx is not None:
            said.append(
                f"{case.title}: Holdfast uses {against_nginx} times nginx's CPU "
                f"(target: at most {most:g}): {_met(ok=against_nginx.median <= most)}"
            )
        if case == Case("chat", ADDED_AT):
            said += _added_verdict(rows, case)
        said += _peer_verdicts(rows, case)
    return said


def _met(*, ok: bool) -> str:
    return "met" if ok else "MISSED"


def _peer_verdicts(rows: list[Row], case: Case) -> Iterator[str]:
    if case.kind == "chat" and (found := ratio(rows, "litellm", "holdfast", case)):
        yield (
            f"{case.title}: LiteLLM uses {found} times Holdfast's CPU (target: at least "
            f"{LITELLM_TIMES_MIN:g}): {_met(ok=found.median >= LITELLM_TIMES_MIN)}"
        )
    for peer in PEERS:
        if found := ratio(rows, peer, "holdfast", case):
            yield (
                f"{case.title}: {NAMES[peer]} uses {found} times Holdfast's CPU "
                f"(target: more than 1): {_met(ok=found.median > 1)}"
            )


def _added_verdict(rows: list[Row], case: Case) -> Iterator[str]:
    """What a gateway adds to the 99th percentile of a call that goes straight to the upstream."""
    slowest = {
        (row["target"], row["repetition"]): row["p99_ms"]
        for target in ("direct", "nginx", "holdfast")
        for row in select(rows, target, case)
    }
    times: list[float] = []
    for repetition in sorted({number for _, number in slowest}):
        direct, nginx, ours = (
            slowest.get((target, repetition)) for target in ("direct", "nginx", "holdfast")
        )
        if direct is not None and nginx is not None and ours is not None and nginx > direct:
            times.append((ours - direct) / (nginx - direct))
    if times:
        found = Ratio(statistics.median(times), min(times), max(times))
        yield (
            f"{case.title}: Holdfast adds {found} times what nginx adds to the 99th percentile "
            f"(target: at most {NGINX_ADDED_P99_TIMES_MAX:g}): "
            f"{_met(ok=found.median <= NGINX_ADDED_P99_TIMES_MAX)}"
        )


def noise_line(rows: list[Row]) -> str:
    """How much anybody else used the two cores meanwhile."""
    gateway = [row["foreign_gateway_core"] for row in rows if row["target"] != "direct"]
    load = [row["foreign_load_core"] for row in rows if row["target"] != "direct"]
    return (
        f"Used by anything else on the gateway's core: {statistics.median(gateway):.2f} of it in "
        f"the median cell, {max(gateway):.2f} in the worst; on the load's core: "
        f"{statistics.median(load):.2f} and {max(load):.2f}."
    )


def report(result: dict[str, Any]) -> str:
    """Everything that was measured, as Markdown."""
    rows, about = result["rows"], result["about"]
    versions = ", ".join(f"{name} {v}" for name, v in about["versions"].items() if v)
    how = (
        f"Measured {about['date']} on {about['machine']}; {versions}, Python {about['python']}; "
        f"{about['repetitions']} repetitions of {about['measure_s']:g} s a cell, targets taking "
        f"turns; medians. {noise_line(rows)}"
    )
    parts = [how]
    parts += [f"Not measured: {reason}." for reason in about["skipped"]]
    for case in cases_of(rows):
        parts += [f"### {case.title}", case_table(rows, case)]
        if line := process_line(rows, case):
            parts.append(line)
    parts += ["### Against the targets", "\n".join(f"- {line}" for line in verdicts(rows))]
    if result["steps"]:
        steps = [Step(*step) for step in result["steps"]]
        parts += ["### Where a call's time goes in Holdfast", STAGES_SAID, stage_table(steps)]
    return "\n\n".join(parts)


def write_docs(path: Path, text: str, marks: tuple[str, str] = MARKS) -> None:
    """Put a report between the marks of a page."""
    begin, end = marks
    page = path.read_text()
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"{path} has no '{begin}' and '{end}'")
    path.write_text(pattern.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", page))
