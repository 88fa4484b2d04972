"""What a map's template needs. Pure."""

from dataclasses import dataclass

from holdfast.faces.web.chart.plan import Frame, Place, Stroke


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A word or number beside a part of the map; ``href`` is its evidence, ``about`` says all of
    it to who cannot see it. ``width`` fits the word."""

    tone: str
    text: str
    about: str
    href: str = ""

    @property
    def width(self) -> int:
        return max(round(7.6 * len(self.text)) + 12, 22)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeMark:
    """A box as it is now. ``below`` replaces the type where something must be said; ``load`` is how
    full it is, in words, and ``load_share`` in hundredths; ``top`` stands on its upper right corner,
    ``left`` on the upper left. ``href`` is where the box leads."""

    place: Place
    tone: str = ""
    below: str = ""
    load: str = ""
    load_href: str = ""
    load_share: float | None = None
    top: Badge | None = None
    left: Badge | None = None
    href: str = ""
    link_about: str = ""
    notes: str = ""
    is_found: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMark:
    """A line as it is now. ``state`` are its classes; ``label`` is its number, ``href`` where that
    comes from; ``badge`` stands on its middle; ``told`` says all of it in words."""

    stroke: Stroke
    state: str
    label: str = ""
    href: str = ""
    badge: Badge | None = None
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Calls that no relationship allows: from a node to what it asked for, declared or not. An empty
    ``caller`` is one that could not be told."""

    caller: str
    callee: str
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GhostMark:
    """A party that the blueprint does not know."""

    x: float
    y: float
    width: float
    name: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StrayMark:
    """An attempt drawn."""

    path: str
    head: str
    x: float
    y: float
    badge: Badge


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A part of the map in words."""

    id: str
    text: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMark:
    """A frame; ``href`` folds it."""

    frame: Frame
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartView:
    """All that the map's template needs. ``shown_width`` and ``shown_height`` are in the page's own
    unit, so that the map grows with its letters."""

    size: str
    width: int
    height: int
    shown_width: str
    shown_height: str
    frames: tuple[FrameMark, ...]
    lines: tuple[LineMark, ...]
    nodes: tuple[NodeMark, ...]
    ghosts: tuple[GhostMark, ...] = ()
    strays: tuple[StrayMark, ...] = ()
    told: tuple[Told, ...] = ()
