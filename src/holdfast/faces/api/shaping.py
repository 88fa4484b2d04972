"""From what the system knows to what the API answers. Pure."""

import msgspec

from holdfast.audit import ChangeRecord, Checkpoint, Entry, Proof, decode_entry
from holdfast.blueprint import (
    Blueprint,
    ComposedOf,
    Connects,
    DeployedIn,
    Interacts,
    Limits,
    Node,
    Options,
    Relationship,
    Timeouts,
)
from holdfast.core import Instant, rfc3339
from holdfast.faces.api import models
from holdfast.faces.stages import stages
from holdfast.faces.view import Live
from holdfast.gateway import COUNTERS, BudgetSeen, NodeSeen, Seen, Totals, UpstreamSeen


def blueprint_reply(blueprint: Blueprint) -> models.BlueprintReply:
    return models.BlueprintReply(
        name=blueprint.name,
        description=blueprint.description,
        tenant=blueprint.tenant,
        digest=blueprint.digest,
        nodes=tuple(_node(node) for node in blueprint.nodes.values()),
        relationships=tuple(_relationship(each) for each in blueprint.relationships),
    )


def _node(node: Node) -> models.NodeReply:
    upstream = node.upstream
    return models.NodeReply(
        id=node.id,
        type=node.type,
        kind=node.kind,
        name=node.name,
        description=node.description,
        upstream=models.UpstreamReply(url=upstream.url, model=upstream.model)
        if upstream is not None
        else None,
    )


def _relationship(relationship: Relationship) -> models.RelationshipReply:
    link = relationship.link
    match link:
        case Connects(source=source, destination=destination):
            kind, start, ends = "connects", source, (destination,)
        case Interacts(actor=actor, nodes=nodes):
            kind, start, ends = "interacts", actor, nodes
        case DeployedIn(container=container, nodes=nodes):
            kind, start, ends = "deployed-in", container, nodes
        case ComposedOf(container=container, nodes=nodes):
            kind, start, ends = "composed-of", container, nodes
        case Options(choices=choices):
            kind, start = "options", None
            ends = tuple(dict.fromkeys(node for choice in choices for node in choice.nodes))
    calls = isinstance(link, Connects)
    return models.RelationshipReply(
        id=relationship.id,
        kind=kind,
        source=start,
        destinations=ends,
        protocol=relationship.protocol,
        description=relationship.description,
        timeouts=_timeouts(relationship.timeouts) if calls else None,
        limits=_limits(relationship.limits) if calls else None,
    )


def _timeouts(timeouts: Timeouts) -> models.TimeoutsReply:
    return models.TimeoutsReply(
        connect_s=timeouts.connect_s,
        first_byte_s=timeouts.first_byte_s,
        idle_s=timeouts.idle_s,
        total_s=timeouts.total_s,
    )


def _limits(limits: Limits) -> models.LimitsReply:
    return models.LimitsReply(
        request_bytes=limits.request_bytes,
        answer_bytes=limits.answer_bytes,
        max_tokens=limits.max_tokens,
        connections=limits.connections,
    )


def calls_reply(live: Live, *, limit: int) -> models.CallsReply:
    return models.CallsReply(
        at=rfc3339(Instant(live.at)),
        in_flight=tuple(_call(seen) for seen in live.in_flight),
        recent=tuple(_call(seen) for seen in live.recent[:limit]),
    )


def live_reply(live: Live, *, limit: int) -> models.LiveReply:
    calls = calls_reply(live, limit=limit)
    return models.LiveReply(
        at=calls.at,
        workers=tuple(
            models.WorkerReply(
                worker=w.worker, pid=w.pid, ready=w.ready, leaving=w.leaving, fault=w.fault
            )
            for w in live.workers
        ),
        totals=_totals(live.totals),
        in_flight=calls.in_flight,
        recent=calls.recent,
        nodes=tuple(_node_load(node) for node in live.nodes),
        upstreams=tuple(_upstream_load(each) for each in live.upstreams),
        budgets=tuple(_budget(each) for each in live.budgets),
    )


def upstreams_reply(live: Live) -> models.UpstreamsReply:
    return models.UpstreamsReply(
        at=rfc3339(Instant(live.at)),
        nodes=tuple(_node_load(node) for node in live.nodes),
        upstreams=tuple(_upstream_load(each) for each in live.upstreams),
    )


def budgets_reply(live: Live) -> models.BudgetsReply:
    return models.BudgetsReply(
        at=rfc3339(Instant(live.at)), budgets=tuple(_budget(each) for each in live.budgets)
    )


def _node_load(seen: NodeSeen) -> models.NodeLoadReply:
    counted = {name: seen.counters.get(name, 0) for name in COUNTERS}
    return models.NodeLoadReply(
        node=seen.node, queued=seen.queued, retry_budget=seen.retry_budget, **counted
    )


def _upstream_load(seen: UpstreamSeen) -> models.UpstreamLoadReply:
    return msgspec.convert(seen, models.UpstreamLoadReply, from_attributes=True)


def _budget(seen: BudgetSeen) -> models.BudgetReply:
    return models.BudgetReply(
        account=seen.account,
        unit=seen.unit,
        limit=seen.limit,
        spent=seen.spent,
        reserved=seen.reserved,
        resets_at=rfc3339(Instant(seen.resets_at)),
    )


def _totals(totals: Totals) -> models.TotalsReply:
    return models.TotalsReply(
        calls=totals.calls,
        answered=totals.answered,
        refused=totals.refused,
        failed=totals.failed,
        cancelled=totals.cancelled,
        tokens_in=totals.tokens_in,
        tokens_out=totals.tokens_out,
    )


def _call(seen: Seen) -> models.CallReply:
    return models.CallReply(
        id=seen.call,
        at=rfc3339(Instant(seen.at)),
        state=seen.state,
        caller=seen.principal,
        callee=seen.resource,
        relationship=seen.relationship,
        outcome=seen.outcome,
        rule=seen.rule,
        status=seen.status,
        stages=tuple(
            models.StageReply(
                stage=each.name,
                progress=each.progress,
                ended_us=each.ended_us,
                took_us=each.took_us,
            )
            for each in stages(seen)
        ),
    )


def records_reply(call: str, entries: tuple[Entry, ...]) -> models.CallRecordsReply:
    return models.CallRecordsReply(call=call, records=tuple(_entry(entry) for entry in entries))


def _entry(entry: Entry) -> models.EntryReply:
    record = decode_entry(entry.data)
    shape = models.Change if isinstance(record, ChangeRecord) else models.Record
    return models.EntryReply(
        index=entry.index,
        pending=entry.is_pending,
        entry=entry.data.decode(),
        record=msgspec.convert(record, shape, from_attributes=True),
    )


def proof_reply(entry: Entry, proof: Proof) -> models.ProofReply:
    return models.ProofReply(
        index=proof.index,
        entry=entry.data.decode(),
        hashes=tuple(each.hex() for each in proof.hashes),
        checkpoint=proof.checkpoint.decode(),
        text=proof.text(),
    )


def log_reply(head: Checkpoint, *, newest: int | None, vkey: str | None) -> models.LogReply:
    return models.LogReply(
        size=head.size,
        root=head.root.hex(),
        origin=head.origin,
        newest=rfc3339(Instant(newest)) if newest is not None else None,
        checkpoint=head.note.decode(),
        vkey=vkey,
    )


def alarms_reply(live: Live) -> models.AlarmsReply:
    return models.AlarmsReply(
        alarms=tuple(
            models.AlarmModel(
                call=each.call, event=each.event, at=rfc3339(Instant(each.at)), index=each.entry
            )
            for each in live.alarms
        )
    )


def approvals_reply(live: Live) -> models.ApprovalsReply:
    return models.ApprovalsReply(
        approvals=tuple(
            models.WaitingReply(
                call=each.call,
                groups=each.groups,
                principal=each.principal,
                on_behalf_of=each.on_behalf_of,
                action=each.action,
                callee=each.callee,
                tool=each.tool,
                relationship=each.relationship,
                policies=each.policies,
                since=rfc3339(Instant(each.since)),
                until=rfc3339(Instant(each.until)),
            )
            for each in live.approvals
        )
    )
