"""What ``holdfast tools`` does: the pins in the database, and a word to the running instance."""

import contextlib
from collections.abc import Generator

import msgspec

from holdfast.app import wiring
from holdfast.app.acts import new_act
from holdfast.app.control import Request, tell
from holdfast.app.datadir import DataDir
from holdfast.core import Instant, NodeId, rfc3339
from holdfast.registry import (
    DescriptorKind,
    Difference,
    Pin,
    PinError,
    PinState,
    Suspicion,
    ToolPins,
    differences,
)

_STORED = "It is in force when the instance starts."


class PinRow(msgspec.Struct, frozen=True):
    """A pin as people see it. ``drifted``: the server shows another description now."""

    server: str
    kind: str
    name: str
    digest: str
    state: str
    seen: str
    drifted: str | None
    decided: str | None
    by: str
    why: str
    suspicions: tuple[Suspicion, ...]


class PinShown(msgspec.Struct, frozen=True):
    """One description in full; ``changes`` are against the approved one, where that is another."""

    pin: PinRow
    descriptor: msgspec.Raw
    changes: tuple[Difference, ...]


class PinsDecided(msgspec.Struct, frozen=True):
    """What was decided, and where it is in force."""

    pins: tuple[PinRow, ...]
    in_force: str


def list_pins(
    data: DataDir, *, server: str | None = None, state: PinState | None = None
) -> list[PinRow]:
    """Every description that servers have shown, with what was decided."""
    data.require()
    with _pins(data) as pins:
        found = pins.list(server=None if server is None else NodeId(server), state=state)
    return [pin_row(pin) for pin in found]


def show_pins(data: DataDir, server: str, name: str, *, kind: DescriptorKind) -> list[PinShown]:
    """All descriptions of one thing, the newest first."""
    data.require()
    with _pins(data) as pins:
        found = _known(pins, server, kind, name)
    approved = next((pin for pin in found if pin.state == "approved"), None)
    return [_shown(pin, approved) for pin in found]


def diff_pins(
    data: DataDir, server: str, name: str, *, kind: DescriptorKind
) -> tuple[Difference, ...]:
    """What the newest description says otherwise than the approved one, or than the one before."""
    data.require()
    with _pins(data) as pins:
        found = _known(pins, server, kind, name)
    newest = found[0]
    others = [pin for pin in found[1:] if pin.state == "approved"] or list(found[1:2])
    return differences(others[0].descriptor, newest.descriptor) if others else ()


def approve_pin(
    data: DataDir,
    server: str,
    name: str,
    *,
    kind: DescriptorKind,
    digest: str | None,
    reason: str,
) -> PinsDecided:
    """Put one description in force, on every worker when this returns.

    Without a digest it must be the only one that waits, and free of grave signs: what looks like
    an attack is approved by the digest that was read.
    """
    data.require()
    with _pins(data) as pins:
        chosen = digest or _only_proposed(_known(pins, server, kind, name))
        act = new_act(reason)
        done = pins.approve(NodeId(server), kind, name, digest=chosen, act=act)
    return PinsDecided(tuple(pin_row(each.pin) for each in done), _put_in_force(data))


def approve_proposed(data: DataDir, server: str, *, reason: str) -> PinsDecided:
    """Put everything in force that one server shows and that bears no grave sign."""
    data.require()
    decided: list[PinRow] = []
    with _pins(data) as pins:
        for pin in pins.list(server=NodeId(server), state="proposed"):
            of = pin.descriptor
            act = new_act(reason)
            done = pins.approve(pin.server, of.kind, of.name, digest=of.digest, act=act)
            decided.extend(pin_row(each.pin) for each in done)
    return PinsDecided(tuple(decided), _put_in_force(data))


def reject_pin(
    data: DataDir,
    server: str,
    name: str,
    *,
    kind: DescriptorKind,
    digest: str | None,
    reason: str,
) -> PinsDecided:
    """Take a description out of force, or say that it never comes in. Without a digest: the
    approved one, or else the only one there is."""
    data.require()
    with _pins(data) as pins:
        found = _known(pins, server, kind, name)
        approved = [pin for pin in found if pin.state == "approved"] or found
        if digest is None and len(approved) != 1:
            raise _several(approved, verb="reject")
        chosen = digest or approved[0].descriptor.digest
        done = pins.reject(NodeId(server), kind, name, digest=chosen, act=new_act(reason))
    return PinsDecided((pin_row(done.pin),), _put_in_force(data))


def pin_row(pin: Pin) -> PinRow:
    return PinRow(
        pin.server,
        pin.descriptor.kind,
        pin.descriptor.name,
        pin.descriptor.digest,
        pin.state,
        rfc3339(pin.seen),
        pin.drifted,
        None if pin.decided is None else rfc3339(Instant(pin.decided)),
        pin.by,
        pin.why,
        pin.suspicions,
    )


def _shown(pin: Pin, approved: Pin | None) -> PinShown:
    changes: tuple[Difference, ...] = ()
    if approved is not None and approved.descriptor.digest != pin.descriptor.digest:
        changes = differences(approved.descriptor, pin.descriptor)
    return PinShown(pin_row(pin), msgspec.Raw(pin.descriptor.body), changes)


def _known(pins: ToolPins, server: str, kind: DescriptorKind, name: str) -> tuple[Pin, ...]:
    found = pins.find(NodeId(server), kind, name)
    if not found:
        raise PinError(
            f"{server[:100]!r} has shown no {kind} {name[:100]!r}",
            fix="'holdfast tools list' tells what servers have shown",
        )
    return found


def _only_proposed(found: tuple[Pin, ...]) -> str:
    waiting = [pin for pin in found if pin.state in ("proposed", "quarantined")]
    if len(waiting) != 1:
        raise _several(waiting, verb="approve")
    if waiting[0].state == "quarantined":
        raise PinError(
            f"{waiting[0].descriptor.name[:100]!r} is quarantined: it has changed, or looks like "
            "an attempt to mislead",
            fix="read it with 'holdfast tools show' and 'holdfast tools diff', then approve it "
            "with --digest",
        )
    return waiting[0].descriptor.digest


def _several(found: list[Pin] | tuple[Pin, ...], *, verb: str) -> PinError:
    digests = ", ".join(pin.descriptor.digest[:19] for pin in found)
    what = f"there are several descriptions to {verb}: {digests}" if found else "nothing waits"
    return PinError(what, fix="say which one with --digest; 'holdfast tools show' tells them")


def _put_in_force(data: DataDir) -> str:
    if data.instance() is None:
        return _STORED
    reply = tell(data.control_socket, Request("tools"))
    return f"It is in force on {reply.workers} worker{'s' if reply.workers != 1 else ''}."


@contextlib.contextmanager
def _pins(data: DataDir) -> Generator[ToolPins]:
    store = wiring.open_store(data)
    try:
        yield ToolPins(store)
    finally:
        store.close()
