"""Ten design patterns for AI systems: where they are, and where they would help.

``patterns(case) -> tuple[PatternReport, ...]`` says for each of the ten, always in this order, where
it is present (the node or relationship, and by which control) and where it is absent and would be of
use (why there, with a patch where one is ready).

The ten are those that answer what is peculiar to calls of models: they are slow, dear, limited by
others, and wrong now and then. Four tolerate faults (circuit breaker, retry budget, fallback model,
health and ejection), three spare resources (answer cache, spend budget, cheapest first), two keep
load from spreading (bulkhead, load shedding), and one keeps a person above what cannot be taken back.
Patterns that are about content (guard before and after, citation) are rules of the review instead:
their absence is a flaw, not an opportunity. Hedging and cells are left out: hedging buys a latency
that few systems need with calls that all of them pay, and cells are judged by RS-09.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from holdfast.blueprint.review import pattern_finders as find
from holdfast.blueprint.review.pattern_finders import Presence, Suggestion
from holdfast.blueprint.review.rule import Case

__all__ = ["Pattern", "PatternReport", "Presence", "Suggestion", "patterns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A pattern: what it is for, who describes it, and how it is found."""

    id: str
    title: str
    aim: str
    sources: tuple[str, ...]
    present: Callable[[Case], Iterator[Presence]]
    suggested: Callable[[Case], Iterator[Suggestion]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternReport:
    """What is found of one pattern."""

    id: str
    title: str
    aim: str
    sources: tuple[str, ...]
    present: tuple[Presence, ...]
    suggested: tuple[Suggestion, ...]


def patterns(case: Case) -> tuple[PatternReport, ...]:
    """The ten patterns in one system."""
    return tuple(
        PatternReport(
            id=pattern.id,
            title=pattern.title,
            aim=pattern.aim,
            sources=pattern.sources,
            present=tuple(pattern.present(case)),
            suggested=tuple(pattern.suggested(case)),
        )
        for pattern in PATTERNS
    )


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        id="circuit-breaker",
        title="Circuit breaker",
        aim="What fails again and again is left alone, so that nobody waits for it.",
        sources=("M. Nygard, Release It!", "Azure Architecture Center: Circuit Breaker"),
        present=find.breakers,
        suggested=find.breakers_missing,
    ),
    Pattern(
        id="retry-budget",
        title="Retries within a budget",
        aim="Faults that pass are tried away, and no try adds to an overload.",
        sources=(
            "Google SRE Book, chapter 22",
            "AWS Builders' Library: Timeouts, retries, backoff",
        ),
        present=find.retries,
        suggested=find.retries_missing,
    ),
    Pattern(
        id="bulkhead",
        title="Bulkhead",
        aim="A caller that hangs or hurries uses up its own places, not everybody's.",
        sources=("M. Nygard, Release It!", "Azure Architecture Center: Bulkhead"),
        present=find.bulkheads,
        suggested=find.bulkheads_missing,
    ),
    Pattern(
        id="fallback-model",
        title="Fallback model",
        aim="When the model of choice cannot answer, another does: a lesser answer before none.",
        sources=(
            "AWS Well-Architected REL05-BP01: graceful degradation",
            "FINOS AIGF v2 AIR-OP-007",
        ),
        present=find.fallbacks,
        suggested=find.fallbacks_missing,
    ),
    Pattern(
        id="health-and-ejection",
        title="Health checks with outlier ejection",
        aim="Of several upstreams the sick one is found out and left out before callers meet it.",
        sources=(
            "Azure Architecture Center: Health Endpoint Monitoring",
            "Envoy outlier detection",
        ),
        present=find.health,
        suggested=find.health_missing,
    ),
    Pattern(
        id="load-shedding",
        title="Load shedding by importance",
        aim="Under overload the queue is short and what matters least is refused first.",
        sources=("Google SRE Book, chapter 21", "Azure Architecture Center: Queue-Based Levelling"),
        present=find.shedding,
        suggested=find.shedding_missing,
    ),
    Pattern(
        id="answer-cache",
        title="Answer cache",
        aim="The same question is answered once, at the price of once.",
        sources=(
            "Azure Architecture Center: Cache-Aside",
            "AWS Well-Architected Generative AI Lens",
        ),
        present=find.caches,
        suggested=find.caches_missing,
    ),
    Pattern(
        id="spend-budget",
        title="Budget of tokens and money",
        aim="What may be spent has an end before the invoice has one.",
        sources=("OWASP LLM10:2025", "Azure Architecture Center: Throttling"),
        present=find.budgets,
        suggested=find.budgets_missing,
    ),
    Pattern(
        id="cheapest-first",
        title="Cheapest model first",
        aim="What a small or near model can do is not asked of a dear one.",
        sources=("Chen et al., FrugalGPT (2023)", "AWS Agentic AI Lens: model selection"),
        present=find.cheapest,
        suggested=find.cheapest_missing,
    ),
    Pattern(
        id="human-in-the-loop",
        title="Human in the loop",
        aim="What cannot be taken back waits for a person's yes.",
        sources=("EU AI Act Art. 14", "OWASP LLM06:2025", "NIST AI RMF MANAGE 2.4"),
        present=find.people,
        suggested=find.people_missing,
    ),
)
