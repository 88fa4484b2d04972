"""Calls by whatever is known of them."""

import heapq
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import cast

import msgspec

from holdfast.core import Instant, ulid, ulid_number
from holdfast.history.errors import QueryError
from holdfast.history.forms import PAGE_MAX, Call, CallQuery
from holdfast.history.newest import Stretch, all_keys, keys_of_kinds
from holdfast.world.ports import Row, Transaction, Value

_FIRST, _LAST = b"", b"\xff" * 17

_FIELDS = (
    *("index", "at", "principal", "caller", "callee", "node", "relationship", "action", "tool"),
    *("outcome", "rule", "status", "duration_us", "first_token_us", "tokens_in", "tokens_out"),
    *("cost", "attempts", "fallback", "cached", "approver", "chain", "trace", "session", "alike"),
)
_ROWS = """
SELECT c.key, c.entry, c.at, k.principal, k.caller, k.callee, node.word, k.relationship,
  action.word, k.tool, k.outcome, k.rule, c.status, c.duration, c.first_token, c.tokens_in,
  c.tokens_out, c.cost, c.attempts, fallback.word, c.cached, approver.word, chain.word, c.trace,
  s.session, c.alike
FROM calls c JOIN kinds k ON k.id = c.kind
LEFT JOIN words node ON node.id = c.node LEFT JOIN words action ON action.id = c.action
LEFT JOIN words fallback ON fallback.id = c.fallback
LEFT JOIN words approver ON approver.id = c.approver
LEFT JOIN words chain ON chain.id = c.chain LEFT JOIN sessions s ON s.id = c.session
WHERE c.key IN ({places})
"""
_OWN = "SELECT kind FROM calls WHERE key = ? AND key > ? AND key < ? AND trace IS NULL"
_PRESENT = """
WITH RECURSIVE within (kind) AS (
  SELECT min(kind) FROM calls WHERE {column} = ?1
  UNION ALL
  SELECT (SELECT min(kind) FROM calls WHERE {column} = ?1 AND kind > within.kind) FROM within
  WHERE within.kind IS NOT NULL)
SELECT kind FROM within WHERE kind IS NOT NULL
"""


def key_of(call: str) -> bytes:
    """The bytes that a call is found by; ``ValueError`` when it is no call's id."""
    return ulid_number(call).to_bytes(16, "big")


def find_call(view: Transaction, call: str) -> Call | None:
    """One call by its id."""
    try:
        rows = _rows(view, [key_of(call)])
    except ValueError:
        return None
    return rows[0] if rows else None


def find_calls(view: Transaction, query: CallQuery) -> tuple[Call, ...]:
    """Those that a query asks for, newest first."""
    if not 1 <= query.limit <= PAGE_MAX:
        raise QueryError(f"{query.limit} calls are no page", fix=f"ask for 1 to {PAGE_MAX}")
    stretch = _stretch(query)
    keys = _keys(view, query, stretch)
    found: list[Call] = []
    while len(found) < query.limit:
        batch = list(islice(keys, query.limit - len(found)))
        if not batch:
            break
        found += [call for call in _rows(view, batch) if _is_asked(call, query)]
    return tuple(sorted(found, key=lambda call: call.call, reverse=True))


def _stretch(query: CallQuery) -> Stretch:
    """Where to look, and from which end."""
    low, high = _FIRST, _LAST
    if query.since is not None:
        low = _key_at(query.since // 1000)
    if query.until is not None:
        high = _key_at((query.until - 1) // 1000 + 1)
    if query.before is not None:
        high = min(high, _named(query.before))
    if query.after is not None:
        low = max(low, _named(query.after))
    # A page back from a call, or from the newest; a page on only where that is all that is asked.
    return Stretch(low, high, is_backward=query.after is None or query.before is not None)


def _named(call: str) -> bytes:
    try:
        return key_of(call)
    except ValueError as error:
        raise QueryError(
            f"'{call[:64]}' is no call's id", fix="take that of the call at the end of a page"
        ) from error


def _key_at(milliseconds: int) -> bytes:
    """Below every key of that millisecond, and above those before."""
    return min(max(milliseconds, 0), 2**48 - 1).to_bytes(6, "big")


def _is_asked(call: Call, query: CallQuery) -> bool:
    """What keys do not tell: they have whole milliseconds."""
    return (
        (query.since is None or call.at >= query.since)
        and (query.until is None or call.at < query.until)
        and (query.session is None or call.session == query.session)
        and (query.trace is None or call.trace == query.trace)
    )


def _keys(view: Transaction, query: CallQuery, stretch: Stretch) -> Iterator[bytes]:
    """In their order, each read when it is asked for."""
    kinds = _kinds(view, query)
    if query.trace is not None:
        return _of_trace(view, query.trace, kinds=kinds, stretch=stretch)
    if query.session is not None:
        return _of_session(view, query.session, kinds=kinds, stretch=stretch)
    if kinds is None:
        return all_keys(view, stretch)
    return keys_of_kinds(view, kinds, stretch)


def _kinds(view: Transaction, query: CallQuery) -> list[int] | None:
    """The kinds of calls that a query fits; None for all."""
    asked = {
        "caller": query.caller,
        "callee": query.callee,
        "relationship": query.relationship,
        "principal": query.principal,
        "outcome": query.outcome,
        "rule": query.rule,
        "tool": query.tool,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    if not given:
        return None
    places = " AND ".join(f"{name} = ?" for name in given)
    rows = view.query(f"SELECT id FROM kinds WHERE {places}", tuple(given.values()))
    return [cast("int", row[0]) for row in rows]


def _within(
    view: Transaction, column: str, value: Value, *, kinds: list[int] | None, stretch: Stretch
) -> Iterator[bytes]:
    """The calls of one session, or of one trace."""
    present = [cast("int", row[0]) for row in view.query(_PRESENT.format(column=column), (value,))]
    wanted = present if kinds is None else sorted(set(present).intersection(kinds))
    return keys_of_kinds(view, wanted, stretch, where=f"{column} = ? AND", values=(value,))


def _of_session(
    view: Transaction, session: str, *, kinds: list[int] | None, stretch: Stretch
) -> Iterator[bytes]:
    rows = view.query("SELECT id FROM sessions WHERE session = ?", (session,))
    number = rows[0][0] if rows else None
    return _within(view, "session", number, kinds=kinds, stretch=stretch)


def _of_trace(
    view: Transaction, trace: str, *, kinds: list[int] | None, stretch: Stretch
) -> Iterator[bytes]:
    """Calls that brought this trace, and the call that began it: it has its own id."""
    try:
        value = bytes.fromhex(trace)
    except ValueError as error:
        raise QueryError("a trace is 32 hexadecimal digits", fix="take it from a call") from error
    own = view.query(_OWN, (value, stretch.low, stretch.high))
    first = [value] if own and (kinds is None or own[0][0] in kinds) else []
    brought = _within(view, "trace > x'' AND trace", value, kinds=kinds, stretch=stretch)
    named_after = _of_session(view, trace, kinds=kinds, stretch=stretch)
    return heapq.merge(brought, named_after, first, reverse=stretch.is_backward)


def _rows(view: Transaction, keys: Sequence[bytes]) -> list[Call]:
    places = ", ".join("?" * len(keys))
    return [_call(row) for row in view.query(_ROWS.format(places=places), keys)]


def _call(row: Row) -> Call:
    key, trace = cast("bytes", row[0]), cast("bytes | None", row[23])
    told = cast("str | None", row[22])
    chain = tuple(told.split("\n")) if told is not None else ()
    fields: dict[str, object] = dict(zip(_FIELDS, row[1:], strict=True))
    fields |= {
        "call": ulid(Instant(int.from_bytes(key[:6], "big") * 1000), key[6:]),
        "trace": row[24] if trace == b"" else (key if trace is None else trace).hex(),
        "cached": bool(row[20]),
        "chain": chain,
        "on_behalf_of": chain[0] if chain else None,
    }
    return msgspec.convert(fields, Call)
