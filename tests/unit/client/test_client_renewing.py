"""A value that ends is replaced in time, whatever its source does."""

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from holdfast.client.errors import RenewalError
from holdfast.client.renewing import RETRY_S, Renewing
from holdfast.core import Instant

SECOND = 1_000_000


@dataclass(frozen=True)
class Good:
    renew_at: Instant
    expires: Instant


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 0

    def now(self) -> Instant:
        return Instant(self.at * SECOND)

    def monotonic(self) -> float:
        return float(self.at)


def source(clock: Hands, asked: list[int], is_up: Callable[[], bool]) -> Callable[[], Good]:
    """Gives values that are good for a minute."""

    def renew() -> Good:
        asked.append(clock.at)
        if not is_up():
            raise OSError("down")
        return Good(Instant((clock.at + 40) * SECOND), Instant((clock.at + 60) * SECOND))

    return renew


@given(st.lists(st.tuples(st.integers(0, 90), st.booleans()), max_size=40))
def test_what_is_taken_is_good_and_a_dead_source_matters_only_at_the_end(
    moves: list[tuple[int, bool]],
) -> None:
    clock, asked, up = Hands(), list[int](), [True]
    kept = Renewing(source(clock, asked, lambda: up[0]), clock, what="it")
    for seconds, is_up in moves:
        clock.at += seconds
        up[0] = is_up
        newest = kept.newest
        was_good = newest is not None and clock.now() < newest.expires
        try:
            assert clock.now() < kept.take().expires
        except RenewalError:
            assert not is_up
            assert not was_good


@given(st.lists(st.integers(0, 3), min_size=5, max_size=60))
def test_a_source_that_is_down_is_not_asked_at_every_use(moves: list[int]) -> None:
    clock, asked, up = Hands(), list[int](), [True]
    kept = Renewing(source(clock, asked, lambda: up[0]), clock, what="it")
    kept.take()
    up[0] = False
    for seconds in moves:
        if clock.at + seconds < 60:
            clock.at += seconds
            kept.take()
    assert all(b - a >= RETRY_S for a, b in zip(asked[1:], asked[2:], strict=False))


def test_it_is_replaced_before_it_ends() -> None:
    clock, asked = Hands(), list[int]()
    kept = Renewing(source(clock, asked, lambda: True), clock, what="it")
    for at in (0, 39, 40, 79, 80, 200):
        clock.at = at
        kept.take()
    assert asked == [0, 40, 80, 200]
