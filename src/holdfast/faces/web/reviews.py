"""What the review says of the blueprint in force, kept until it changes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from holdfast.blueprint import LEVELS, Level
from holdfast.core import HoldfastError
from holdfast.faces.architecture import ArchitectureView, Reviewed
from holdfast.faces.view import SystemView

_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFindings:
    """How many open findings one part has, and the gravest one's level."""

    count: int
    level: Level

    @property
    def gravity(self) -> int:
        return _gravity(self.level)


def _gravity(level: Level) -> int:
    return LEVELS.index(level)


Findings = Mapping[str, NodeFindings]
"""By the id of a node or relationship."""


class Reviews:
    """Asks for a review in a thread, once for each blueprint and day."""

    def __init__(self, view: SystemView, architecture: ArchitectureView | None) -> None:
        self._view = view
        self._architecture = architecture
        self._making: asyncio.Task[Reviewed | HoldfastError] | None = None
        self._key: tuple[str, int] | None = None
        self._marks: tuple[Reviewed, Findings] | None = None

    @property
    def is_there(self) -> bool:
        return self._architecture is not None

    def known(self) -> Reviewed | None:
        """The review if it is made already; asks for it otherwise, and does not wait."""
        making = self._start()
        if making is None or not making.done() or making.cancelled():
            return None
        found = making.result()
        return None if isinstance(found, HoldfastError) else found

    async def made(self) -> Reviewed | HoldfastError | None:
        """The review, or why it could not be made; None where nobody makes one."""
        making = self._start()
        return None if making is None else await asyncio.shield(making)

    def findings(self) -> Findings:
        """Open findings by node, as far as they are known."""
        reviewed = self.known()
        if reviewed is None:
            return {}
        if self._marks is None or self._marks[0] is not reviewed:
            self._marks = reviewed, findings_of(reviewed)
        return self._marks[1]

    def _start(self) -> "asyncio.Task[Reviewed | HoldfastError] | None":
        architecture = self._architecture
        if architecture is None:
            return None
        key = self._view.blueprint().digest, self._view.live().at // _DAY_US
        if self._making is None or self._key != key:
            self._key = key
            self._making = asyncio.get_running_loop().create_task(_made(architecture))
        return self._making


async def _made(architecture: ArchitectureView) -> Reviewed | HoldfastError:
    try:
        return await run_in_threadpool(architecture.review)
    except HoldfastError as error:
        return error


def findings_of(reviewed: Reviewed) -> Findings:
    """The open findings that are about one part each."""
    found: dict[str, NodeFindings] = {}
    for each in reviewed.report.broken:
        subject = each.judgement.subject
        if not subject:
            continue
        before = found.get(subject, NodeFindings(count=0, level="off"))
        level: Level = each.level if _gravity(each.level) > before.gravity else before.level
        found[subject] = NodeFindings(count=before.count + 1, level=level)
    return found
