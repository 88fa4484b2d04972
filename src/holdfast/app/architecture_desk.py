"""What analyses say of the blueprint in force, for the console: asked once, kept until it changes."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from holdfast.app.review_rules import rules_and_packs
from holdfast.blueprint import Blueprint, read_yaml
from holdfast.blueprint.blast import (
    Assumptions,
    Equations,
    How,
    Impact,
    NoSolverError,
    impact,
    load_z3,
)
from holdfast.blueprint.graph import System
from holdfast.blueprint.proofs import guarded
from holdfast.blueprint.review import Evidence, Settings, review
from holdfast.blueprint.review.report import Places, WrittenPlaces, nowhere
from holdfast.faces import Proven, Reviewed
from holdfast.world.ports import Clock

TEXT_CHARACTERS_MAX = 1_000_000
"""A blueprint longer than this was written by a program: its lines tell people nothing."""


class ArchitectureDesk:
    """A ``faces`` ``ArchitectureView``. Its methods block; threads share it, one works at a time."""

    def __init__(self, file: Path, *, blueprint: Callable[[], Blueprint], clock: Clock) -> None:
        self._file = file
        self._blueprint = blueprint
        self._clock = clock
        self._working = threading.Lock()
        self._system: System | None = None
        self._equations: Equations | None = None
        self._reviewed: tuple[System, date, Reviewed] | None = None
        self._proven: tuple[System, Proven] | None = None

    def review(self) -> Reviewed:
        """Without evidence beyond the blueprint; what it names is read from its folder."""
        with self._working:
            system, today = self._current(), self._today()
            if (
                self._reviewed is not None
                and self._reviewed[0] is system
                and self._reviewed[1] == today
            ):
                return self._reviewed[2]
            rules, packs = rules_and_packs(system.blueprint, self._file.parent, ())
            settings = Settings(rules=rules, packs=packs)
            found = Reviewed(
                report=review(system, Evidence(), today, settings=settings),
                places=_places(system.blueprint, str(self._file)),
                source=self._file.name,
            )
            self._reviewed = system, today, found
            return found

    def blast(self, part: str, *, how: How) -> Impact:
        with self._working:
            system = self._current()
            if self._equations is None or self._equations.system is not system:
                self._equations = Equations(system, Assumptions())
            return impact(system, (part,), equations=self._equations, how=how)

    def proven(self) -> Proven:
        """That guards are on every way, which needs no solver."""
        with self._working:
            system = self._current()
            if self._proven is None or self._proven[0] is not system:
                found = Proven(proofs=guarded(system), has_solver=_has_solver())
                self._proven = system, found
            return self._proven[1]

    def _current(self) -> System:
        blueprint = self._blueprint()
        if self._system is None or self._system.blueprint is not blueprint:
            self._system = System(blueprint)
        return self._system

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now() / 1_000_000, UTC).date()


def _places(blueprint: Blueprint, source: str) -> Places:
    if len(blueprint.text) > TEXT_CHARACTERS_MAX:
        return nowhere
    return WrittenPlaces(read_yaml(blueprint.text, source=source))


def _has_solver() -> bool:
    try:
        load_z3()
    except NoSolverError:
        return False
    return True
