"""What changes in a blueprint from version to version without anybody deciding it at once."""

import math
from collections.abc import Iterator, Sequence
from datetime import date

from holdfast.blueprint import Blueprint


def inflation(first: Blueprint, now: Blueprint) -> float:
    """The sum of log(now / first) over timeouts, retries and limits of the relationships in both:
    0 where nothing changed, 0.69 where one of them doubled."""
    before = dict(_settings(first))
    return sum(
        math.log(value / before[name])
        for name, value in _settings(now)
        if name in before and value > 0 and before[name] > 0
    )


def _settings(blueprint: Blueprint) -> Iterator[tuple[tuple[str, str], float]]:
    for each in blueprint.connections().values():
        timeouts, limits, retries = each.timeouts, each.limits, each.retries
        for name, value in (
            ("connect_s", timeouts.connect_s),
            ("first_byte_s", timeouts.first_byte_s),
            ("idle_s", timeouts.idle_s),
            ("total_s", timeouts.total_s),
            ("request_bytes", limits.request_bytes),
            ("answer_bytes", limits.answer_bytes),
            ("connections", limits.connections),
            ("attempts", retries.attempts),
        ):
            yield (each.id, name), float(value)


def waiver_debt(versions: Sequence[tuple[date, Blueprint]], *, at: date) -> float:
    """The days for which the waivers that are open at ``at`` have stood, together. A waiver that is
    renewed goes on standing."""
    since: dict[tuple[str, str | None], date] = {}
    for day, blueprint in sorted(versions, key=lambda each: each[0]):
        if day > at:
            break
        there = {(w.rule, w.at) for w in blueprint.review.waivers or ()}
        since = {key: since.get(key, day) for key in there}
    return float(sum((at - day).days for day in since.values()))
