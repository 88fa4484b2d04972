from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.resilience.backoff import (
    RETRY_AFTER_BYTES_MAX,
    RETRY_AFTER_S_MAX,
    backoff_s,
    retry_after_s,
)

CHANCE = st.floats(0, 1, exclude_max=True)
NOON = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC).timestamp()


@given(
    retry=st.integers(0, 10**6),
    base_s=st.floats(0.001, 10),
    most_s=st.floats(0.001, 100),
    chance=CHANCE,
)
def test_a_wait_is_never_longer_than_its_doubled_base_nor_than_the_most(
    retry, base_s, most_s, chance
):
    wait = backoff_s(retry, base_s=base_s, most_s=most_s, chance=chance)
    assert 0 <= wait <= most_s
    assert wait <= base_s * 2 ** min(retry, 100)


@given(retry=st.integers(0, 10), base_s=st.floats(0.01, 1), most_s=st.floats(1, 100))
def test_jitter_is_full_so_that_callers_that_failed_together_come_back_apart(retry, base_s, most_s):
    longest = min(most_s, base_s * 2**retry)
    waits = [backoff_s(retry, base_s=base_s, most_s=most_s, chance=i / 4) for i in range(4)]
    assert waits == pytest.approx([0, longest / 4, longest / 2, longest * 3 / 4])


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"0", 0.0),
        (b"7", 7.0),
        (b" 7\t", 7.0),
        (b"1.5", 1.5),
        (b"86400", RETRY_AFTER_S_MAX),
        (b"9" * 60, RETRY_AFTER_S_MAX),
        # The three forms of an HTTP-date, as RFC 9110 5.6.7 shows them.
        (b"Sun, 06 Nov 1994 08:49:37 GMT", 20.0),
        (b"Sunday, 06-Nov-94 08:49:37 GMT", 20.0),
        (b"Sun Nov  6 08:49:37 1994", 20.0),
        (b"Sun, 06 Nov 1994 08:49:00 GMT", 0.0),
        (b"Sun, 06 Nov 2094 08:49:37 GMT", RETRY_AFTER_S_MAX),
    ],
)
def test_what_the_callee_asks_for_is_heard_within_bounds(value, seconds):
    assert retry_after_s(value, wall_s=NOON - 20.0) == seconds


@pytest.mark.parametrize(
    "value",
    [
        *(None, b"", b"-1", b"+1", b"1e3", b"soon", b"nan", b"inf", b"0x10", b"1 2", b".5"),
        *(
            "\N{ARABIC-INDIC DIGIT ONE}".encode(),
            b"Sun, 31 Feb 1994 08:49:37 GMT",
            b"9" * (RETRY_AFTER_BYTES_MAX + 1),
        ),
    ],
)
def test_what_cannot_be_read_is_as_if_it_were_not_there(value):
    assert retry_after_s(value, wall_s=NOON) is None


WORDS = [b"Sun", b",", b" ", b"06", b"Nov", b"1994", b"99", b":", b"08:49:37", b"-", b"GMT", b"+9"]


@given(value=st.binary(max_size=70) | st.lists(st.sampled_from(WORDS)).map(b"".join))
def test_no_bytes_of_an_upstream_break_the_reader(value):
    seconds = retry_after_s(value, wall_s=NOON)
    assert seconds is None or 0 <= seconds <= RETRY_AFTER_S_MAX


@given(
    wall_s=st.integers(0, 4 * 10**9),
    ahead_s=st.integers(-1000, 1000),
)
def test_a_date_asks_for_the_time_until_it(wall_s, ahead_s):
    date = datetime.fromtimestamp(max(wall_s + ahead_s, 0), UTC)
    value = format_datetime(date, usegmt=True).encode()
    wanted = min(max(date.timestamp() - wall_s, 0), RETRY_AFTER_S_MAX)
    assert retry_after_s(value, wall_s=wall_s) == wanted
