"""What a call must pass and pay on its way: bulkheads to be inside of, budgets to be charged to."""

from collections.abc import Mapping

import msgspec

from holdfast.blueprint import Blueprint, Budget, Node, Relationship
from holdfast.core import NodeId
from holdfast.resilience import Allotment, Amounts, Bulkhead

TENANT = "tenant"
NANO_PER_MICRO = 1000
NANO_PER_MICRO_PER_MILLION = 1000
"""A price in millionths of the currency per million tokens, in thousand-millionths per token, is
the price divided by this."""


class Tokens(msgspec.Struct, frozen=True, gc=False):
    """The most tokens a call can cost. A token is at least one byte of the request."""

    most_in: int
    most_out: int

    @property
    def total(self) -> int:
        return self.most_in + self.most_out


NO_TOKENS = Tokens(0, 0)


class Tolls(msgspec.Struct, frozen=True, gc=False):
    """For one relationship: its bulkheads and the accounts it is charged to, each with a name for
    people; and the dearest prices that a call over it may meet (micro per million tokens).

    A call that falls back pays the tolls of the relationship it falls back over. Where a mandate
    limits amounts, ``accounts`` end with those of its ``allotments``, which ``payers`` hold.
    """

    bulkheads: tuple[tuple[str, Bulkhead], ...]
    accounts: tuple[str, ...]
    input_micro: int
    output_micro: int
    is_priced: bool = False
    allotments: tuple[Allotment, ...] = ()
    payers: tuple[str, ...] = ()

    def payer(self, account: str) -> str | None:
        """The holder of the mandate that an account is of; None for a budget's."""
        for allotment, payer in zip(self.allotments, self.payers, strict=True):
            if allotment.account == account:
                return payer
        return None

    def amounts(self, tokens: Tokens) -> Amounts:
        """What is reserved for a call before it is made."""
        return _amounts(tokens.most_in, tokens.most_out, self.input_micro, self.output_micro)


def spent(node: Node | None, tokens_in: int, tokens_out: int) -> Amounts:
    """What a call did cost at the node that answered."""
    price = node.price if node is not None else None
    if price is None:
        return _amounts(tokens_in, tokens_out, 0, 0)
    return _amounts(tokens_in, tokens_out, price.input_micro, price.output_micro)


def _amounts(tokens_in: int, tokens_out: int, input_micro: int, output_micro: int) -> Amounts:
    micro = tokens_in * input_micro + tokens_out * output_micro
    return Amounts(1, tokens_in + tokens_out, -(-micro // NANO_PER_MICRO_PER_MILLION))


def accounts_of(blueprint: Blueprint) -> dict[str, Budget]:
    """Every account with a budget, by name."""
    found = {f"node:{node.id}": node.budget for node in blueprint.nodes.values()}
    links = blueprint.connections().values()
    found.update((f"relationship:{link.id}", link.budget) for link in links)
    found[TENANT] = blueprint.budget
    return {name: budget for name, budget in found.items() if budget is not None}


class TollBook:
    """The tolls of every relationship. Bulkheads of a former book whose size did not change live on,
    with the calls that are inside."""

    def __init__(
        self, blueprint: Blueprint, *, workers: int, previous: Mapping[str, Bulkhead]
    ) -> None:
        self.bulkheads: dict[str, Bulkhead] = {}
        self._workers = workers
        self._previous = previous
        self._tolls: dict[str, Tolls] = {}
        accounts = accounts_of(blueprint)
        for (source, destination), link in blueprint.connections().items():
            self._tolls[link.id] = self._toll(blueprint, link, (source, destination), accounts)

    def of(self, relationship: Relationship) -> Tolls | None:
        """What calls over it must pass; None when nothing."""
        tolls = self._tolls[relationship.id]
        return tolls if tolls.accounts or tolls.bulkheads else None

    def with_prices(self, relationship: Relationship) -> Tolls:
        """The same for whoever pays by other accounts too, also where there is nothing else."""
        return self._tolls[relationship.id]

    def _toll(
        self,
        blueprint: Blueprint,
        link: Relationship,
        ends: tuple[NodeId, NodeId],
        accounts: Mapping[str, Budget],
    ) -> Tolls:
        caller, callee = (blueprint.nodes[name] for name in ends)
        names = (TENANT, f"node:{caller.id}", f"relationship:{link.id}", f"node:{callee.id}")
        sizes = (blueprint.bulkhead, caller.bulkhead, link.bulkhead, callee.bulkhead)
        bulkheads = tuple(
            (name, self._bulkhead(name, size))
            for name, size in zip(names, sizes, strict=True)
            if size is not None
        )
        charged = tuple(name for name in names if name in accounts)
        places = blueprint.upstreams(callee)
        prices = [place.price for place in places if place.price is not None]
        return Tolls(
            bulkheads,
            charged,
            max((price.input_micro for price in prices), default=0),
            max((price.output_micro for price in prices), default=0),
            is_priced=0 < len(prices) == len(places),
        )

    def _bulkhead(self, name: str, calls: int) -> Bulkhead:
        """Each worker holds an equal share, rounded down: the total never exceeds what is written,
        unless there are more workers than calls."""
        share = max(1, calls // self._workers)
        old = self._previous.get(name)
        if name not in self.bulkheads:
            self.bulkheads[name] = (
                old if old is not None and old.calls == share else Bulkhead(share)
            )
        return self.bulkheads[name]
