"""Authenticate: whose credential is this? Sees the credential, never the request's words."""

from holdfast.blueprint import Blueprint
from holdfast.gateway.call import Accepted, Known, Refused
from holdfast.gateway.rules import RULES
from holdfast.identity import Credentials, principals

_SCHEME = b"bearer "


class Authenticate:
    """Bearer keys (RFC 6750), looked up by the SHA-256 of the whole key."""

    __slots__ = ("_credentials", "_nodes", "_principals")

    def __init__(self, credentials: Credentials, blueprint: Blueprint) -> None:
        self._credentials = credentials
        self._nodes = blueprint.nodes
        self._principals = principals(blueprint)

    def __call__(self, accepted: Accepted) -> Known | Refused:
        value = accepted.headers.get(b"authorization")
        if not value or value[:7].lower() != _SCHEME:
            return _refused(
                "identity.missing",
                accepted,
                "send one header 'Authorization: Bearer <key>'; 'holdfast key create NODE' makes a key",
            )
        credential = self._credentials.find(value[7:].strip())
        if credential is None:
            return _refused(
                "identity.unknown", accepted, "make a new key with 'holdfast key create NODE'"
            )
        node = self._nodes.get(credential.node)
        if node is None:
            return _refused(
                "identity.undeclared",
                accepted,
                f"declare the node '{credential.node}' again, or make a key for a declared one",
            )
        return Known(accepted, node, self._principals[node.id], credential)


def _refused(code: str, accepted: Accepted, fix: str) -> Refused:
    rule = RULES[code]
    return Refused(rule, rule.meaning, fix, accepted)
