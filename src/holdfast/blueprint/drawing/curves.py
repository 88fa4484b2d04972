"""Lines of a map as SVG has them: curves, arrow heads, places for words."""

from collections.abc import Sequence

from holdfast.blueprint.drawing.layout import Point

_LOOP_RISE = 26.0


def curve_of(points: Sequence[Point]) -> str:
    """SVG path data: straight within a layer, an S-curve from one layer to the next."""
    (x, y), last = points[0], points[-1]
    if len(points) == 2:
        top = min(y, last[1]) - _LOOP_RISE - 20
        return f"M{x:.1f} {y:.1f}C{x + 40:.1f} {top:.1f} {last[0] - 40:.1f} {top:.1f} {last[0]:.1f} {last[1]:.1f}"
    parts = [f"M{x:.1f} {y:.1f}"]
    for number in range(1, len(points)):
        (px, py), (qx, qy) = points[number - 1], points[number]
        if number % 2:
            parts.append(f"L{qx:.1f} {qy:.1f}")
        else:
            half = (px + qx) / 2
            parts.append(f"C{half:.1f} {py:.1f} {half:.1f} {qy:.1f} {qx:.1f} {qy:.1f}")
    return "".join(parts)


def arrow_of(points: Sequence[Point]) -> str:
    """A triangle whose tip touches the destination."""
    x, y = points[-1]
    leftward = len(points) > 2 and points[-3][0] > x
    back = 9.0 if leftward else -9.0
    return f"{x:.1f},{y:.1f} {x + back:.1f},{y - 4.5:.1f} {x + back:.1f},{y + 4.5:.1f}"


def middle_of(points: Sequence[Point]) -> Point:
    """A point on the line near its middle: S-curves pass through the mean of their ends."""
    if len(points) == 2:
        return (points[0][0] + points[1][0]) / 2, min(points[0][1], points[1][1]) - _LOOP_RISE
    curve = (len(points) // 2 - 1) // 2
    (px, py), (qx, qy) = points[2 * curve + 1], points[2 * curve + 2]
    return (px + qx) / 2, (py + qy) / 2


def shortened(text: str, limit: int) -> str:
    """At most ``limit`` characters, the last an ellipsis where something was left out."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
