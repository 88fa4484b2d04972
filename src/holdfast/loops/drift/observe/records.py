"""The gateway's own records as sightings: who called is known, not claimed, and the call was carried.

A refused call is no contact: nothing passed.
"""

from collections.abc import Mapping

from holdfast.audit import CallRecord
from holdfast.blueprint import Blueprint, Connects
from holdfast.core import NodeId
from holdfast.loops.drift.sightings import Contact, Form, Presence, Proof, Tally, identity, week_of

_FORMS = {"call": Form.TOOL, "read": Form.READ, "prompt": Form.READ, "delegate": Form.AGENT}
_FINAL = ("call", "closed")


class Records:
    """Counts records one by one. A relationship that is no longer declared is told by its id."""

    def __init__(self, blueprint: Blueprint, tally: Tally) -> None:
        self._tally = tally
        self.approvals: dict[int, tuple[int, int]] = {}
        """By week: calls that a person decided on, and how many of them were let pass."""
        self._ends: Mapping[str, tuple[NodeId, NodeId]] = {
            relationship.id: (relationship.link.source, relationship.link.destination)
            for relationship in blueprint.relationships
            if isinstance(relationship.link, Connects)
        }

    def take(self, record: CallRecord) -> None:
        if record.event in _FINAL and record.approver is not None:
            self._decided(record)
        if record.event not in _FINAL or record.decision != "allow" or record.principal is None:
            return
        source = identity((("spiffe", record.principal),))
        self._tally.show(Presence(source), record.at)
        for name in (record.relationship, record.fallback):
            if name is not None:
                self._meet(record, source, relationship=name)

    def _decided(self, record: CallRecord) -> None:
        week = week_of(record.at)
        decided, granted = self.approvals.get(week, (0, 0))
        self.approvals[week] = (decided + 1, granted + (record.decision == "allow"))

    def _meet(self, record: CallRecord, source: str, *, relationship: str) -> None:
        ends = self._ends.get(relationship)
        callee = ends[1] if ends is not None else record.node or ""
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
