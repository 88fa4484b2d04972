"""The growing side of the tree, held in memory: what the next entries need, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.audit.merkle import root_of
from holdfast.audit.tiles import WIDTH, TileReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A tile to write: full when it has 256 hashes."""

    level: int
    number: int
    hashes: tuple[bytes, ...]

    @property
    def data(self) -> bytes:
        return b"".join(self.hashes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The unfinished tile of every level of a tree of ``size`` entries. A value: growing makes one.

    ``levels[n]`` holds the hashes of level n that no full tile covers yet.
    """

    size: int = 0
    levels: tuple[tuple[bytes, ...], ...] = ()

    @classmethod
    def load(cls, tiles: TileReader, size: int) -> "Edge":
        """The edge as the tiles of a log of ``size`` entries have it; ``LogError`` if they lack."""
        levels: list[tuple[bytes, ...]] = []
        hashes = size
        while hashes:
            number, width = divmod(hashes, WIDTH)
            levels.append(tuple(tiles.tile(len(levels), number)) if width else ())
            hashes = number
        return cls(size=size, levels=tuple(levels))

    def extended(self, leaves: Sequence[bytes]) -> tuple["Edge", list[Tile]]:
        """The edge after ``leaves``, and every tile that they finish or change."""
        levels: list[tuple[bytes, ...]] = []
        changed: list[Tile] = []
        new: Sequence[bytes] = leaves
        while new or len(levels) < len(self.levels):
            level = len(levels)
            old = self.levels[level] if level < len(self.levels) else ()
            first = (self.size >> (8 * level)) // WIDTH
            tiles = _tiles(level, first, (*old, *new)) if new else []
            changed += tiles
            full = [tile for tile in tiles if len(tile.hashes) == WIDTH]
            rest = tiles[-1].hashes if len(tiles) > len(full) else ()
            levels.append(rest if new else old)
            new = [root_of(tile.hashes) for tile in full]
        return Edge(size=self.size + len(leaves), levels=tuple(levels)), changed

    def root(self) -> bytes:
        """The root: each level's hashes, with what the level below comes to as their last."""
        below: tuple[bytes, ...] = ()
        for hashes in self.levels:
            nodes = (*hashes, *below)
            below = (root_of(nodes),) if nodes else ()
        return root_of(below)


def _tiles(level: int, first: int, hashes: tuple[bytes, ...]) -> list[Tile]:
    starts = range(0, len(hashes), WIDTH)
    return [
        Tile(level=level, number=first + count, hashes=hashes[start : start + WIDTH])
        for count, start in enumerate(starts)
    ]
