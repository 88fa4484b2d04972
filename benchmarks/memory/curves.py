"""From samples of memory to tables and plots."""

from typing import Any

from chart import Chart, Line, svg

Samples = list[list[float]]
ROWS_AT = (0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 1.0)
FLAT_FROM = 0.25
"""Growth is told from this share of the calls on: before it, pools and caches fill."""
POINTS_MAX = 400
"""Of a plot."""


def report(result: dict[str, Any]) -> str:
    """Everything that was measured, as Markdown."""
    about = result["about"]
    parts = [f"Measured {about['date']} on {about['machine']}; holdfast {about['version']}."]
    if "calls" in result:
        parts += _calls(result["calls"])
    if "streams" in result:
        parts += _streams(result["streams"])
    return "\n\n".join(parts)


def charts(result: dict[str, Any]) -> dict[str, str]:
    """The plots, by file name."""
    found: dict[str, str] = {}
    if "calls" in result:
        found["memory-calls.svg"] = svg(_calls_chart(result["calls"]))
    if "streams" in result:
        found["memory-streams.svg"] = svg(_streams_chart(result["streams"]))
    return found


def _calls(found: dict[str, Any]) -> list[str]:
    samples: Samples = found["samples"]
    rows = ["| calls so far | worker MiB | keeper MiB |", "|---:|---:|---:|"]
    for share in ROWS_AT:
        done, keeper, worker = _at(samples, share * found["calls"])
        rows.append(f"| {done:,.0f} | {worker:.1f} | {keeper:.1f} |")
    early, last = _at(samples, FLAT_FROM * found["calls"]), samples[-1]
    apart = max(1.0, last[0] - early[0])
    grown = [(last[place] - early[place]) * 1024 * 1024 / apart for place in (2, 1)]
    return [
        f"### Over {found['calls']:,} calls",
        "![Memory over calls](../assets/memory-calls.svg)",
        "\n".join(rows),
        (
            f"From {early[0]:,.0f} calls on the worker grew by {grown[0]:.1f} bytes a call, the keeper "
            f"by {grown[1]:.1f}. The calls took {found['seconds']:.0f} s, 64 at a time; their "
            f"{found['records']:,} records take {found['disk_bytes'] / max(1, found['records']):,.0f} "
            "bytes of disk each, with the index, and verify."
        ),
    ]


def _at(samples: Samples, done: float) -> list[float]:
    return next((sample for sample in samples if sample[0] >= done), samples[-1])


def _streams(found: dict[str, Any]) -> list[str]:
    samples: Samples = found["samples"]
    workers = found["workers"]
    name = "worker MiB" if workers == 1 else f"{workers} workers MiB"
    rows = [f"| when | open streams | {name} | keeper MiB |", "|---|---:|---:|---:|"]
    rows.append(_stream_row("before", samples[0]))
    for number, (peak, rest) in enumerate(_rounds(samples), 1):
        rows.append(_stream_row(f"round {number}, all open", peak))
        rows.append(_stream_row(f"round {number}, all ended", rest))
    peaks = [peak for peak, _ in _rounds(samples)]
    # The first round fills pools, and the system deals streams to workers anew in each.
    first, last = peaks[min(1, len(peaks) - 1)], peaks[-1]
    each_kib = (last[3] - samples[0][3]) * 1024 / max(1.0, last[1])
    return [
        f"### With {found['streams']:,} streams open",
        "![Memory with open streams](../assets/memory-streams.svg)",
        "\n".join(rows),
        (
            f"An open stream takes {each_kib:.1f} KiB of a worker. From the second round's peak to the "
            f"last one's the workers grew by {last[3] - first[3]:.1f} MiB, the keeper by "
            f"{last[2] - first[2]:.1f}. Every stream's text was checked. A worker holds two open files "
            f"a stream; the limit of this machine made that {workers} "
            f"worker{'s' if workers > 1 else ''}."
        ),
    ]


def _stream_row(when: str, sample: list[float]) -> str:
    return f"| {when} | {sample[1]:,.0f} | {sample[3]:.1f} | {sample[2]:.1f} |"


def _rounds(samples: Samples) -> list[tuple[list[float], list[float]]]:
    """Of each round, the last sample with the most streams and the last without any."""
    found: list[tuple[list[float], list[float]]] = []
    peak = samples[0]
    rest: list[float] | None = None
    for sample in samples[1:]:
        if sample[1] and rest is not None:
            found.append((peak, rest))
            peak, rest = sample, None
        if sample[1] and sample[1] >= peak[1]:
            peak = sample
        elif not sample[1] and peak[1]:
            rest = sample
    return [*found, (peak, rest or samples[-1])]


def _thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    step = max(1, len(points) // POINTS_MAX)
    return [*points[:-1:step], points[-1]]


def _calls_chart(found: dict[str, Any]) -> Chart:
    samples: Samples = found["samples"]
    return Chart(
        title=f"Memory over {found['calls']:,} calls",
        x_title="calls answered",
        y_title="resident memory, MiB",
        lines=[
            Line("worker", _thin([(done, worker) for done, _, worker in samples])),
            Line("keeper", _thin([(done, keeper) for done, keeper, _ in samples])),
        ],
    )


def _streams_chart(found: dict[str, Any]) -> Chart:
    samples: Samples = found["samples"]
    workers = found["workers"]
    return Chart(
        title=f"Memory with up to {found['streams']:,} open streams",
        x_title="seconds",
        y_title="resident memory, MiB",
        lines=[
            Line(
                "open streams, hundreds", _thin([(s[0], s[1] / 100) for s in samples]), quiet=True
            ),
            Line(
                "worker" if workers == 1 else f"{workers} workers together",
                _thin([(s[0], s[3]) for s in samples]),
            ),
            Line("keeper", _thin([(s[0], s[2]) for s in samples])),
        ],
    )
