"""Intents without outcome: what was begun and never said how it ended.

A record of the event ``intent`` or ``opened`` promises another one. When that does not come, the
process that made the call died, and nobody knows whether the world was changed: that is an alarm
until somebody has looked and says so (a change of the kind ``intent.settled``).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import msgspec

from holdfast.audit.records import ENDINGS

INTENT_GRACE_S = 600
"""How long a call may take before its missing outcome is an alarm, unless a caller says less."""
INTENTS_SHOWN_MAX = 1_000
"""Alarms that one question is answered with; the count goes further."""
SETTLED = "intent.settled"
"""The kind of the change by which a person answers for an intent; its subject is the call."""

_BEGINS = frozenset(("intent", "opened"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A call that was begun, by its first such record; ``entry`` is None while it is in a journal."""

    call: str
    event: str
    at: int
    entry: int | None


class Mark(msgspec.Struct, frozen=True, gc=False):
    """What the index needs of an entry; the rest is skipped, not built."""

    call: str | None = None
    event: str | None = None
    at: int = 0
    change: str | None = None
    kind: str | None = None
    subject: str | None = None

    @property
    def name(self) -> str | None:
        """The call or the change that the entry is about."""
        return self.call if self.call is not None else self.change

    @property
    def ended(self) -> str | None:
        """The call that ends with this entry."""
        if self.event in ENDINGS:
            return self.call
        return self.subject if self.kind == SETTLED else None


_MARK = msgspec.json.Decoder(Mark)
_NOTHING = Mark()


def mark_of(entry: bytes) -> Mark:
    """An entry's mark; an empty one when it is no record."""
    try:
        return _MARK.decode(entry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentChanges:
    """What a batch of entries does to the intents that are open: ``ended`` first, then ``begun``."""

    begun: tuple[Intent, ...] = ()
    ended: tuple[str, ...] = ()


def changes_of(
    marks: Iterable[tuple[int | None, Mark]], *, open_calls: Collection[str]
) -> IntentChanges:
    """The intents that are open after these entries and were not before, and the other way round."""
    begun: dict[str, Intent] = {}
    ended: dict[str, None] = {}
    for entry, mark in marks:
        call = mark.ended
        if mark.event in _BEGINS and mark.call is not None:
            if mark.call not in open_calls or mark.call in ended:
                intent = Intent(call=mark.call, event=mark.event or "", at=mark.at, entry=entry)
                begun.setdefault(mark.call, intent)
        elif call is not None and begun.pop(call, None) is None and call in open_calls:
            ended[call] = None
    return IntentChanges(begun=tuple(begun.values()), ended=tuple(ended))
