"""The traffic of a system that drifts, and how well a report on it fares against the truth."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.loops.drift import Kind, Origin, Report, Span, Tally, identity, observe_trace
from holdfast.testing.drifting import HOUR_US, START, Hop, Journey, Label, Scenario


class Traffic:
    """The spans of a scenario, as services would have told them."""

    def __init__(self, case: Scenario, seed: int, *, loss: float = 0.01) -> None:
        self._case = case
        self._rng = random.Random(seed)  # noqa: S311 - traffic, not secrets
        self._loss = loss
        self._origins: dict[str, Origin] = {}
        self._skew: dict[str, int] = {}
        self._number = 0

    def traces(self) -> Iterator[list[Span]]:
        for journey in self._case.journeys:
            for at in self._times(journey):
                if spans := self._trace(journey, at):
                    yield spans

    def _times(self, journey: Journey) -> Iterator[int]:
        for begins, hours in _spells(journey):
            for _ in range(self._poisson(journey.per_hour * self._case.p * hours)):
                yield START + int((begins + self._rng.random() * hours) * HOUR_US)

    def _poisson(self, mean: float) -> int:
        """By the normal approximation where it is good, else by its definition."""
        if mean > 200:
            return max(0, round(self._rng.gauss(mean, math.sqrt(mean))))
        n, left = 0, math.exp(-mean)
        product = self._rng.random()
        while product > left:
            n += 1
            product *= self._rng.random()
        return n

    def _trace(self, journey: Journey, at: int) -> list[Span]:
        self._number += 1
        trace = f"{self._number:032x}"
        root = self._span(trace, "", journey.root, kind=2, at=at)
        if journey.root == "planner":
            root.attributes["gen_ai.agent.name"] = "planner"
        spans = [root]
        clock = at + 1_000
        for hop in journey.hops:
            clock = self._hop(spans, root, hop, at=clock) + 1_000
        hour = (at - START) / HOUR_US
        return [
            span
            for span in spans
            if self._rng.random() >= self._loss and not self._is_dark(span, hour)
        ]

    def _is_dark(self, span: Span, hour: float) -> bool:
        since = self._case.dark.get(span.name.partition(" ")[0])
        return since is not None and hour >= since

    def _span(self, trace: str, parent: str, service: str, *, kind: int, at: int) -> Span:
        self._number += 1
        skew = self._skew.setdefault(service, self._rng.randint(-40_000, 40_000))
        start = at + skew
        return Span(
            trace, f"{self._number:016x}", parent, f"{service} span", kind, start, start + 500,
            self._origin(service), {}, (), self._case.p,
        )  # fmt: skip

    def _origin(self, service: str) -> Origin:
        known = self._origins.get(service)
        if known is None:
            name = self._case.names.get(service, service)
            known = Origin(identity((("service", f"/{name}"),)), self._case.regions.get(service))
            self._origins[service] = known
        return known

    def _hop(self, spans: list[Span], caller: Span, hop: Hop, *, at: int) -> int:
        """The caller's span, the callee's where it is instrumented; gives when it was over."""
        service = caller.name.partition(" ")[0]
        client = self._span(caller.trace, caller.id, service, kind=3, at=at)
        client.attributes.update(_attributes(hop))
        spans.append(client)
        if hop.shape == "tool":
            client.kind = 1
        if hop.shape == "send":
            client.kind = 4
        if hop.shape in {"db", "send", "model"} or "." in hop.target or hop.target == "bank":
            return at + 2_000
        server = self._span(caller.trace, client.id, hop.target, kind=2, at=at + 200)
        if hop.shape == "agent":
            client.attributes |= {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": hop.target,
            }
            server = replace_origin(server, client, is_stranger=hop.target == "rogue")
        spans.append(server)
        clock = at + 400
        for inner in hop.then:
            clock = self._hop(spans, server, inner, at=clock) + 200
        return clock + 500


def _spells(journey: Journey) -> Iterator[tuple[float, float]]:
    """When a journey runs: beginnings and lengths, in hours."""
    if not journey.every_h:
        yield journey.begins_h, journey.ends_h - journey.begins_h
        return
    begins = journey.begins_h
    while begins < journey.ends_h:
        yield begins, 1.0
        begins += journey.every_h


def replace_origin(server: Span, client: Span, *, is_stranger: bool) -> Span:
    """A rogue agent runs inside its caller's own process, and tells of itself as agents do."""
    if not is_stranger:
        return server
    server.origin = client.origin
    server.kind = 1
    client.kind = 1
    server.attributes |= {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "rogue",
    }
    client.attributes.clear()
    return server


def _attributes(hop: Hop) -> dict[str, str | int | float | bool]:
    host = hop.host or ("bank.example" if hop.target == "bank" else hop.target)
    match hop.shape:
        case "db":
            return {"db.system.name": "postgresql", "db.namespace": hop.target}
        case "send":
            return {"messaging.destination.name": hop.target, "messaging.system": "kafka"}
        case "model":
            return {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": hop.model,
                "service.peer.name": "model",
            }
        case "mcp":
            found: dict[str, str | int | float | bool] = {
                "mcp.method.name": "tools/call",
                "gen_ai.tool.name": hop.tool,
            }
            return found | ({"gen_ai.tool.definition.hash": hop.digest} if hop.digest else {})
        case "agent" | "tool":
            return {}
        case "call":
            return {
                "server.address": host,
                **({"server.port": hop.port} if hop.port else {}),
                "url.scheme": hop.scheme,
            }


def observed(case: Scenario, seed: int, *, loss: float = 0.01) -> Tally:
    """What drift gets to see of a scenario."""
    tally = Tally()
    for trace in Traffic(case, seed, loss=loss).traces():
        observe_trace(trace, tally)
    return tally


@dataclass(frozen=True, slots=True)
class Score:
    """Of one class: found and planted, found and not planted, planted and decidable and missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float:
        found = self.right + self.wrong
        return self.right / found if found else 1.0

    @property
    def recall(self) -> float:
        wanted = self.right + self.missed
        return self.right / wanted if wanted else 1.0


def score(case: Scenario, report: Report) -> tuple[dict[Kind, Score], list[str]]:
    """How a report fares against the truth, by class; and every mistake in words.

    What is planted but cannot be decided counts neither as found nor as missed. A stale edge that
    is called blind where it could have been decided is a miss; a blind one called stale is wrong.
    """
    scores = dict.fromkeys(Kind, Score())
    mistakes: list[str] = []
    found: set[Label] = set()
    for finding in report.findings:
        if finding.level == "note" and finding.kind is not Kind.BLIND:
            continue
        fact = "" if finding.kind is Kind.ORDER else finding.fact
        label = Label(finding.kind, finding.source, finding.target, fact)
        if label in found:
            continue
        found.add(label)
        if not _is_true(label, case):
            mistakes.append(f"wrong {label}: {finding.what}")
            scores[label.kind] += Score(wrong=1)
    for label, decided in case.planted.items():
        if label in found:
            scores[label.kind] += Score(right=int(decided))
        elif decided:
            mistakes.append(f"missed {label}")
            scores[label.kind] += Score(missed=1)
    return scores, mistakes


def _is_true(label: Label, case: Scenario) -> bool:
    if label in case.planted:
        return True
    if label.kind is not Kind.BLIND:
        return False
    # Whatever was not seen and cannot be decided is rightly called blind.
    return not case.planted.get(Label(Kind.STALE_EDGE, label.source, label.target), False)
