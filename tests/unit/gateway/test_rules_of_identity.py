"""The path's refusals and the errors of identity speak of the same things."""

from collections.abc import Iterator

from holdfast.gateway.rules import RULES
from holdfast.identity import TokenError

OF_EVIDENCE = ("identity.evidence-", "identity.collateral-", "identity.attestation-")
"""Judged when evidence is shown, never on a call's way."""


def kinds(of: type[TokenError]) -> Iterator[type[TokenError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_error_by_which_identity_may_refuse_a_call_is_a_rule() -> None:
    found = {kind.code for kind in kinds(TokenError)}  # the path has imported all of identity
    assert "identity.exchange-target" in found
    assert {code for code in found if not code.startswith(OF_EVIDENCE)} <= RULES.keys()
