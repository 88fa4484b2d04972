"""Line charts as SVG, by hand: axes with words and units, a legend, readable on light and on dark.

Colours follow what the reader's system prefers, the background with them, so the picture stands on
any page. Lines differ in dash and marker too, not in colour alone.
"""

import math
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 74, 24, 52, 62
TICKS = 6
MARKS_MAX = 40
"""More points than this are drawn as a line without marks."""

_STYLE = """\
  svg { --paper: #ffffff; --ink: #1b1f24; --faint: #d5dade; --soft: #57606a;
        --c0: #0b5cad; --c1: #b34700; --c2: #1a7f45; --c3: #7a3fb0; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #14181d; --ink: #e8ebee; --faint: #333b44; --soft: #a3adb8;
          --c0: #6cb2ff; --c1: #ff9d57; --c2: #5fd38d; --c3: #c79bf2; } }
  .paper { fill: var(--paper); }
  text { fill: var(--ink); font: 13px system-ui, sans-serif; }
  .title { font-size: 15px; font-weight: 600; }
  .tick { fill: var(--soft); font-size: 12px; }
  .grid { stroke: var(--faint); stroke-width: 1; }
  .axis { stroke: var(--soft); stroke-width: 1; }
  .line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
"""
_DASHES = ("", "7 4", "2 3", "9 3 2 3")


@dataclass(frozen=True)
class Line:
    """``quiet`` lines are references: thin, in the axis's colour, without marks."""

    name: str
    points: list[tuple[float, float]]
    quiet: bool = False


@dataclass(frozen=True)
class Chart:
    """What a picture says; ``x_log`` spaces the x axis by powers. Values begin at 0 else."""

    title: str
    x_title: str
    y_title: str
    lines: list[Line]
    x_log: bool = False
    x_ticks: list[float] = field(default_factory=list)
    y_max: float | None = None


class _Scale:
    """From values to places on paper."""

    def __init__(self, chart: Chart) -> None:
        xs = [x for line in chart.lines for x, _ in line.points]
        ys = [y for line in chart.lines for _, y in line.points]
        self.log = chart.x_log
        self.x_low = min(xs) if chart.x_log else 0.0
        self.x_high = max(xs)
        self.y_ticks = _round_ticks(chart.y_max or max(ys))
        self.x_ticks = chart.x_ticks or _round_ticks(self.x_high)
        if not chart.x_log and not chart.x_ticks:
            self.x_ticks = [tick for tick in self.x_ticks if tick <= self.x_high * 1.001]
        self.y_high = self.y_ticks[-1]

    def x(self, value: float) -> float:
        low, high = self.x_low, self.x_high
        if self.log:
            value, low, high = math.log10(value), math.log10(low), math.log10(high)
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self.y_high * (HEIGHT - TOP - BOTTOM)


def svg(chart: Chart) -> str:
    """The picture."""
    scale = _Scale(chart)
    middle = (LEFT + WIDTH - RIGHT) / 2
    said = "; ".join(line.name for line in chart.lines)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'aria-labelledby="t d">'
        ),
        f'<title id="t">{escape(chart.title)}</title>',
        f'<desc id="d">{escape(f"{chart.y_title} over {chart.x_title}: {said}")}</desc>',
        f"<style>\n{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        f'<text class="title" x="{LEFT}" y="22">{escape(chart.title)}</text>',
        *_axes(scale),
        f'<text x="{middle:.0f}" y="{HEIGHT - 14}" text-anchor="middle">{escape(chart.x_title)}</text>',
        (
            f'<text transform="translate(18 {(TOP + HEIGHT - BOTTOM) / 2:.0f}) rotate(-90)" '
            f'text-anchor="middle">{escape(chart.y_title)}</text>'
        ),
    ]
    loud = 0
    at = LEFT
    for line in chart.lines:
        parts += _drawn(line, loud, scale)
        parts += _legend(line, loud, at)
        at += 58 + round(7 * len(line.name))
        loud += not line.quiet
    return "\n".join([*parts, "</svg>", ""])


def _axes(scale: _Scale) -> list[str]:
    left, right = LEFT, WIDTH - RIGHT
    bottom = HEIGHT - BOTTOM
    parts: list[str] = []
    for tick in scale.y_ticks:
        y = scale.y(tick)
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text class="tick" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{_number(tick)}</text>'
        )
    for tick in scale.x_ticks:
        x = scale.x(tick)
        parts.append(
            f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 5}"/>'
        )
        parts.append(
            f'<text class="tick" x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{_number(tick)}</text>'
        )
    parts.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
    return parts


def _look(line: Line, place: int) -> str:
    if line.quiet:
        return 'style="stroke: var(--soft); stroke-width: 1.4" stroke-dasharray="3 4"'
    dash = _DASHES[place % len(_DASHES)]
    return f'style="stroke: var(--c{place % 4})"' + (f' stroke-dasharray="{dash}"' if dash else "")


def _drawn(line: Line, place: int, scale: _Scale) -> list[str]:
    at = [(scale.x(x), scale.y(y)) for x, y in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    parts = [f'<polyline class="line" {_look(line, place)} points="{path}"/>']
    if not line.quiet and len(at) <= MARKS_MAX:
        parts += [_mark(x, y, place) for x, y in at]
    return parts


def _mark(x: float, y: float, place: int) -> str:
    look = f'style="fill: var(--c{place % 4})"'
    if place % 2:
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" {look}/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.8" {look}/>'


def _legend(line: Line, place: int, at: float) -> list[str]:
    y = 38
    parts = [
        f'<line class="line" {_look(line, place)} x1="{at}" x2="{at + 24}" y1="{y}" y2="{y}"/>'
    ]
    if not line.quiet and len(line.points) <= MARKS_MAX:
        parts.append(_mark(at + 12, y, place))
    return [*parts, f'<text x="{at + 30}" y="{y + 4}">{escape(line.name)}</text>']


def _round_ticks(highest: float) -> list[float]:
    """From 0 to at least ``highest``, in steps people count in."""
    if highest <= 0:
        return [0.0, 1.0]
    rough = highest / TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= rough)
    return [step * n for n in range(math.ceil(highest / step - 1e-9) + 1)]


def _number(value: float) -> str:
    if value >= 1_000_000 and value % 100_000 == 0:
        return f"{value / 1_000_000:g} M"
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"
