"""Rules about records: when they are durable, that they are true, and that they can be proven."""

from typing import Final

from holdfast.audit import CallRecord, Log, leaf_hash, root_of, verify_log
from holdfast.core import HoldfastError, Salt
from holdfast.testing.caller import Heard
from holdfast.testing.court import Court, Rule
from holdfast.testing.declaring import TENANT, TRUST_DOMAIN
from holdfast.testing.ledger import Durable
from holdfast.testing.orders import Order
from holdfast.testing.scripts import DONE, PROMPT_TOKENS

LIVES: Final = (["call"], ["opened"], ["opened", "closed"])
"""What may be durable of one call, in order."""
PROOFS_MAX: Final = 8
"""Proofs drawn in one run; that every record is in the log is checked for all."""
UNHEARD: Final = "audit.unavailable"


class RecordedBeforeTold(Rule):
    """Whatever a caller hears, a durable record of it exists by then; of the end, by the end."""

    name = "recorded before told"

    def on_head(self, heard: Heard) -> None:
        if heard.call is None or heard.code == UNHEARD or _is_withheld(heard):
            return
        events = self.evidence.ledger.events(heard.call)
        if not events:
            self.broken(f"call {heard.order.number} is answered and has no record")

    def on_end(self, heard: Heard) -> None:
        if heard.call is None or not heard.whole or heard.code == UNHEARD:
            return
        events = self.evidence.ledger.events(heard.call)
        if "call" not in events and "closed" not in events:
            self.broken(f"call {heard.order.number} has ended and its end has no record")


class SealedOnce(Rule):
    """Every call has one record of its end, whatever happened to it; never two."""

    name = "sealed exactly once"

    def on_record(self, durable: Durable) -> None:
        events = self.evidence.ledger.events(durable.record.call)
        if events not in LIVES:
            self.broken(f"call {durable.record.call} has the records {events}")

    def at_end(self) -> None:
        evidence = self.evidence
        for call, attempts in evidence.attempts.items():
            first = attempts[0]
            if evidence.was_killed(first.worker, evidence.sent_at[first.order]):
                continue
            if evidence.disk_trouble(first.began, evidence.now):
                continue
            if evidence.ledger.events(call) not in (["call"], ["opened", "closed"]):
                self.broken(
                    f"call {first.order} was sent, its records are {evidence.ledger.events(call)}"
                )


class RecordsAreTrue(Rule):
    """A record says who asked whom for what, what was decided, and what came of it."""

    name = "records are true"

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        self._salt = Salt(self.evidence.system.salt)

    def on_record(self, durable: Durable) -> None:
        record = durable.record
        orders = self.evidence.prompts.get(record.prompt or "", ())
        if not orders:
            self.broken(f"a record has the prompt {record.prompt}, which nobody sent")
            return
        wrongs = [self._wrong(record, order, durable.at) for order in orders]
        if all(wrongs):
            self.broken(f"a record is wrong about {wrongs[0]} of call {orders[0].number}: {record}")
        self._check_sent(record)

    def on_end(self, heard: Heard) -> None:
        if heard.call is None or not heard.whole or heard.code == UNHEARD:
            return
        for durable in self.evidence.ledger.by_call.get(heard.call, ()):
            self._check_heard(durable.record, heard)

    def _wrong(self, record: CallRecord, order: Order, until: float) -> list[str]:
        """What the record is wrong about, if it is of this order."""
        if record.rule in ("identity.missing", "identity.unknown"):
            return []
        since = self.evidence.sent_at[order.number]
        pairs = self.evidence.law.pairs(order, since=since, until=until)
        facts = _facts(record, order, {pair.id for pair in pairs})
        return [name for name, said, true in facts if said != true]

    def _check_sent(self, record: CallRecord) -> None:
        attempts = self.evidence.attempts.get(record.call, [])
        if attempts and record.outcome == "refused":
            self.broken(f"call {attempts[0].order} was sent, its record says it was refused")
        if record.cached != (record.attempts == 0 and record.outcome == "answered"):
            self.broken(
                f"call {record.call} has {record.attempts} attempts, cached {record.cached}"
            )
        if record.outcome in ("answered", "open") and not attempts and not record.cached:
            self.broken(f"call {record.call} was never sent, its record says it was answered")
        may_be_resent = any(self.evidence.may_be_resent(attempt) for attempt in attempts)
        if len(attempts) > record.attempts and record.event != "opened" and not may_be_resent:
            self.broken(
                f"call {record.call} was sent {len(attempts)} times, its record says "
                f"{record.attempts}"
            )

    def _check_heard(self, record: CallRecord, heard: Heard) -> None:
        number = heard.order.number
        if record.event == "opened":
            return
        if record.status != heard.status and record.event == "call":
            self.broken(f"call {number} heard {heard.status}, its record says {record.status}")
        if record.rule != heard.code and record.event == "call" and record.rule != "upstream.error":
            self.broken(f"call {number} heard {heard.code}, its record says {record.rule}")
        if record.outcome in ("cancelled", "open"):
            self.broken(f"call {number} was answered, its record says {record.outcome}")
        attempts = self.evidence.attempts.get(record.call, [])
        if any(self.evidence.is_tainted(attempt) for attempt in attempts):
            return
        if record.outcome == "answered":
            said = heard.body
            if heard.is_stream:
                # The terminal event, and what an upstream sent after it, wait for the record.
                said = said[: _terminal(said)]
            if record.answer != self._salt.digest(said):
                self.broken(f"the record of call {number} has another answer's digest")
        if record.outcome == "answered" and heard.status == 200 and not record.cached:
            self._check_tokens(record, heard)

    def _check_tokens(self, record: CallRecord, heard: Heard) -> None:
        given = [a for a in self.evidence.attempts.get(record.call, []) if a.ending == "whole"]
        is_sound = given and all(
            a.trouble in (None, "dawdle") and not self.evidence.is_tainted(a) for a in given
        )
        if not is_sound or record.seams:
            return
        tokens = (record.tokens_in, record.tokens_out)
        told = not heard.is_stream or given[-1].asks_usage
        true = (PROMPT_TOKENS, given[-1].script.pieces) if told else (None, None)
        if tokens != true:
            self.broken(f"the record of call {heard.order.number} counts {tokens}, not {true}")


class TheLogIsWhole(Rule):
    """The log verifies, holds all that is durable, and is what every signed head said it was."""

    name = "the log is whole"

    def at_end(self) -> None:
        evidence, system = self.evidence, self.evidence.system
        found = verify_log(system.blobs, system.journals, system.signer.vkey)
        if not found.verified or found.pending:
            self.broken(f"the log does not verify: {found}")
        entries = _entries(system.log)
        leaves = [leaf_hash(entry) for entry in entries]
        for size, root in system.heads:
            if size > len(leaves) or root_of(leaves[:size]) != root:
                self.broken(f"the head of size {size} was signed, and is not of this log")
        durable = [each.entry for records in evidence.ledger.by_call.values() for each in records]
        if sorted(durable) != sorted(entries):
            self.broken(f"{len(durable)} records are durable, the log has {len(entries)}")


class AcknowledgedIsProven(Rule):
    """Whatever a caller was told of can be found and proven, whatever crashed since."""

    name = "what was acknowledged is proven"

    def at_end(self) -> None:
        calls = sorted(self.evidence.acknowledged)
        step = max(1, len(calls) // PROOFS_MAX)
        for call in calls[::step]:
            self._prove(call)

    def _prove(self, call: str) -> None:
        log, vkey = self.evidence.system.log, self.evidence.system.signer.vkey
        durable = self.evidence.ledger.by_call.get(call, [])
        found = log.find(call)
        if [entry.data for entry in found] != [each.entry for each in durable]:
            self.broken(f"call {call} was acknowledged, the log does not have its records")
        try:
            for entry in found:
                assert entry.index is not None
                log.prove(entry.index).verify(entry.data, vkey)
        except (HoldfastError, AssertionError) as error:
            self.broken(f"call {call} cannot be proven: {error}")


def _entries(log: Log) -> list[bytes]:
    entries: list[bytes] = []
    before: int | None = None
    while batch := log.recent(1_000, before=before):
        entries += [entry.data for entry in batch]
        before = batch[-1].index
    return entries[::-1]


def _is_withheld(heard: Heard) -> bool:
    """A 503 whose reason has not arrived yet; its end is looked at instead."""
    return heard.status == 503 and not heard.whole


def _terminal(body: bytes) -> int:
    """Where the terminal event begins."""
    at = body.find(DONE)
    while at > 0 and body[at - 1] != 0x0A:
        at = body.find(DONE, at + 1)
    return at if at >= 0 else len(body)


def _facts(record: CallRecord, order: Order, ids: set[str]) -> list[tuple[str, object, object]]:
    """What a record says, and what is true."""
    principal = f"spiffe://{TRUST_DOMAIN}/t/{TENANT}/service/{order.caller}"
    facts: list[tuple[str, object, object]] = [
        ("principal", record.principal, principal),
        ("resource", record.resource, order.model),
        ("tenant", record.tenant, TENANT),
        ("action", record.action, "generate"),
        ("trace", (record.trace or "")[3:35], order.trace or ""),
        ("decision", record.decision, "refuse" if record.outcome == "refused" else "allow"),
    ]
    if record.relationship is not None:
        facts.append(("relationship", record.relationship in ids, True))
    return facts
