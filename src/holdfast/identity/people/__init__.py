"""People: who logged in at an identity provider that the blueprint trusts (OpenID Connect).

Promises: a login is finished only by the browser and the instance that began it, with the provider
it was begun at; an ID token is believed only for this client, this login and now, by a key and an
algorithm that the provider publishes; what is kept of it is a short session signed by our own
issuer. Nothing here reads a clock or a socket.
"""

from holdfast.identity.people.errors import (
    LoginDeniedError,
    LoginError,
    LoginGroupError,
    LoginIssuerError,
    LoginNonceError,
    LoginStateError,
    ProviderError,
    SessionEndedError,
)
from holdfast.identity.people.id_tokens import Person, verify_id_token
from holdfast.identity.people.logins import Login, begin_login, read_token_answer
from holdfast.identity.people.names import person_principal
from holdfast.identity.people.providers import Provider, metadata_url, read_provider
from holdfast.identity.people.sessions import (
    SESSION_S,
    PersonSession,
    open_person_session,
    read_person_session,
)

__all__ = [
    "SESSION_S",
    "Login",
    "LoginDeniedError",
    "LoginError",
    "LoginGroupError",
    "LoginIssuerError",
    "LoginNonceError",
    "LoginStateError",
    "Person",
    "PersonSession",
    "Provider",
    "ProviderError",
    "SessionEndedError",
    "begin_login",
    "metadata_url",
    "open_person_session",
    "person_principal",
    "read_person_session",
    "read_provider",
    "read_token_answer",
    "verify_id_token",
]
