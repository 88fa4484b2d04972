"""All rules that hold in every run, and how they are told what happens."""

from collections.abc import Callable
from typing import Final

from holdfast.testing.caller import Heard
from holdfast.testing.court import Court, Rule
from holdfast.testing.ledger import Durable
from holdfast.testing.rules_of_answers import (
    AnswersAreTheirOwn,
    CachedAnswersKeepTheirScope,
    CalmWeatherServes,
    EveryAnswerComesInTime,
)
from holdfast.testing.rules_of_order import (
    EveryCallEnds,
    NobodyRaises,
    NothingLeaks,
    QueuesAreBounded,
)
from holdfast.testing.rules_of_records import (
    AcknowledgedIsProven,
    RecordedBeforeTold,
    RecordsAreTrue,
    SealedOnce,
    TheLogIsWhole,
)
from holdfast.testing.rules_of_resilience import (
    BreakersOpen,
    BudgetsHold,
    BulkheadsHold,
    ItServesAgain,
    NothingIsHeldAtTheEnd,
    RestIsKept,
    RetriesAreBounded,
    TriedAgainOnlyBeforeTheFirstToken,
)
from holdfast.testing.rules_of_sending import (
    AbandonedWorkIsCutOff,
    DeadlinesAreHandedOn,
    OnlyAllowedCallsAreSent,
    RefusalsAreTheLaws,
    TracesGoOn,
    WhatIsSentIsHttp,
)
from holdfast.testing.upstream import Attempt

RULES: Final[tuple[type[Rule], ...]] = (
    OnlyAllowedCallsAreSent,
    RefusalsAreTheLaws,
    WhatIsSentIsHttp,
    RecordedBeforeTold,
    SealedOnce,
    RecordsAreTrue,
    AnswersAreTheirOwn,
    CachedAnswersKeepTheirScope,
    EveryAnswerComesInTime,
    DeadlinesAreHandedOn,
    TracesGoOn,
    RetriesAreBounded,
    TriedAgainOnlyBeforeTheFirstToken,
    RestIsKept,
    BreakersOpen,
    BulkheadsHold,
    BudgetsHold,
    NothingIsHeldAtTheEnd,
    ItServesAgain,
    AbandonedWorkIsCutOff,
    CalmWeatherServes,
    QueuesAreBounded,
    NobodyRaises,
    EveryCallEnds,
    NothingLeaks,
    TheLogIsWhole,
    AcknowledgedIsProven,
)


class Checkers:
    """Tells every rule what concerns it, as it happens."""

    def __init__(self, court: Court) -> None:
        self.rules = [rule(court) for rule in RULES]
        self._evidence = court.evidence
        self._reached = _listeners(self.rules, "on_reached")
        self._left = _listeners(self.rules, "on_left")
        self._records = _listeners(self.rules, "on_record")
        self._heads = _listeners(self.rules, "on_head")
        self._ends = _listeners(self.rules, "on_end")

    def on_reached(self, attempt: Attempt) -> None:
        self._evidence.attempts.setdefault(attempt.call, []).append(attempt)
        for listener in self._reached:
            listener(attempt)

    def on_left(self, attempt: Attempt) -> None:
        for listener in self._left:
            listener(attempt)

    def on_record(self, durable: Durable) -> None:
        for listener in self._records:
            listener(durable)

    def on_head(self, heard: Heard) -> None:
        if heard.call is not None and heard.status != 503:  # which may be said without a record
            self._evidence.acknowledged[heard.call] = heard
        for listener in self._heads:
            listener(heard)

    def on_end(self, heard: Heard) -> None:
        self._evidence.heard[heard.order.number] = heard
        for listener in self._ends:
            listener(heard)

    def on_look(self) -> None:
        for rule in self.rules:
            rule.on_look()

    def at_rest(self) -> None:
        for rule in self.rules:
            rule.at_rest()

    def not_served(self, heard: list[Heard]) -> None:
        for rule in self.rules:
            if isinstance(rule, ItServesAgain):
                rule.not_served(heard)

    def at_end(self) -> None:
        for rule in self.rules:
            rule.at_end()


def _listeners(rules: list[Rule], name: str) -> list[Callable[..., None]]:
    """The rules that look at this at all."""
    asked = [rule for rule in rules if getattr(type(rule), name) is not getattr(Rule, name)]
    return [getattr(rule, name) for rule in asked]
