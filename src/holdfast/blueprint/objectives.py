"""What a blueprint promises of its calls: service-level objectives, settled."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

OBJECTIVE_DAYS_DEFAULT = 28
"""Four weeks: every window holds as many weekends (SRE Workbook, chapter 2)."""

ObjectiveKind: TypeAlias = Literal[
    "availability", "first_token", "duration", "tokens_per_s", "cost"
]
CostPer: TypeAlias = Literal["day", "1000-calls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """At least ``share_micro`` millionths of what is counted within ``days`` are good.

    ``limit`` says what good is: microseconds at most (``first_token``, ``duration``), thousandths of
    a token a second at least (``tokens_per_s``). A ``cost`` has no share: its ``limit`` is money, in
    millionths, for each ``per``. ``availability`` has no limit.
    """

    kind: ObjectiveKind
    days: int = OBJECTIVE_DAYS_DEFAULT
    share_micro: int | None = None
    limit: int | None = None
    per: CostPer | None = None
