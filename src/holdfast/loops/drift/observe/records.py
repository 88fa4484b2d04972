"""The gateway's own records as sightings: who called is known, not claimed, and the call was carried.

A refused call is no contact: nothing passed.
"""

from collections.abc import Mapping

from holdfast.audit import CallRecord
from holdfast.blueprint import Blueprint, Connects
from holdfast.blueprint.graph import System
from holdfast.core import NodeId
from holdfast.loops.drift.sightings import Contact, Form, Presence, Proof, Tally, identity, week_of

_FORMS = {"call": Form.TOOL, "read": Form.READ, "prompt": Form.READ, "delegate": Form.AGENT}


class Records:
    """Counts records one by one: whom a caller met is the node that was asked, or answered for it."""

    def __init__(self, blueprint: Blueprint, tally: Tally) -> None:
        self._tally = tally
        self._system = System(blueprint)
        self.approvals: dict[int, tuple[int, int]] = {}
        """By week: calls that a person decided on, and how many of them were let pass."""
        self._callees: Mapping[str, NodeId] = {
            relationship.id: relationship.link.destination
            for relationship in blueprint.relationships
            if isinstance(relationship.link, Connects)
        }

    def take(self, record: CallRecord) -> None:
        if record.is_last and record.approver is not None:
            self._decided(record)
        if not record.is_last or record.decision != "allow" or record.principal is None:
            return
        source = identity((("spiffe", record.principal),))
        self._tally.show(Presence(source), record.at)
        # Who was asked stands in the record: what a relationship joined then may join others today.
        asked = record.resource or self._end_of(record.relationship)
        who = self._who(asked, answered=record.node)
        if record.fallback is None:
            self._meet(record, source, callee=who)
            return
        self._meet(record, source, callee=asked)
        answered = record.node if who != asked else None  # it may be from before it was asked on
        callee = self._who(self._end_of(record.fallback), answered=answered)
        self._meet(record, source, callee=callee)

    def _end_of(self, relationship: str | None) -> str | None:
        return self._callees.get(relationship or "")

    def _who(self, asked: str | None, *, answered: str | None) -> str | None:
        """The one that was asked, where what answered is a part of it as declared; else the other."""
        if answered is None or asked is None or answered == asked:
            return asked or answered
        name = NodeId(answered)
        is_part = name in self._system.nodes and asked in self._system.around(name)
        return asked if is_part else answered

    def _decided(self, record: CallRecord) -> None:
        week = week_of(record.at)
        decided, granted = self.approvals.get(week, (0, 0))
        self.approvals[week] = (decided + 1, granted + (record.decision == "allow"))

    def _meet(self, record: CallRecord, source: str, *, callee: str | None) -> None:
        form = _FORMS.get(record.action, Form.MODEL)
        if not callee:
            return
        self._tally.meet(
            Contact(
                source=source,
                target=identity((("node", callee),)),
                form=form,
                proof=Proof.GATEWAY,
                tool=record.tool if record.action == "call" else None,
                digest=record.descriptor if record.action == "call" else None,
            ),
            record.at,
        )
