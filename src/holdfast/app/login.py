"""What ``holdfast login`` does: a person proves at an identity provider who they are.

The provider must stand in the blueprint. What is kept is a session of an hour, readable by the data
directory's owner only. Whoever may read that directory holds the instance's keys anyway: the session
says who logged in, it does not guard against its own operator.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import msgspec

from holdfast.app import wiring
from holdfast.app.acts import new_act
from holdfast.app.datadir import DataDir
from holdfast.app.declared import DeclaredProvider, declared_providers
from holdfast.app.fetching import JSON_TYPES, Fetcher
from holdfast.app.issuing import issuer_of
from holdfast.app.loopback import CALLBACK, HOST, LOOPBACK_LIMITS, LoopbackLogin
from holdfast.app.sockets import claim
from holdfast.audit import Outbox, record_of
from holdfast.core import rfc3339
from holdfast.identity.people import (
    Login,
    LoginError,
    LoginGroupError,
    Person,
    PersonSession,
    Provider,
    SessionEndedError,
    begin_login,
    metadata_url,
    open_person_session,
    read_person_session,
    read_provider,
    read_token_answer,
    verify_id_token,
)
from holdfast.wire import Server
from holdfast.world.real import SocketNetwork, SystemClock, SystemEntropy, SystemNames

LOGIN_S = 300.0
"""How long a person may take at the provider."""
GOODBYE_S = 2.0
"""How long the browser's last answer may take to leave."""
SESSION_FILE = "person-session"
KEYS_TYPES = (*JSON_TYPES, "application/jwk-set+json")
METADATA_BYTES_MAX = 262_144
LOGGED_IN = "person.logged-in"


class LoggedIn(msgspec.Struct, frozen=True):
    """Who is logged in, as people see it."""

    principal: str
    issuer: str
    name: str
    groups: tuple[str, ...]
    expires: str


def chosen_provider(data: DataDir, issuer: str | None) -> DeclaredProvider:
    """The provider of the blueprint that is meant."""
    declared = declared_providers(data)
    known = ", ".join(each.issuer for each in declared)
    if not declared:
        raise LoginError(
            "the blueprint names no provider where people log in",
            fix="write `people: [{issuer: ..., client_id: ...}]` in it",
        )
    if issuer is None and len(declared) == 1:
        return declared[0]
    if issuer is None:
        raise LoginError("several providers are declared", fix=f"name one by --issuer: {known}")
    for each in declared:
        if each.issuer == issuer:
            return each
    raise LoginError(
        f"the blueprint does not trust the provider '{issuer[:200]}'", fix=f"it trusts: {known}"
    )


async def log_in(
    data: DataDir,
    declared: DeclaredProvider,
    *,
    show: Callable[[str], None],
    within_s: float = LOGIN_S,
) -> LoggedIn:
    """The person who comes back from the provider; ``show`` is given the address to open.

    A crash before the end leaves nobody logged in; the session is written last.
    """
    data.require()
    declared.secret()  # missing, it is told before anybody goes to the provider
    provider = await _provider(declared)
    async with _listening(lambda port: _begun(declared, provider, port)) as (login, loopback):
        show(loopback.begin_url)
        try:
            async with asyncio.timeout(within_s):
                code = await loopback.code
        except TimeoutError as error:
            raise LoginError(
                f"nobody came back from the provider within {within_s:g} s", fix="log in again"
            ) from error
    person = await redeem(login, code, declared=declared)
    return _keep(data, person)


async def begin_at(declared: DeclaredProvider, *, redirect_uri: str) -> Login:
    """A login at a provider that will send the browser back to ``redirect_uri``."""
    declared.secret()
    return _login(declared, await _provider(declared), redirect_uri)


def _fetcher(declared: DeclaredProvider) -> Fetcher:
    return Fetcher(network=SocketNetwork(), names=SystemNames(), named=(declared.issuer,))


async def _provider(declared: DeclaredProvider) -> Provider:
    metadata = await _fetcher(declared).get(
        metadata_url(declared.issuer), bytes_max=METADATA_BYTES_MAX
    )
    return read_provider(declared.issuer, metadata)


def _begun(declared: DeclaredProvider, provider: Provider, port: int) -> Login:
    return _login(declared, provider, f"http://{HOST}:{port}{CALLBACK}")


def _login(declared: DeclaredProvider, provider: Provider, redirect_uri: str) -> Login:
    return begin_login(
        provider,
        declared.client_id,
        redirect_uri=redirect_uri,
        entropy=SystemEntropy(),
        scopes=declared.scopes,
    )


@asynccontextmanager
async def _listening(
    begin: Callable[[int], Login],
) -> AsyncGenerator[tuple[Login, LoopbackLogin]]:
    """A login that can come back to a free port of this machine."""
    (sock,) = claim(HOST, 0, count=1, flag="--port")
    port = sock.getsockname()[1]
    login = begin(port)
    loopback = LoopbackLogin(port, entropy=SystemEntropy(), url=login.url, take=login.code)
    server = Server(loopback, clock=SystemClock(), limits=LOOPBACK_LIMITS)
    await server.start(SocketNetwork(), sock=sock)
    try:
        yield login, loopback
    finally:
        await server.drain(within_s=GOODBYE_S)


async def redeem(login: Login, code: str, *, declared: DeclaredProvider) -> Person:
    """The code for an ID token, then the provider's keys: so late that a new key is among them."""
    fetcher, secret = _fetcher(declared), declared.secret()
    answer = await fetcher.post_form(
        login.provider.token_endpoint,
        login.token_form(code, secret),
        headers=login.token_headers(secret),
    )
    token = read_token_answer(declared.issuer, answer.status, answer.body)
    jwks = await fetcher.get(login.provider.jwks_uri, types=KEYS_TYPES)
    person = verify_id_token(
        token, jwks, login, now=SystemClock().now(), groups_claim=declared.groups_claim
    )
    if declared.groups and not set(declared.groups) & set(person.groups):
        raise LoginGroupError(
            f"{person.principal} is in none of the groups that may log in",
            fix="let the provider add you to one, or name another under `people` in the blueprint",
        )
    return person


def _keep(data: DataDir, person: Person) -> LoggedIn:
    now = SystemClock().now()
    issuer = issuer_of(data)
    session = open_person_session(person, issuer, now=now, entropy=SystemEntropy())
    act = msgspec.structs.replace(new_act(f"at {person.issuer}"), by=person.principal)
    store = wiring.open_store(data)
    try:
        Outbox(store)
        with store.transaction() as change:
            Outbox.add(change, record_of(act, kind=LOGGED_IN, subject=person.principal))
    finally:
        store.close()
    data.keep_secret(SESSION_FILE, session.encode())
    return _shown(read_person_session(session.encode(), issuer, now=now))


def person_here(data: DataDir) -> PersonSession:
    """Who is logged in on this data directory; ``SessionEndedError`` when nobody is."""
    data.require()
    session = data.kept_secret(SESSION_FILE)
    if not session:
        raise SessionEndedError("nobody is logged in here", fix="run 'holdfast login'")
    return read_person_session(session, issuer_of(data), now=SystemClock().now())


def who_is_logged_in(data: DataDir) -> LoggedIn:
    """The same, as people see it."""
    return _shown(person_here(data))


def log_out(data: DataDir) -> None:
    """Forget the session. Mandates that were granted in it live on for their minutes."""
    data.require()
    data.keep_secret(SESSION_FILE, b"")


def _shown(session: PersonSession) -> LoggedIn:
    person = session.person
    return LoggedIn(
        person.principal, person.issuer, person.name, person.groups, rfc3339(session.expires)
    )
