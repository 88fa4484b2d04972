"""Findings that somebody has taken on himself for a time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from holdfast.blueprint import WaiverForm
from holdfast.blueprint.review.levels import is_about
from holdfast.blueprint.review.packs import Pack
from holdfast.blueprint.review.rule import Judgement, Rule, Verdict

UNWAIVABLE = ("GV-03",)
"""The rule that finds expired waivers: one that could be waived would never speak."""
OF_OTHERS = ("DRIFT-",)
"""How rules begin that a review does not ask: their waivers are `holdfast drift`'s to judge. Whether one
has expired is judged here as of any other."""


@dataclass(frozen=True, slots=True)
class Waivers:
    """The waivers in force on a day, and why others are not."""

    active: tuple[WaiverForm, ...]
    refused: tuple[str, ...]

    def covering(self, rule: Rule, judgement: Judgement) -> WaiverForm | None:
        """The first waiver that covers a judgement; what holds needs none."""
        if judgement.verdict is Verdict.HOLDS:
            return None
        return next((each for each in self.active if covers(each, rule.id, judgement)), None)


def covers(waiver: WaiverForm, rule: str, judgement: Judgement) -> bool:
    if rule in UNWAIVABLE or not is_about(waiver.rule, rule):
        return False
    at = waiver.at
    return (
        at is None
        or at in {judgement.subject, judgement.at}
        or judgement.at.startswith((f"{at}.", f"{at}["))
    )


def waivers_on(
    today: date, written: Iterable[WaiverForm], *, packs: Sequence[Pack], rules: Sequence[Rule]
) -> Waivers:
    """Those that have not expired and that no pack forbids."""
    active: list[WaiverForm] = []
    refused: list[str] = []
    for waiver in written:
        if waiver.rule.startswith(OF_OTHERS):
            continue
        expires = date.fromisoformat(waiver.expires)
        fault = _fault(waiver, expires, today, packs=packs, rules=rules)
        if fault is not None:
            refused.append(f"{told(waiver)} {fault}")
        elif expires >= today:
            active.append(waiver)
    return Waivers(active=tuple(active), refused=tuple(refused))


def _fault(
    waiver: WaiverForm,
    expires: date,
    today: date,
    *,
    packs: Sequence[Pack],
    rules: Sequence[Rule],
) -> str | None:
    about = [rule.id for rule in rules if is_about(waiver.rule, rule.id)]
    if not about:
        return "is about no rule"
    if all(name in UNWAIVABLE for name in about):
        return "is about a rule that cannot be waived"
    for pack in packs:
        if any(is_about(pattern, name) for pattern in pack.no_waivers for name in about):
            return f"does not count: {pack.name} lets nobody waive it"
        days = pack.waiver_days
        if days is not None and expires > today + timedelta(days=days):
            return f"does not count: {pack.name} lets none reach further than {days} days"
    return None


def idle(waivers: Waivers, used: Iterable[WaiverForm]) -> Iterator[str]:
    """Active waivers that cover nothing."""
    known = [id(each) for each in used]
    for waiver in waivers.active:
        if id(waiver) not in known:
            yield f"{told(waiver)} covers nothing: remove it"


def told(waiver: WaiverForm) -> str:
    at = f" at {waiver.at}" if waiver.at else ""
    return f"the waiver of {waiver.rule}{at} ({waiver.owner}, until {waiver.expires})"
