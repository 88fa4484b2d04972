"""What a call costs those who sent it: everybody in its chain whose mandate limits amounts.

The amounts of a mandate are kept as budgets are (``resilience``): reserved before, settled after,
over all workers. Each payer's account is an allotment of its own, so nobody spends more than any of
those that it holds its authority from, however often that was delegated.
"""

import msgspec

from holdfast.gateway.authority import Refusal, uncovering
from holdfast.gateway.tolls import NANO_PER_MICRO, Tokens, Tolls
from holdfast.identity.authority import AMOUNT_MAX, Allowance, Ask, covering
from holdfast.identity.mandates import Mandate, Payer
from holdfast.resilience import UNLIMITED, Allotment, Amounts

PREFIX = "mandate:"
"""Of every account of a mandate; no budget of a blueprint has it."""
_NO_AMOUNTS = Allowance()
_UNPRICED = (
    "authority.unpriced",
    "a mandate limits what calls may cost, and not every upstream of the callee has a price",
    "write the price of each upstream in the blueprint, 0 where nothing is paid by the token",
)


def tolls_under(mandate: Mandate, tolls: Tolls, ask: Ask, *, tokens: Tokens) -> Tolls | Refusal:
    """The tolls of a call under a mandate that has payers; or why they do not pay for it.

    ``ask`` says the most tokens that the call may cost; what they cost is worked out here.
    """
    nano = tolls.amounts(tokens).money_nano
    is_bounded = ask.tokens < AMOUNT_MAX
    usd_micro = min(-(-nano // NANO_PER_MICRO), AMOUNT_MAX) if is_bounded else AMOUNT_MAX
    ask = msgspec.structs.replace(ask, usd_micro=usd_micro if tolls.is_priced else 0)
    root = mandate.hops[0].purse
    paying: dict[str, tuple[Allotment, str]] = {}
    for payer in mandate.payers:
        index = covering(payer.authorities, ask)
        if index is None:
            return uncovering(f"the mandate of {payer.holder}", payer.authorities, ask)
        held = payer.authorities[index].max
        if held == _NO_AMOUNTS:
            continue
        if held.usd_micro is not None and not tolls.is_priced:
            return _UNPRICED
        allotment = _allotment(payer, index, held, root=root)
        paying[allotment.account] = allotment, payer.holder
    return msgspec.structs.replace(
        tolls,
        accounts=(*tolls.accounts, *paying),
        allotments=tuple([allotment for allotment, _ in paying.values()]),
        payers=tuple([holder for _, holder in paying.values()]),
    )


def _allotment(payer: Payer, index: int, held: Allowance, *, root: str) -> Allotment:
    """Its name says all that is declared: whoever gives two links one ``jti`` has two accounts."""
    sizes = ",".join(
        ["" if size is None else str(size) for size in (held.calls, held.tokens, held.usd_micro)]
    )
    return Allotment(
        f"{PREFIX}{root}:{payer.purse}#{index}:{sizes}:{payer.expires}",
        Amounts(
            UNLIMITED if held.calls is None else held.calls,
            UNLIMITED if held.tokens is None else held.tokens,
            UNLIMITED
            if held.usd_micro is None
            else min(held.usd_micro * NANO_PER_MICRO, UNLIMITED - 1),
        ),
        payer.expires,
        root,
    )
