"""Rules about tries: how many, where, when; what is paid; and that trouble ends when it ends."""

from collections import Counter, defaultdict
from typing import Final

from holdfast.testing.caller import Heard
from holdfast.testing.court import Court, Rule
from holdfast.testing.declaring import PRICES
from holdfast.testing.scripts import PROMPT_TOKENS
from holdfast.testing.setup import Allowance
from holdfast.testing.system import SimWorker
from holdfast.testing.upstream import Attempt
from holdfast.world.sim import NETWORK_KINDS

BURST: Final = 10
"""Retries that quiet traffic may save up."""
WINDOW_S: Final = 10
SETTLED_S: Final = 0.3
"""By then the gateway has heard of an answer's end, where the network is well."""
PROBE_SHARE: Final = 0.8
FAILING: Final = (500, 503, 529)
SECONDS: Final = {"minute": 60, "hour": 3_600}
EDGE_S: Final = 3.0
"""A call this near to the end of a period may count in either."""


class RetriesAreBounded(Rule):
    """Beyond first tries no more are made than live traffic pays for, nor more for one call than it
    may have."""

    name = "retries stay within their budget"

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        self._tries: Counter[tuple[str, str, str]] = Counter()
        self._again: Counter[tuple[str, str]] = Counter()

    def on_reached(self, attempt: Attempt) -> None:
        setup = self.evidence.plan.setup
        called = setup.place_at(attempt.where).called
        earlier = self.evidence.attempts[attempt.call][:-1]
        if any(self.evidence.may_be_resent(each) for each in earlier):
            return
        key = (attempt.worker, called, attempt.call)
        self._tries[key] += 1
        controls = setup.controls
        if self._tries[key] > controls.attempts + controls.has_hedge:
            self.broken(f"call {attempt.order} was tried {self._tries[key]} times at {called}")
        if self._tries[key] > 1:
            self._again[attempt.worker, called] += 1
            self._check(attempt.worker, called)

    def _check(self, worker: str, called: str) -> None:
        controls = self.evidence.plan.setup.controls
        again = self._again[worker, called]
        may_come = {called, "reviewer"} if controls.fallback != "no" else {called}
        firsts = sum(
            self.evidence.orders[number].model in may_come for number in self.evidence.sent_at
        )
        saved = min(BURST, WINDOW_S * controls.per_s_min)
        most = saved + controls.share * firsts + controls.per_s_min * self.evidence.now
        if again > most:
            self.broken(f"{worker} tried {again} times again at {called}, {most:.1f} at most")


class TriedAgainOnlyBeforeTheFirstToken(Rule):
    """Once a caller has heard part of a stream nothing else is asked, unless policy lets another
    model go on from there."""

    name = "nothing is tried again after the first token"

    def on_reached(self, attempt: Attempt) -> None:
        evidence = self.evidence
        heard = evidence.acknowledged.get(attempt.call)
        if heard is None or not heard.body or evidence.is_rough(attempt):
            return
        if evidence.plan.setup.controls.fallback != "after":
            self.broken(f"call {attempt.order} was sent again after its caller heard its answer")
        elif attempt.so_far is None:
            self.broken(f"call {attempt.order} was begun anew after its caller heard its answer")


class RestIsKept(Rule):
    """An upstream that asks to be left alone for a while is left alone, by every worker."""

    name = "who asks for rest gets it"

    def on_reached(self, attempt: Attempt) -> None:
        upstream = self.evidence.upstreams[attempt.where]
        for before in upstream.attempts[-60:-1]:
            if before.retry_after is None or before.ended is None or before.ending != "whole":
                continue
            if self.evidence.is_tainted(before) or self._is_unsure(before.ended):
                continue
            rest_s = attempt.began - before.ended
            asked_s = before.retry_after
            # In whole seconds; the answer takes its time to the gateway, the news to the others.
            if SETTLED_S < rest_s < asked_s - SETTLED_S and self._knew(before):
                self.broken(
                    f"{attempt.where} was asked again after {rest_s:.3f} s, it asked for {asked_s:g}"
                )

    def _knew(self, before: Attempt) -> bool:
        """Whether the worker that was told is still there, and its caller was when it was told."""
        evidence = self.evidence
        return not evidence.was_killed(before.worker, 0.0) and not evidence.was_left(before)

    def _is_unsure(self, since: float) -> bool:
        kinds = (*NETWORK_KINDS, "kill", "crash", "keeper-crash", "drain", "reload")
        return any(
            fault.at_s <= self.evidence.now and since <= fault.at_s + fault.for_s + 1.0
            for fault in self.evidence.faults(*kinds)
        )


class BreakersOpen(Rule):
    """An upstream that failed so often in a row is asked by probes only, one after the other, until
    one succeeds."""

    name = "a failing upstream is left alone"

    def on_reached(self, attempt: Attempt) -> None:
        controls = self.evidence.plan.setup.controls
        if self._is_unsure(attempt):
            return
        history = [
            before
            for before in self.evidence.upstreams[attempt.where].attempts[:-1]
            if before.worker == attempt.worker
        ]
        opened = self._opened(history, controls.failures, by=attempt.began - SETTLED_S)
        if opened is None:
            return
        probes = [each for each in history if each.began > opened + SETTLED_S]
        if probes and attempt.began - probes[-1].began < controls.open_s * PROBE_SHARE:
            self.broken(
                f"{attempt.where} failed {controls.failures} times in a row by {opened:.3f} s, and "
                f"was asked at {probes[-1].began:.3f} and at {attempt.began:.3f}"
            )
        hanging = [each for each in probes if each.ended is None and each.first_at is None]
        if hanging:
            self.broken(
                f"{attempt.where} was asked at {attempt.began:.3f}, though the probe of "
                f"{hanging[0].began:.3f} still waits for its answer"
            )

    def _is_unsure(self, attempt: Attempt) -> bool:
        kinds = ("kill", "crash", "keeper-crash", "drain", "reload")
        return self.evidence.is_rough(attempt) or any(self.evidence.faults(*kinds))

    def _opened(self, history: list[Attempt], failures: int, *, by: float) -> float | None:
        """When the last of so many failures in a row ended, if nothing else has ended since."""
        ended = [each for each in history if each.ended is not None]
        row: list[Attempt] = []
        for each in sorted(ended, key=lambda each: each.ended or 0.0):
            is_failure = each.ending == "whole" and each.status in FAILING
            # Whose caller left gives no verdict, whatever came.
            row = [*row, each] if is_failure and not self.evidence.was_left(each) else []
        if len(row) < failures:
            return None
        opened = row[failures - 1].ended
        return opened if opened is not None and opened < by else None


class BulkheadsHold(Rule):
    """No account has more calls in flight than its bulkhead allows."""

    name = "bulkheads hold"

    def on_reached(self, attempt: Attempt) -> None:
        setup = self.evidence.plan.setup
        if not setup.controls.bulkheads or self.evidence.plan.faults or setup.controls.has_hedge:
            return
        if setup.leaving_share or setup.deadline_share:
            return
        young_s = min(setup.first_byte_s, setup.idle_s) - SETTLED_S
        links = [link for each in self.evidence.upstreams.values() for link in each.links]
        under_way = [link.attempt for link in links if link.attempt is not None]
        open_calls: dict[str, set[str]] = defaultdict(set)
        for each in under_way:
            if self.evidence.now - each.began < young_s:
                for account in self.evidence.accounts(each):
                    open_calls[account].add(each.call)
        for account, most in setup.controls.bulkheads:
            share = max(1, most // setup.workers) * setup.workers
            if len(open_calls[account]) > share:
                self.broken(
                    f"{account} has {len(open_calls[account])} calls in flight, {most} may be"
                )


class BudgetsHold(Rule):
    """What upstreams were made to spend on an account in a period is within its budget."""

    name = "no budget is overspent"

    def at_end(self) -> None:
        for allowance in self.evidence.plan.setup.controls.allowances:
            self._check(allowance)

    def _check(self, allowance: Allowance) -> None:
        calls: Counter[int] = Counter()
        tokens: Counter[int] = Counter()
        money: Counter[int] = Counter()
        for attempts in self.evidence.attempts.values():
            period = self._period(attempts[0], allowance)
            charged = [
                each
                for each in attempts
                if allowance.account in self.evidence.accounts(each)
                and not self.evidence.is_tainted(each)
            ]
            if period is None:
                continue
            spent = [_spent(each) for each in charged]
            calls[period] += any(used for used, _ in spent)
            tokens[period] += sum(used for used, _ in spent)
            money[period] += sum(cost for _, cost in spent)
        for unit, counts, most in (
            ("calls", calls, allowance.calls),
            ("tokens", tokens, allowance.tokens),
            ("money", money, allowance.money_micro),
        ):
            worst = max(counts.values(), default=0)
            if most is not None and worst > most:
                self.broken(f"{worst} {unit} were spent on {allowance.account} of {most}")

    def _period(self, attempt: Attempt, allowance: Allowance) -> int | None:
        """The period that a call counts in; None where that is not certain."""
        durable = self.evidence.ledger.by_call.get(attempt.call)
        at = durable[0].record.at if durable else attempt.wall
        size = SECONDS[allowance.per] * 1_000_000
        edge = EDGE_S * self.evidence.wall_speed * 1_000_000
        return None if size - at % size < edge else at // size


def _spent(attempt: Attempt) -> tuple[int, int]:
    """Tokens that were worked for, and their price in millionths; an error costs nothing."""
    if not attempt.served or attempt.trouble in ("error", "limit"):
        return 0, 0
    tokens_out = attempt.script.pieces
    price_in, price_out = PRICES[attempt.model]
    micro = (PROMPT_TOKENS * price_in + tokens_out * price_out) // 1_000
    return PROMPT_TOKENS + tokens_out, micro


class NothingIsHeldAtTheEnd(Rule):
    """When all is over no machine believes that a call is still in flight, waits, or is inside."""

    name = "machines are at rest at the end"

    def at_rest(self) -> None:
        for worker in self.evidence.system.workers.values():
            for seen in worker.gateway.seen_upstreams():
                if seen.in_flight:
                    self.broken(f"{seen.upstream} has {seen.in_flight} calls in flight at the end")
                if seen.state in ("open", "half-open") and self._is_seen_well(worker, seen.url):
                    self.broken(f"{seen.upstream} is {seen.state} although it answers")
            for node in worker.gateway.seen_nodes():
                if node.queued:
                    self.broken(f"{node.queued} calls wait for {node.node} at the end")

    def _is_seen_well(self, worker: SimWorker, url: str) -> bool:
        """Whether the last that this worker had of it was a whole, good answer, in calm weather."""
        where = url.removeprefix("http://").removesuffix("/v1")
        upstream = self.evidence.upstreams[where]
        had = [each for each in upstream.attempts if each.worker == worker.process.name]
        last = max(had, key=lambda each: each.ended or float("inf"), default=None)
        if last is None or last.began < self.evidence.calm_at:
            return False
        return (last.ending, last.status) == ("whole", 200)

    def on_look(self) -> None:
        controls = self.evidence.plan.setup.controls
        for worker in self.evidence.system.workers.values():
            for seen in worker.gateway.seen_upstreams():
                if not 1 <= seen.limit <= controls.calls_max:
                    self.broken(f"{seen.upstream} has a limit of {seen.limit}")
                # Probes of a breaker pass the limit: only while nothing failed is it strict.
                if not seen.failed and seen.in_flight > controls.calls_max:
                    self.broken(f"{seen.upstream} has {seen.in_flight} calls in flight")
            for node in worker.gateway.seen_nodes():
                if node.queued > controls.queue:
                    self.broken(f"{node.queued} calls wait for {node.node}, {controls.queue} may")


class ItServesAgain(Rule):
    """When trouble is over, calls are answered again, and soon: no breaker stays open, nothing that
    was taken is never given back."""

    name = "it serves again after trouble"

    def not_served(self, heard: list[Heard]) -> None:
        """Called when probes went on for so long and were not answered well enough."""
        last = heard[-1]
        self.broken(
            f"{last.order.caller} is not served by {last.order.model} long after all trouble is "
            f"over: {last.status} {last.code} {last.failure}"
        )
