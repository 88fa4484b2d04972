"""The stdio transport's framing and matching."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.providers.mcp import Answered, McpError, Progressed, Reply, StdioExchange, line


def answer(number: object) -> bytes:
    return line(json.dumps({"jsonrpc": "2.0", "id": number, "result": {"n": number}}).encode())


def test_answers_find_their_requests_in_whatever_order_and_pieces_they_come() -> None:
    exchange = StdioExchange()
    one, two = exchange.next_number(), exchange.next_number()
    data = answer(two) + answer(one)
    events = [event for i in range(len(data)) for event in exchange.feed(data[i : i + 1])]
    assert [e.number for e in events if isinstance(e, Answered)] == [two, one]
    assert exchange.in_flight == frozenset()


@given(st.integers(1, 20), st.lists(st.integers(1, 30), min_size=1))
def test_however_the_bytes_are_cut_the_events_are_the_same(count: int, cuts: list[int]) -> None:
    exchange = StdioExchange()
    numbers = [exchange.next_number() for _ in range(count)]
    data = b"".join(answer(n) for n in numbers)
    found: list[int] = []
    at = 0
    while at < len(data):
        step = cuts[at % len(cuts)]
        found.extend(
            e.number for e in exchange.feed(data[at : at + step]) if isinstance(e, Answered)
        )
        at += step
    assert found == numbers


def test_an_answer_that_nobody_asked_for_is_dropped() -> None:
    exchange = StdioExchange()
    number = exchange.next_number()
    events = list(
        exchange.feed(answer(999) + answer(str(number)) + answer(number) + answer(number))
    )
    assert len(events) == 1


def test_a_request_taken_back_is_told_and_its_answer_dropped() -> None:
    exchange = StdioExchange()
    number = exchange.next_number()
    told = json.loads(exchange.cancel(number, "too slow"))
    assert told["method"] == "notifications/cancelled"
    assert told["params"] == {"requestId": number, "reason": "too slow"}
    assert list(exchange.feed(answer(number))) == []
    assert exchange.cancel(number) == b""


def test_progress_is_given_to_the_request_whose_token_it_bears() -> None:
    exchange = StdioExchange()
    number = exchange.next_number()
    note = {"jsonrpc": "2.0", "method": "notifications/progress"}
    for token, owner in ((number, number), (number + 1, None), (str(number), None)):
        body = {**note, "params": {"progressToken": token, "progress": 1}}
        (event,) = exchange.feed(line(json.dumps(body).encode()))
        assert isinstance(event, Progressed)
        assert event.number == owner


def test_a_server_that_asks_is_told_no_and_one_that_pings_is_answered() -> None:
    exchange = StdioExchange()
    ask = {"jsonrpc": "2.0", "id": "s1", "method": "sampling/createMessage"}
    ask["params"] = {"messages": [], "maxTokens": 1}  # type: ignore[assignment]
    (told,) = exchange.feed(line(json.dumps(ask).encode()))
    assert isinstance(told, Reply)
    assert json.loads(told.data)["error"]["code"] == -32601
    (pong,) = exchange.feed(b'{"jsonrpc":"2.0","id":3,"method":"ping"}\n')
    assert isinstance(pong, Reply)
    assert json.loads(pong.data) == {"jsonrpc": "2.0", "id": 3, "result": {}}


def test_a_few_stray_lines_are_borne_a_stream_of_them_is_not() -> None:
    exchange = StdioExchange()
    number = exchange.next_number()
    events = list(exchange.feed(b"starting up ...\n\n\r\n" + answer(number)))
    assert len(events) == 1
    with pytest.raises(McpError, match="no messages"):
        list(exchange.feed(b"noise\n" * 100))


def test_a_line_without_end_is_refused() -> None:
    exchange = StdioExchange()
    with pytest.raises(McpError, match="line of more"):
        for _ in range(5):
            list(exchange.feed(b"x" * 1024 * 1024))


def test_only_so_many_requests_are_under_way_at_once() -> None:
    exchange = StdioExchange()
    with pytest.raises(McpError, match="under way"):
        for _ in range(2000):
            exchange.next_number()
