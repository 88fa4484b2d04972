"""What a finding does: advise, warn, or block; by the rule's severity, an organisation, a team."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from holdfast.blueprint import LEVELS, Level
from holdfast.blueprint.review.rule import Rule, RuleSeverity

DEFAULT_LEVELS: Mapping[RuleSeverity, Level] = MappingProxyType(
    {"critical": "block", "high": "block", "medium": "warn", "low": "advise"}
)
"""Where nobody says otherwise."""


def is_about(pattern: str, rule: str) -> bool:
    """Whether ``TB-01``, or a beginning such as ``TB-*``, means this rule."""
    if pattern.endswith("*"):
        return rule.startswith(pattern[:-1])
    return pattern == rule


def written_level(levels: Mapping[str, Level], rule: str) -> Level | None:
    """What a mapping says of a rule: the longest pattern that is about it goes before others."""
    fitting = [pattern for pattern in levels if is_about(pattern, rule)]
    if not fitting:
        return None
    return levels[max(fitting, key=lambda pattern: (not pattern.endswith("*"), len(pattern)))]


def strictest(levels: Iterable[Level]) -> Level:
    return max(levels, key=LEVELS.index)


def effective_level(
    rule: Rule, *, packs: Iterable[Mapping[str, Level]], team: Mapping[str, Level]
) -> Level:
    """The strictest word of the organisation's packs, which the team may only make stricter; the
    team's where no pack speaks; else by the rule's severity."""
    said = _said(rule, packs)
    own = written_level(team, rule.id)
    if own is None:
        return strictest(said) if said else DEFAULT_LEVELS[rule.severity]
    return strictest([*said, own])


def _said(rule: Rule, packs: Iterable[Mapping[str, Level]]) -> list[Level]:
    found: list[Level] = []
    for levels in packs:
        level = written_level(levels, rule.id)
        if level is not None:
            found.append(level)
    return found


def softenings(
    rules: Iterable[Rule], *, packs: Iterable[Mapping[str, Level]], team: Mapping[str, Level]
) -> tuple[str, ...]:
    """The rules that the team's file wants milder than the organisation has them."""
    given = tuple(packs)
    found: list[str] = []
    for rule in rules:
        own = written_level(team, rule.id)
        said = _said(rule, given)
        if own is not None and said and LEVELS.index(own) < LEVELS.index(strictest(said)):
            found.append(rule.id)
    return tuple(found)
