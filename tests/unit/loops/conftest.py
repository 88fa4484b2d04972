"""Small systems and spans, written as briefly as they can be read."""

from collections.abc import Callable
from datetime import date
from itertools import count
from types import SimpleNamespace

import pytest

from holdfast.blueprint import load
from holdfast.loops.drift import (
    NO_BINDINGS,
    Contact,
    Form,
    Origin,
    Period,
    Presence,
    Proof,
    Question,
    Report,
    Span,
    Tally,
    compare,
    identity,
    observe_trace,
)

NOW = 1_800_000_000_000_000
DAY = 86_400_000_000
SYSTEM = """\
holdfast: 1
name: shop
nodes:
  web: {type: service, description: A., interfaces: {web-in: {url: "https://web:8080"}}}
  cart: {type: service, description: A., interfaces: {cart-in: {url: "https://cart:8080"}}}
  pay: {type: service, description: A., facts: {effect: irreversible}}
  db: {type: database, description: A., facts: {region: eu-1}}
  planner: {type: "ai:agent", description: A.}
  guard: {type: "ai:guardrail", description: A.}
  vault: {type: "ai:mcp-server", description: A., facts: {effect: irreversible, tools: [{name: look}, {name: move}]}}
relationships:
  - {id: web-cart, connects: [web, cart], protocol: HTTPS}
  - {id: cart-db, connects: [cart, db], protocol: JDBC}
  - {id: cart-pay, connects: [cart, pay], facts: {calls_per_hour: 10}}
  - {id: planner-guard, connects: [planner, guard]}
  - {id: guard-vault, connects: [guard, vault]}
flows:
  - id: order
    name: Order
    description: First the cart, then the money.
    steps:
      - {over: web-cart, description: a}
      - {over: cart-db, description: b}
      - {over: cart-pay, description: c}
"""


def _service(name: str) -> str:
    return identity((("service", f"/{name}"),))


def _spans(*rows: tuple) -> list[Span]:
    """Rows of (id, parent, service, kind, attributes); they begin in the order given."""
    numbers = count(NOW)
    return [
        Span("t", str(key), str(parent), "", kind, at, at + 1, Origin(_service(name)), dict(more))
        for (key, parent, name, kind, more), at in zip(rows, numbers, strict=False)
    ]


def _seen(*rows: tuple) -> list[Contact]:
    tally = Tally()
    observe_trace(_spans(*rows), tally)
    return [contact for _, contact in tally.contacts]


def _tally(*met: tuple, n: int = 20, at: int = NOW) -> Tally:
    """Rows of (source, target, fields of the contact): each met ``n`` times."""
    tally = Tally()
    for source, target, *more in met:
        fields = {"form": Form.CALL, "proof": Proof.PAIRED} | (more[0] if more else {})
        callee = target if "=" in target else _service(target)
        for i in range(n):
            tally.meet(Contact(source=_service(source), target=callee, **fields), at - i)
            tally.show(Presence(_service(source)), at - i)
    return tally


def _judge(
    tally: Tally, text: str = SYSTEM, *, bindings=NO_BINDINGS, days: float = 7, **more
) -> Report:
    blueprint = load(text, source="shop.yaml", read=str)
    period = Period(
        start=NOW - int(84 * DAY), now=NOW, window_us=int(days * DAY), sampling=more.pop("p", 1.0)
    )
    return compare(
        tally,
        Question(
            blueprint=blueprint, period=period, today=date(2027, 1, 15), bindings=bindings, **more
        ),
    )


@pytest.fixture(scope="session")
def shop() -> SimpleNamespace:
    judged: Callable[..., Report] = _judge
    return SimpleNamespace(
        now=NOW, day=DAY, text=SYSTEM, spans=_spans, seen=_seen, tally=_tally, judge=judged,
        service=_service,
    )  # fmt: skip
