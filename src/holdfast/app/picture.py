"""The running system at one moment, as commands read it off the control socket.

The same as ``faces.Live`` and more, in forms of its own that name only what commands show: reading
them loads no gateway and no web framework, so that ``holdfast status`` answers at once.
"""

import msgspec

from holdfast.app.control import Request, tell
from holdfast.app.datadir import DataDir
from holdfast.app.instances import NoInstanceError
from holdfast.telemetry.tally import Tallied


class Worker(msgspec.Struct, frozen=True):
    worker: int
    pid: int
    ready: bool
    fault: str | None
    leaving: bool


class Totals(msgspec.Struct, frozen=True):
    calls: int
    answered: int
    refused: int
    failed: int
    cancelled: int
    tokens_in: int
    tokens_out: int


class Busy(msgspec.Struct, frozen=True):
    """A call under way."""

    call: str
    at: int
    state: str
    principal: str | None
    resource: str | None
    relationship: str | None


class Node(msgspec.Struct, frozen=True):
    node: str
    queued: int


class Upstream(msgspec.Struct, frozen=True):
    node: str
    upstream: str
    state: str
    in_flight: int
    limit: int
    first_token_ms: float | None
    tokens_per_s: float | None
    sent: int
    failed: int


class Budget(msgspec.Struct, frozen=True):
    account: str
    unit: str
    limit: int
    spent: int
    resets_at: int
    soft_exceeded: bool


class Alarm(msgspec.Struct, frozen=True):
    call: str
    event: str
    at: int


class Waiting(msgspec.Struct, frozen=True):
    call: str
    groups: tuple[str, ...]
    principal: str
    callee: str
    tool: str | None
    until: int


class ObjectiveSeen(msgspec.Struct, frozen=True):
    """``left`` is the part of the budget that is left."""

    id: str
    state: str
    left: float | None


class LiveSeen(msgspec.Struct, frozen=True):
    """``faces.Live``, without the calls that have ended."""

    at: int
    workers: tuple[Worker, ...]
    totals: Totals
    in_flight: tuple[Busy, ...]
    nodes: tuple[Node, ...]
    upstreams: tuple[Upstream, ...]
    budgets: tuple[Budget, ...]
    alarms: tuple[Alarm, ...]
    approvals: tuple[Waiting, ...]


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """``trouble`` says why no calls can be taken now; ``tallied`` counts since the start, and
    ``dropped`` what telemetry lost."""

    system: str
    blueprint: str
    trouble: str | None
    live: LiveSeen
    tallied: tuple[Tallied, ...] = ()
    dropped: dict[str, int] = {}
    objectives: tuple[ObjectiveSeen, ...] = ()
    anomalies: tuple[str, ...] = ()


def picture_of(data: DataDir) -> Picture:
    """Of the instance that runs on ``data``; ``NoInstanceError`` where none does."""
    return msgspec.json.decode(_asked(data), type=Picture)


def raw_picture_of(data: DataDir) -> msgspec.Raw:
    """The same as it was sent, for programs."""
    return _asked(data)


def _asked(data: DataDir) -> msgspec.Raw:
    if data.instance() is None:
        raise NoInstanceError(
            f"no instance is running on {data.path}", fix="start one with 'holdfast up FILE'"
        )
    return tell(data.control_socket, Request("live")).live
