"""What holds of upstreams, for a worker that starts late: durations, what is left of them."""

import pytest

from holdfast.app import bulletin
from holdfast.app.bulletin import Bulletin
from holdfast.gateway import News


def news(kind: str, for_s: float = 0.0, upstream: str = "model-1") -> News:
    return News("model", upstream, kind, for_s)


def test_a_late_worker_hears_how_long_it_still_holds() -> None:
    board = Bulletin()
    board.note(news("resting", 10.0), 100.0)
    assert board.standing(104.0) == [news("resting", 6.0)]
    assert board.standing(110.0) == []


@pytest.mark.parametrize(("begins", "ends"), [("open", "closed"), ("down", "up")])
def test_the_contrary_ends_it(begins: str, ends: str) -> None:
    board = Bulletin()
    board.note(news(begins, 5.0 if begins == "open" else 0.0), 1.0)
    board.note(news(ends), 2.0)
    assert board.standing(2.0) == []


def test_what_has_no_end_of_its_own_holds_until_the_contrary() -> None:
    board = Bulletin()
    board.note(news("down"), 1.0)
    assert board.standing(1e9) == [news("down")]


def test_kinds_and_upstreams_stand_beside_each_other() -> None:
    board = Bulletin()
    for each in (news("open", 5.0), news("ejected", 9.0), news("open", 5.0, "model-2")):
        board.note(each, 0.0)
    board.note(news("closed", upstream="model-2"), 1.0)
    assert board.standing(1.0) == [news("open", 4.0), news("ejected", 8.0)]


def test_newer_news_takes_the_place_of_older() -> None:
    board = Bulletin()
    board.note(news("resting", 60.0), 0.0)
    board.note(news("resting", 5.0), 1.0)
    assert board.standing(2.0) == [news("resting", 4.0)]


def test_another_blueprint_begins_with_an_empty_board() -> None:
    board = Bulletin()
    board.note(news("down"), 0.0)
    board.clear()
    assert board.standing(0.0) == []


def test_the_board_is_bounded_and_the_oldest_goes_first() -> None:
    board = Bulletin()
    for number in range(bulletin.STANDING_MAX + 1):
        board.note(news("down", upstream=f"model-{number}"), 0.0)
    standing = board.standing(0.0)
    assert len(standing) == bulletin.STANDING_MAX
    assert standing[0].upstream == "model-1"
