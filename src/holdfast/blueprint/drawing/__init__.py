"""A system drawn: layered left to right, folded where it is large, marked with what is found.

Promises: ``draw`` gives one SVG without scripts, equal for equal systems and marks, readable on light
and on dark; ``laid_out`` places boxes and lines for whoever draws otherwise.
"""

from holdfast.blueprint.drawing.curves import arrow_of, curve_of, middle_of, shortened
from holdfast.blueprint.drawing.folding import SHOWN_MAX, Folded, folded
from holdfast.blueprint.drawing.layout import Box, Drawing, Edge, Line, laid_out
from holdfast.blueprint.drawing.map import Mark, Tone, draw
from holdfast.blueprint.drawing.style import MAP_STYLE

__all__ = [
    "MAP_STYLE",
    "SHOWN_MAX",
    "Box",
    "Drawing",
    "Edge",
    "Folded",
    "Line",
    "Mark",
    "Tone",
    "arrow_of",
    "curve_of",
    "draw",
    "folded",
    "laid_out",
    "middle_of",
    "shortened",
]
