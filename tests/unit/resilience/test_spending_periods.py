"""Budget periods: whole ones of UTC."""

from datetime import UTC, datetime

import pytest

from holdfast.blueprint import Period
from holdfast.core import Instant
from holdfast.resilience.leases import period_of

NOON = Instant(1_780_315_200_000_000)  # 2026-06-01T12:00:00Z


@pytest.mark.parametrize(
    ("per", "starts", "ends"),
    [
        ("minute", "2026-06-01T12:00:00", "2026-06-01T12:01:00"),
        ("hour", "2026-06-01T12:00:00", "2026-06-01T13:00:00"),
        ("day", "2026-06-01T00:00:00", "2026-06-02T00:00:00"),
        ("month", "2026-06-01T00:00:00", "2026-07-01T00:00:00"),
    ],
)
def test_periods_are_whole_ones_of_utc(per: Period, starts: str, ends: str) -> None:
    expected = tuple(
        int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000
        for text in (starts, ends)
    )
    assert period_of(per, NOON) == expected
    assert period_of(per, Instant(expected[1] - 1)) == expected
    assert period_of(per, Instant(expected[1]))[0] == expected[1]


def test_december_is_followed_by_january() -> None:
    starts, ends = period_of("month", Instant(1_797_000_000_000_000))  # 2026-12-11
    assert (starts, ends) == (1_796_083_200_000_000, 1_798_761_600_000_000)
