"""Authenticate: whose credential is this? Sees the credential, never the request's words."""

from holdfast.blueprint import Blueprint
from holdfast.gateway.call import Accepted, Known, Refused
from holdfast.gateway.identities import Identities
from holdfast.gateway.rules import RULES
from holdfast.identity import Credentials, TokenError, principals
from holdfast.identity.callers import Caller, CallerRevokedError, caller_by_key
from holdfast.wire import Request

_SCHEME = b"bearer "


class Authenticate:
    """Identities that prove themselves (WIT, certificate, flat token), else bearer keys (RFC 6750),
    looked up by the SHA-256 of the whole key."""

    __slots__ = ("_credentials", "_identities", "_named", "_nodes", "_principals", "_tenant")

    def __init__(
        self, credentials: Credentials, blueprint: Blueprint, identities: Identities
    ) -> None:
        self._credentials = credentials
        self._identities = identities
        self._nodes = blueprint.nodes
        self._principals = principals(blueprint)
        self._named = {str(name): node for node, name in self._principals.items()}
        self._tenant = blueprint.tenant

    def __call__(self, accepted: Accepted, request: Request) -> Known | Refused:
        try:
            caller = self._identities.identify(request)
        except CallerRevokedError as error:
            known = self._proven(accepted, error.caller)
            state = known if isinstance(known, Known) else accepted
            return Refused(RULES[error.code], error.what, error.fix, state)
        except TokenError as error:
            return Refused(RULES[error.code], error.what, error.fix, accepted)
        return self._by_key(accepted) if caller is None else self._proven(accepted, caller)

    def again(self, known: Known) -> Known | Refused:
        """Somebody who was known when the call came and waited since: still?"""
        accepted, caller = known.accepted, known.caller
        if caller.proof == "key":
            return self._by_key(accepted)
        if self._identities.has_ended(caller):
            return _refused(
                "identity.token-expired", accepted, "renew the identity, then ask again"
            )
        if self._identities.is_revoked(caller):
            return _refused("identity.revoked", known, "ask whoever revoked it")
        return self._proven(accepted, caller)

    def _proven(self, accepted: Accepted, caller: Caller) -> Known | Refused:
        name = self._named.get(caller.principal)
        if name is None:
            return _refused(
                "identity.undeclared",
                accepted,
                f"declare the node of '{caller.principal[:200]}', or call as a declared one",
            )
        return Known(accepted, self._nodes[name], caller)

    def _by_key(self, accepted: Accepted) -> Known | Refused:
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
        principal = self._principals[node.id]
        passport = self._identities.passports.current.find(principal)
        caller = caller_by_key(
            principal, credential=credential.id, tenant=self._tenant, passport=passport
        )
        known = Known(accepted, node, caller)
        if self._identities.is_revoked(caller):
            return _refused("identity.revoked", known, "ask whoever revoked it")
        return known


def _refused(code: str, state: Accepted | Known, fix: str) -> Refused:
    """Whose credential was good, and is revoked, is named in the record of the refusal."""
    rule = RULES[code]
    return Refused(rule, rule.meaning, fix, state)
