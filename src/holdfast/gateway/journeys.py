"""Calls under way and calls just ended, for whoever watches; and the sweep of their deadlines."""

from collections import deque
from collections.abc import Callable
from itertools import islice

import msgspec

from holdfast.audit import CallRecord, RecordedOutcome
from holdfast.core import CallId
from holdfast.gateway.call import unfold
from holdfast.gateway.places import Place
from holdfast.policy import Obligation
from holdfast.world.ports import Clock

ROUTED_MARKS = 5
"""A call has a mark for each of accept, authenticate, authorize, guard, route; then the answer's."""
NEVER = float("inf")
HEDGE, QUEUE, FIRST, IDLE, TOTAL = "hedge", "queue_s", "first_byte_s", "idle_s", "total_s"
"""What a call waits for: the names of its limits."""
RECENT_MAX = 256
"""Ended calls kept for watchers; older ones are in the log."""


class Seen(msgspec.Struct, frozen=True, gc=False):
    """One call as a watcher sees it. ``marks_us`` are the times after each stage, from the start."""

    call: str
    at: int
    state: str
    principal: str | None
    resource: str | None
    relationship: str | None
    outcome: str | None
    rule: str | None
    status: int | None
    marks_us: tuple[int, ...]


class Approval(msgspec.Struct, gc=False):
    """A call's wait for a person: who said what (``approver`` also where it was no), for which
    ``groups`` it was a yes, how long it took, and what its caller was told meanwhile:
    ``is_opened`` with a record of its opening, ``has_events`` when the answer has begun."""

    groups: tuple[str, ...] = ()
    approver: str | None = None
    held_s: float = 0.0
    is_waiting: bool = True
    is_opened: bool = False
    has_events: bool = False


class Journey:
    """One call's way, mutable because a way is: its newest state, its times, its deadline.

    ``owed`` are obligations of a node that it fell back to.
    """

    __slots__ = (
        "approval",
        "attempts",
        "began",
        "call",
        "due",
        "due_in_all",
        "fallback",
        "is_cached",
        "limit",
        "marks",
        "on_due",
        "owed",
        "place",
        "seams",
        "state",
    )

    def __init__(self, call: CallId, began: float, state: object) -> None:
        self.call = call
        self.began = began
        self.marks: list[float] = []
        self.state = state
        self.due = NEVER
        self.due_in_all = NEVER
        self.limit = ""
        self.on_due: Callable[[], None] | None = None
        self.attempts = 0
        self.place: Place | None = None
        self.fallback: str | None = None
        self.seams: tuple[int, ...] = ()
        self.is_cached = False
        self.owed: tuple[Obligation, ...] = ()
        self.approval: Approval | None = None

    @property
    def held_s(self) -> float:
        """How long it waited for a person."""
        return 0.0 if self.approval is None else self.approval.held_s

    @property
    def has_events(self) -> bool:
        """Whether its answer has begun with notifications while it waited."""
        return self.approval is not None and self.approval.has_events

    def unheard(self, approvals: tuple[str, ...]) -> str | None:
        """What is wrong where policy wants the approval of others by now than gave it."""
        given = () if self.approval is None else self.approval.groups
        missing = [name for name in approvals if name not in given]
        if not missing:
            return None
        return f"policy changed meanwhile: it wants the approval of '{missing[0]}' too"

    def expect(self, limit: str, due: float) -> None:
        """The next thing must happen by ``due``, and all of it by ``due_in_all``."""
        if due < self.due_in_all:
            self.due, self.limit = due, limit
        else:
            self.due, self.limit = self.due_in_all, "total_s"

    def seen(self) -> Seen:
        """The call as a watcher sees it while it is under way."""
        known, allowed, routed = unfold(self.state)
        accepted = known.accepted if known is not None else None
        asked = accepted.asked if accepted is not None else None
        return Seen(
            call=self.call,
            at=accepted.at if accepted is not None else 0,
            state="answered"
            if len(self.marks) > ROUTED_MARKS
            else "routed"
            if routed
            else "accepted",
            principal=known.principal if known is not None else None,
            resource=asked.model if asked is not None else None,
            relationship=allowed.relationship.id if allowed is not None else None,
            outcome=None,
            rule=None,
            status=None,
            marks_us=self.marks_us(),
        )

    def marks_us(self) -> tuple[int, ...]:
        """Microseconds from the start to each mark."""
        began = self.began
        return tuple([int((mark - began) * 1_000_000) for mark in self.marks])


class Totals(msgspec.Struct):
    """Counts since the worker began."""

    calls: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    cancelled: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def count(self, outcome: RecordedOutcome) -> None:
        """One more call ended."""
        self.calls += 1
        match outcome:
            case "answered":
                self.answered += 1
            case "refused":
                self.refused += 1
            case "failed":
                self.failed += 1
            case "cancelled":
                self.cancelled += 1
            case "open":
                pass


class Journeys:
    """The table of calls of one worker."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.in_flight: dict[CallId, Journey] = {}
        self.recent: deque[tuple[CallRecord, bool]] = deque(maxlen=RECENT_MAX)
        self.ended = 0
        self.totals = Totals()

    def begin(self, journey: Journey) -> None:
        self.in_flight[journey.call] = journey

    def end(self, journey: Journey, record: CallRecord, *, lost: bool) -> None:
        """The call is over; ``lost`` when its record could not be made durable."""
        self.forget(journey)
        self.recent.append((record, lost))
        self.ended += 1

    def since(self, last: int) -> tuple[int, list[Seen]]:
        """Calls that ended after the ``last``-th, as far as still kept, and the new position."""
        fresh = min(self.ended - last, len(self.recent))
        newest = islice(reversed(self.recent), fresh)
        return self.ended, [_seen(record, lost=lost) for record, lost in newest][::-1]

    def longest(self, count: int) -> list[Journey]:
        """The calls that have been under way the longest."""
        return list(islice(self.in_flight.values(), count))

    def forget(self, journey: Journey) -> None:
        """Not under way any more; no circle is left for the collector."""
        self.in_flight.pop(journey.call, None)
        journey.due, journey.on_due = NEVER, None

    def count(self) -> int:
        """Calls under way."""
        return len(self.in_flight)

    def sweep(self) -> None:
        """Tell every call whose deadline has passed. Called at short intervals by the gateway."""
        now = self.clock.monotonic()
        overdue = [j for j in self.in_flight.values() if j.due < now]
        for journey in overdue:
            if journey.due >= now:
                # One before it in this sweep has moved or ended it.
                continue
            journey.due = NEVER
            if journey.on_due is not None:
                journey.on_due()


def _seen(record: CallRecord, *, lost: bool) -> Seen:
    return Seen(
        record.call,
        record.at,
        "lost" if lost else "sealed",
        record.principal,
        record.resource,
        record.relationship,
        record.outcome,
        record.rule,
        record.status,
        record.stages_us,
    )
