"""The controls of resilience, settled: what is written, over what is under it.

Where two fields must stand in an order and only one is written, the other follows it, as the waits
follow a ``total_s``: ``calls_max: 50`` alone means what it says.
"""

from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from holdfast.blueprint.controls import CONNECT_S_DEFAULT, CONNECTIONS_DEFAULT
from holdfast.blueprint.demand_forms import IdentityForm
from holdfast.blueprint.demands import ATTESTED_ORDER, Attested, Demands
from holdfast.blueprint.fields import Form
from holdfast.blueprint.forms import NodeControlsForm
from holdfast.blueprint.resilience import (
    QUEUE_DEFAULT,
    QUEUE_S_DEFAULT,
    SOFT_SHARE_DEFAULT,
    Breaker,
    Budget,
    Cache,
    Concurrency,
    Ejection,
    Fallback,
    Health,
    Hedge,
    Price,
    Retries,
    Routing,
)
from holdfast.blueprint.resilience_forms import (
    BudgetForm,
    ConcurrencyForm,
    FallbackForm,
    HealthForm,
    PriceForm,
    RetriesForm,
    RoutingForm,
)

_Settled = TypeVar("_Settled", Retries, Breaker, Ejection, Concurrency, Health, Hedge, Cache)


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What an upstream has of its own, whoever calls it: one breaker, one limit, one pool."""

    breaker: Breaker = field(default_factory=Breaker)
    concurrency: Concurrency = field(default_factory=Concurrency)
    health: Health | None = None
    price: Price | None = None
    connect_s: float = CONNECT_S_DEFAULT
    connections: int = CONNECTIONS_DEFAULT


def settle_own(form: NodeControlsForm | None, under: Own) -> Own:
    """What a node writes for its upstream, over what the node it is a part of writes for all.

    The queue is not handed down: it belongs to the node that is called.
    """
    if form is None:
        return under
    timeouts, limits = form.timeouts, form.limits
    return Own(
        breaker=over(under.breaker, form.breaker),
        concurrency=settle_concurrency(form.concurrency, under.concurrency),
        health=settle_health(form.health, under.health),
        price=settle_price(form.price) or under.price,
        connect_s=(timeouts.connect_s if timeouts else None) or under.connect_s,
        connections=(limits.connections if limits else None) or under.connections,
    )


def handed_down(own: Own) -> Own:
    """What the parts of a node take over from it."""
    concurrency = replace(own.concurrency, queue=QUEUE_DEFAULT, queue_s=QUEUE_S_DEFAULT)
    return replace(own, concurrency=concurrency)


def over(under: _Settled, form: Form | None) -> _Settled:
    """``under``, with the fields that ``form`` writes in their place."""
    written: dict[str, Any] = {name: value for name, value in form or () if value is not None}
    return replace(under, **written) if written else under


def settle_demands(form: IdentityForm | None, under: Demands) -> Demands:
    """What both demand: a relationship may ask for more than its destination does, never less."""
    if form is None:
        return under
    proofs = under.proofs if form.proofs is None else form.proofs
    attested: list[Attested] = [under.attested, form.attested or "none"]
    return Demands(
        proofs=tuple(each for each in under.proofs if each in proofs),
        mandate=under.mandate or form.mandate is True,
        attested=max(attested, key=ATTESTED_ORDER.index),
    )


def settle_retries(form: RetriesForm | None, under: Retries) -> Retries:
    settled = over(under, form)
    if form is None or settled.backoff_s <= settled.backoff_s_max:
        return settled
    if form.backoff_s_max is None:
        return replace(settled, backoff_s_max=settled.backoff_s)
    return replace(settled, backoff_s=settled.backoff_s_max)


def settle_health(form: HealthForm | None, under: Health | None) -> Health | None:
    if form is None:
        return under
    settled = over(under or Health(path=form.path), form)
    if settled.timeout_s <= settled.every_s:
        return settled
    if form.timeout_s is None:
        return replace(settled, timeout_s=settled.every_s)
    return replace(settled, every_s=settled.timeout_s)


def settle_concurrency(form: ConcurrencyForm | None, under: Concurrency) -> Concurrency:
    """An unwritten ``calls_max`` does not rise for the others: it may guard something."""
    settled = over(under, form)
    if form is None:
        return settled
    most, least = settled.calls_max, settled.calls_min
    if form.calls_min is None and most is not None:
        least = min(least, most)
    start = settled.calls_start
    if form.calls_start is None:
        start = max(least, start if most is None else min(start, most))
    return replace(settled, calls_min=least, calls_start=start)


def settle_routing(form: RoutingForm | None) -> Routing:
    """Names of headers mean the same in any case."""
    if form is None:
        return Routing()
    header = form.session_header
    return Routing(
        by=form.by or Routing().by, session_header=header.lower() if header is not None else None
    )


def settle_fallback(form: FallbackForm | None, under: Fallback | None) -> Fallback | None:
    if form is None:
        return under
    late = form.after_first_token
    return Fallback(
        to=tuple(form.to) if form.to is not None else under.to if under else (),
        after_first_token=late
        if late is not None
        else under is not None and under.after_first_token,
    )


def settle_price(form: PriceForm | None) -> Price | None:
    return None if form is None else Price(input_micro=form.input, output_micro=form.output)


def settle_budget(form: BudgetForm | None) -> Budget | None:
    if form is None:
        return None
    return Budget(
        per=form.per,
        calls=form.calls,
        tokens=form.tokens,
        money_micro=form.money,
        soft=form.soft if form.soft is not None else SOFT_SHARE_DEFAULT,
    )
