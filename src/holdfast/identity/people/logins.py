"""One login: authorization code flow with PKCE (RFC 6749, 7636, 9700, OpenID Connect Core)."""

from base64 import b64encode
from hashlib import sha256
from hmac import compare_digest
from urllib.parse import parse_qsl, quote_plus, urlencode

import msgspec

from holdfast.identity.errors import TokenError
from holdfast.identity.jose import b64url, read_object
from holdfast.identity.people.errors import (
    LoginDeniedError,
    LoginError,
    LoginIssuerError,
    LoginStateError,
)
from holdfast.identity.people.providers import Provider
from holdfast.world.ports import Entropy

PARAMETERS_MAX = 20
CODE_LENGTH_MAX = 4_096
SCOPES = ("openid", "profile")
_SECRET_BYTES = 32


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A login under way; its three secrets are known here and to nobody else.

    ``state`` finds the way back to this login, ``nonce`` ties the ID token to it, ``verifier`` the
    code. Each login has its own.
    """

    provider: Provider
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    nonce: str
    verifier: str

    @property
    def url(self) -> str:
        """Where the person's browser goes."""
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(self.scopes),
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": b64url(sha256(self.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        endpoint = self.provider.authorization_endpoint
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    def code(self, query: str) -> str:
        """The code in the provider's answer; a ``LoginError`` when there is none to be used.

        The state comes first, then who answers (RFC 9207 section 2.4): of an answer that is not
        ours nothing is used, not even its error.
        """
        given = _parameters(query)
        if not compare_digest(given.get("state", "").encode(), self.state.encode()):
            raise LoginStateError(
                "the answer is not to the login that was begun here", fix="log in again"
            )
        said = given.get("iss")
        if said is None and self.provider.says_iss:
            raise LoginIssuerError(f"the answer does not say that it comes from {self._issuer}")
        if said is not None and said != self._issuer:
            raise LoginIssuerError(f"the answer comes from another provider than {self._issuer}")
        if "error" in given:
            raise LoginDeniedError(
                f"{self._issuer} did not log you in: {given['error'][:100]!a}", fix="log in again"
            )
        code = given.get("code", "")
        if not 0 < len(code) <= CODE_LENGTH_MAX:
            raise LoginError(f"the answer of {self._issuer} has no code")
        return code

    def token_form(self, code: str, secret: str | None) -> dict[str, str]:
        """What the code is redeemed with (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        if secret is None:
            return {**form, "client_id": self.client_id}
        if self.provider.client_proof == "post":
            return {**form, "client_id": self.client_id, "client_secret": secret}
        return form

    def token_headers(self, secret: str | None) -> dict[str, str]:
        """The client's own proof, where it is not in the form (RFC 6749 section 2.3.1)."""
        if secret is None or self.provider.client_proof == "post":
            return {}
        pair = f"{quote_plus(self.client_id)}:{quote_plus(secret)}"
        return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    @property
    def _issuer(self) -> str:
        return self.provider.issuer


def begin_login(
    provider: Provider,
    client_id: str,
    *,
    redirect_uri: str,
    entropy: Entropy,
    scopes: tuple[str, ...] = (),
) -> Login:
    """A login at ``provider``, which will answer to exactly ``redirect_uri``."""

    def secret() -> str:
        return b64url(entropy.secret(_SECRET_BYTES))

    return Login(
        provider=provider,
        client_id=client_id,
        redirect_uri=redirect_uri,
        scopes=tuple(dict.fromkeys((*SCOPES, *scopes))),
        state=secret(),
        nonce=secret(),
        verifier=secret(),
    )


def read_token_answer(issuer: str, status: int, body: bytes) -> bytes:
    """The ID token in the answer of the token endpoint. Its access token is of no use to us."""
    try:
        answer = read_object(body)
    except TokenError as error:
        raise LoginError(f"the token endpoint of {issuer} did not answer with JSON") from error
    token = answer.get("id_token")
    if status != 200 or not isinstance(token, str):
        said = answer.get("error")
        why = f": {said[:100]!a}" if isinstance(said, str) else ""
        raise LoginDeniedError(
            f"{issuer} gave no ID token (status {status}{why})",
            fix="compare client_id and client_secret in the blueprint with the provider's",
        )
    return token.encode()


def _parameters(query: str) -> dict[str, str]:
    """Each once: two readers may pick different ones of two."""
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, max_num_fields=PARAMETERS_MAX, errors="strict"
        )
    except ValueError as error:
        raise LoginStateError("the answer cannot be read") from error
    given = dict(pairs)
    if len(given) != len(pairs):
        raise LoginStateError("the answer has a parameter twice")
    return given
