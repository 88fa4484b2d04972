"""The path's refusals and the errors of identity speak of the same things."""

from collections.abc import Iterator
from typing import get_args

import pytest

from holdfast.blueprint import PROOFS, Demands, ProofKind
from holdfast.gateway.authority import undemanded
from holdfast.gateway.rules import RULES
from holdfast.identity import TokenError
from holdfast.identity.callers import Caller

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


@pytest.mark.parametrize("proof", get_args(ProofKind))
def test_where_nothing_is_demanded_every_proof_that_identity_knows_is_accepted(
    proof: ProofKind,
) -> None:
    caller = Caller(principal="spiffe://d/t/x/agent/a", proof=proof, credential="1", subjects=())
    assert undemanded(Demands(), caller, relationship="r") is None
    others = Demands(proofs=tuple(each for each in PROOFS if each != proof))
    refused = undemanded(others, caller, relationship="r")
    assert refused is not None
    assert refused[0] == "demand.proof"
