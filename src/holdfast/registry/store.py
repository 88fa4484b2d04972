"""Pins in the database. This module owns the table ``tool_pins``."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeAlias

import msgspec

from holdfast.audit import Act, Outbox, record_of
from holdfast.core import Digest, Instant, NodeId
from holdfast.registry.descriptors import Descriptor, DescriptorKind
from holdfast.registry.errors import PinError
from holdfast.registry.pins import Pin, Pins, PinState
from holdfast.registry.suspicions import Suspicion, suspicions
from holdfast.world.ports import Row, Store, Transaction

PINS_MAX = 20_000
VERSIONS_MAX = 16
"""Descriptions of one thing that are kept; the oldest undecided one goes first."""
REASON_CHARACTERS_MAX = 500
SUBJECT_CHARACTERS_MAX = 400
"""Of a thing's name in the audit log; its digest says which one it is."""
DIGEST_PREFIX_MIN = 8

_TABLE = """
create table if not exists tool_pins (
  server text not null,
  kind text not null,
  name text not null,
  digest text not null,
  body blob not null,
  state text not null,
  seen integer not null,
  shown integer not null,
  decided integer,
  decided_by text not null,
  why text not null,
  suspicions blob not null,
  primary key (server, kind, name, digest)
) strict
"""
_COLUMNS = (
    "server, kind, name, digest, body, state, seen, shown, decided, decided_by, why, suspicions"
)

Change: TypeAlias = Literal[
    "proposed", "quarantined", "approved", "rejected", "superseded", "drifted", "restored"
]


class PinChange(msgspec.Struct, frozen=True):
    """Something that happened to a pin, for the audit log and the operator's.

    ``superseded``: another description of the same thing was approved. ``drifted``: the server
    shows another than the approved one. ``restored``: it shows the approved one again.
    ``before`` is the digest of the description that was in force, where one was.
    """

    change: Change
    pin: Pin
    before: Digest | None = None


class ToolPins:
    """What servers showed and what was decided. Calls block; each change and its record for the
    audit log are one transaction, so a crash leaves both as they were or as they were asked to
    be."""

    def __init__(self, store: Store) -> None:
        self._store = store
        Outbox(store)
        with store.transaction() as change:
            change.execute(_TABLE)

    def see(
        self,
        server: NodeId,
        seen: Iterable[Descriptor],
        *,
        act: Callable[[], Act],
    ) -> tuple[PinChange, ...]:
        """Take note of what ``server`` shows now; what changed by that. ``act`` makes a fresh one
        for each change.

        New and unsuspicious: proposed. New and suspicious, or another than the approved one of the
        same name: quarantined. Nothing here approves. Idempotent.
        """
        shown = tuple(seen)
        changes: list[PinChange] = []
        with self._store.snapshot() as view:
            # What is known already costs no write: every worker tells what it sees, again and again.
            shown = tuple(each for each in shown if not _is_newest(view, server, each))
        if not shown:
            return ()
        with self._store.transaction() as change:
            others = _names_of_others(change, server)
            for descriptor in shown:
                at = act().at
                for each in _see(change, server, descriptor, at=at, others=others):
                    _record(change, each, act=act())
                    changes.append(each)
        return tuple(changes)

    def approve(
        self,
        server: NodeId,
        kind: DescriptorKind,
        name: str,
        *,
        digest: str,
        act: Act,
    ) -> tuple[PinChange, ...]:
        """Put one description in force; the one that was is superseded (it becomes rejected).

        ``digest`` is the whole digest or its first 8 or more hexadecimal digits: what is approved
        is what the approver read. ``PinError`` when there is no such description.
        """
        with self._store.transaction() as change:
            chosen = _choose(change, server, kind, name, digest=digest)
            changes: list[PinChange] = []
            before: Digest | None = None
            for pin in _find(change, server, kind, name):
                if pin.state == "approved" and pin.descriptor.digest != chosen.descriptor.digest:
                    before = pin.descriptor.digest
                    why = f"superseded by {chosen.descriptor.digest}"
                    old = _decide(change, pin, "rejected", act=act, why=why)
                    changes.append(PinChange("superseded", old))
            made = _decide(change, chosen, "approved", act=act, why=act.reason)
            changes.append(PinChange("approved", made, before))
            _record(change, changes[-1], act=act)
        return tuple(changes)

    def reject(
        self,
        server: NodeId,
        kind: DescriptorKind,
        name: str,
        *,
        digest: str,
        act: Act,
    ) -> PinChange:
        """Take one description out of force, or say that it never comes in."""
        with self._store.transaction() as change:
            chosen = _choose(change, server, kind, name, digest=digest)
            before = chosen.descriptor.digest if chosen.state == "approved" else None
            made = _decide(change, chosen, "rejected", act=act, why=act.reason)
            done = PinChange("rejected", made, before)
            _record(change, done, act=act)
        return done

    def list(
        self,
        *,
        server: NodeId | None = None,
        state: PinState | None = None,
    ) -> tuple[Pin, ...]:
        """All pins, by server, kind and name, of each thing the newest first."""
        with self._store.snapshot() as view:
            pins = _all(view)
        return tuple(
            pin
            for pin in pins
            if (server is None or pin.server == server) and (state is None or pin.state == state)
        )

    def find(self, server: NodeId, kind: DescriptorKind, name: str) -> tuple[Pin, ...]:
        """Every description of one thing that is kept, the newest first."""
        with self._store.snapshot() as view:
            return tuple(_find(view, server, kind, name))

    def approved(self) -> Pins:
        """Those in force, ready for workers."""
        with self._store.snapshot() as view:
            return Pins(_all(view))


def _is_newest(view: Transaction, server: NodeId, descriptor: Descriptor) -> bool:
    rows = view.query(
        "select digest from tool_pins"
        " where server = ? and kind = ? and name = ? order by shown desc limit 1",
        (server, descriptor.kind, descriptor.name),
    )
    return rows == [(descriptor.digest,)]


def _see(
    change: Transaction,
    server: NodeId,
    descriptor: Descriptor,
    *,
    at: Instant,
    others: Sequence[str],
) -> Iterable[PinChange]:
    known = _find(change, server, descriptor.kind, descriptor.name)
    approved = next((pin for pin in known if pin.state == "approved"), None)
    same = next((pin for pin in known if pin.descriptor.digest == descriptor.digest), None)
    drifted_before = approved is not None and approved.drifted is not None
    if same is None:
        yield _add(change, server, descriptor, at=at, others=others, approved=approved)
        _forget_oldest(change, known)
    elif known[0].descriptor.digest != descriptor.digest:
        _show(change, same, at=at)
    if approved is None:
        return
    drifts = approved.descriptor.digest != descriptor.digest
    if drifts and approved.drifted != descriptor.digest:
        now = msgspec.structs.replace(approved, drifted=descriptor.digest)
        yield PinChange("drifted", now, approved.descriptor.digest)
    elif not drifts and drifted_before:
        yield PinChange("restored", msgspec.structs.replace(approved, drifted=None))


def _add(
    change: Transaction,
    server: NodeId,
    descriptor: Descriptor,
    *,
    at: Instant,
    others: Sequence[str],
    approved: Pin | None,
) -> PinChange:
    (count,) = change.query("select count(*) from tool_pins")[0]
    if isinstance(count, int) and count >= PINS_MAX:
        raise PinError(
            f"cannot take note of {descriptor.name[:128]!r}: {PINS_MAX} descriptions are kept",
            fix="find out which server shows new descriptions all the time, and remove it",
        )
    found = suspicions(descriptor, others=others)
    grave = any(each.grave for each in found)
    state: PinState = "quarantined" if grave or approved is not None else "proposed"
    pin = Pin(server, descriptor, state, at, suspicions=found)
    change.execute(
        f"insert into tool_pins ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            server,
            descriptor.kind,
            descriptor.name,
            descriptor.digest,
            descriptor.body,
            state,
            at,
            _next_shown(change),
            None,
            "",
            "",
            msgspec.json.encode(found),
        ),
    )
    before = approved.descriptor.digest if approved is not None else None
    return PinChange("quarantined" if state == "quarantined" else "proposed", pin, before)


def _next_shown(change: Transaction) -> int:
    """A counter, so that which description was shown last does not hang on a clock."""
    (last,) = change.query("select coalesce(max(shown), 0) from tool_pins")[0]
    assert isinstance(last, int)
    return last + 1


def _show(change: Transaction, pin: Pin, *, at: Instant) -> None:
    change.execute(
        "update tool_pins set shown = ?, seen = ?"
        " where server = ? and kind = ? and name = ? and digest = ?",
        (_next_shown(change), at, *_key(pin)),
    )


def _forget_oldest(change: Transaction, known: Sequence[Pin]) -> None:
    undecided = [pin for pin in known if pin.state in ("proposed", "quarantined")]
    if len(known) >= VERSIONS_MAX and undecided:
        change.execute(
            "delete from tool_pins where server = ? and kind = ? and name = ? and digest = ?",
            _key(undecided[-1]),
        )


def _choose(
    change: Transaction, server: NodeId, kind: DescriptorKind, name: str, *, digest: str
) -> Pin:
    wanted = digest.removeprefix("sha256:")
    known = _find(change, server, kind, name)
    if not known:
        raise PinError(
            f"{server!r} has shown no {kind} {name[:128]!r}",
            fix="`holdfast tools list` tells what servers have shown",
        )
    if len(wanted) < DIGEST_PREFIX_MIN:
        raise PinError(
            f"the digest {digest!r} is too short",
            fix=f"give at least {DIGEST_PREFIX_MIN} digits of the digest that you have read",
        )
    found = [p for p in known if p.descriptor.digest.removeprefix("sha256:").startswith(wanted)]
    if len(found) != 1:
        raise PinError(
            f"{server!r} has shown no {kind} {name[:128]!r} of the digest {digest}",
            fix=f"`holdfast tools show {server} {name}` tells the digests",
        )
    return found[0]


def _decide(change: Transaction, pin: Pin, state: PinState, *, act: Act, why: str) -> Pin:
    if not act.by.strip() or not why.strip() or len(why) > REASON_CHARACTERS_MAX:
        raise PinError(
            "a decision about a tool says who takes it and why",
            fix=f"give a reason of at most {REASON_CHARACTERS_MAX} characters",
        )
    change.execute(
        "update tool_pins set state = ?, decided = ?, decided_by = ?, why = ?"
        " where server = ? and kind = ? and name = ? and digest = ?",
        (state, act.at, act.by, why, *_key(pin)),
    )
    return msgspec.structs.replace(pin, state=state, decided=act.at, by=act.by, why=why)


def _record(change: Transaction, done: PinChange, *, act: Act) -> None:
    """Part of the transaction that makes the change: neither ever stands without the other."""
    descriptor = done.pin.descriptor
    subject = f"{done.pin.server}/{descriptor.name}"[:SUBJECT_CHARACTERS_MAX]
    digest = done.pin.drifted if done.change == "drifted" else descriptor.digest
    kind = f"{descriptor.kind}.{done.change}"
    Outbox.add(change, record_of(act, kind=kind, subject=subject, digest=digest))


def _key(pin: Pin) -> tuple[str, str, str, str]:
    return (pin.server, pin.descriptor.kind, pin.descriptor.name, pin.descriptor.digest)


def _names_of_others(change: Transaction, server: NodeId) -> tuple[str, ...]:
    rows = change.query(
        "select distinct name from tool_pins"
        " where server <> ? and kind = 'tool' and state <> 'rejected' order by name",
        (server,),
    )
    return tuple(str(name) for (name,) in rows)


def _find(change: Transaction, server: NodeId, kind: DescriptorKind, name: str) -> list[Pin]:
    rows = change.query(
        f"select {_COLUMNS} from tool_pins"  # noqa: S608
        " where server = ? and kind = ? and name = ? order by shown desc",
        (server, kind, name),
    )
    return _with_drift(rows)


def _all(change: Transaction) -> list[Pin]:
    rows = change.query(
        f"select {_COLUMNS} from tool_pins order by server, kind, name, shown desc"  # noqa: S608
    )
    pins: list[Pin] = []
    group: list[Row] = []
    for row in rows:
        if group and group[0][:3] != row[:3]:
            pins.extend(_with_drift(group))
            group = []
        group.append(row)
    pins.extend(_with_drift(group))
    return pins


def _with_drift(rows: Sequence[Row]) -> list[Pin]:
    """Pins of one thing, the one shown last first: an approved one that is not it has drifted."""
    pins = [_pin(row) for row in rows]
    return [
        msgspec.structs.replace(pin, drifted=pins[0].descriptor.digest)
        if index and pin.state == "approved"
        else pin
        for index, pin in enumerate(pins)
    ]


_SUSPICIONS = msgspec.json.Decoder(tuple[Suspicion, ...])


def _pin(row: Row) -> Pin:
    match row:
        case (
            str(server),
            "tool" | "resource" | "template" | "prompt" as kind,
            str(name),
            str(digest),
            bytes(body),
            "proposed" | "approved" | "quarantined" | "rejected" as state,
            int(seen),
            int(),
            int() | None as decided,
            str(by),
            str(why),
            bytes(found),
        ):
            return Pin(
                NodeId(server),
                Descriptor(kind, name, body, Digest(digest)),
                state,
                Instant(seen),
                decided=None if decided is None else Instant(decided),
                by=by,
                why=why,
                suspicions=_SUSPICIONS.decode(found),
            )
        case _:
            raise PinError(
                "cannot read a pin: its row has another shape",
                fix="the database was changed by something else; restore it from a backup",
            )
