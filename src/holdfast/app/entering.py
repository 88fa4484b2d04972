"""What the console's entrance asks: policy, providers, programs' tokens, the log."""

import asyncio
from collections.abc import Callable

from holdfast.app.datadir import DataDir
from holdfast.app.declared import DeclaredProvider
from holdfast.app.files import Loaded
from holdfast.app.login import begin_at, chosen_provider, redeem
from holdfast.audit import Act, Outbox, record_of
from holdfast.core import RANDOM_BYTES, ulid
from holdfast.faces import Deed
from holdfast.faces.entry import Comer
from holdfast.identity.people import Login
from holdfast.identity.programs import (
    ProgramToken,
    ProgramTokenStore,
    new_program_token,
    program_principal,
)
from holdfast.policy.console import Asker
from holdfast.world.ports import Clock, Entropy, Store

ADMIN = "admin"
REMEMBERED_MAX = 1_024
"""Answers of policy that are kept, for as long as it is in force."""


class PolicyAccess:
    """An ``entry.Access`` by the blueprint and the policy in force."""

    def __init__(self, loaded: Callable[[], Loaded], *, is_revoked: Callable[[str], bool]) -> None:
        self._loaded = loaded
        self._is_revoked = is_revoked
        self._known: dict[Comer, frozenset[Deed]] = {}
        self._of: Loaded | None = None

    def deeds(self, comer: Comer) -> frozenset[Deed]:
        """What they may do now. Whoever came by a link of this machine is an administrator: they
        may write the data directory."""
        if self._is_revoked(comer.principal):
            return frozenset()
        loaded = self._loaded()
        if self._of is not loaded or len(self._known) >= REMEMBERED_MAX:
            self._known, self._of = {}, loaded
        found = self._known.get(comer)
        if found is None:
            allowed = loaded.console.allowed(_asker(comer, _roles(loaded, comer)))
            found = self._known[comer] = frozenset(deed for deed in Deed if deed in allowed)
        return found


def _asker(comer: Comer, roles: tuple[str, ...]) -> Asker:
    return Asker(
        kind=comer.kind,
        id=comer.principal,
        name=comer.name,
        roles=roles,
        groups=comer.groups,
        way=comer.way,
        acr=comer.acr,
        amr=comer.amr,
    )


def _roles(loaded: Loaded, comer: Comer) -> tuple[str, ...]:
    if comer.kind == "Program":
        return (comer.role,) if comer.role is not None else ()
    if comer.way == "link":
        return (ADMIN,)
    for provider in loaded.blueprint.people:
        if provider.issuer == comer.issuer:
            # Asked anew at each look: a blueprint may have narrowed whom it lets in since.
            is_let_in = not provider.groups or not set(provider.groups).isdisjoint(comer.groups)
            return loaded.blueprint.console.roles_of(comer.groups) if is_let_in else ()
    return ()


class DeclaredProviders:
    """``entry.Providers``: those of the blueprint in force."""

    def __init__(self, data: DataDir, loaded: Callable[[], Loaded]) -> None:
        self._data = data
        self._loaded = loaded

    def issuers(self) -> tuple[str, ...]:
        return tuple(provider.issuer for provider in self._loaded().blueprint.people)

    async def begin(self, issuer: str, redirect_uri: str) -> Login:
        return await begin_at(await self._declared(issuer), redirect_uri=redirect_uri)

    async def finish(self, login: Login, query: str) -> Comer:
        code = login.code(query)
        person = await redeem(login, code, declared=await self._declared(login.provider.issuer))
        return Comer(
            kind="Person",
            principal=person.principal,
            way="provider",
            name=person.name,
            groups=person.groups,
            issuer=person.issuer,
            acr=person.acr,
            amr=person.amr,
        )

    async def _declared(self, issuer: str) -> DeclaredProvider:
        return await asyncio.to_thread(chosen_provider, self._data, issuer)


class Scribe:
    """An ``entry.Chronicler`` on the instance's database."""

    def __init__(self, store: Store, *, clock: Clock, entropy: Entropy) -> None:
        Outbox(store)
        self._store = store
        self._clock = clock
        self._entropy = entropy

    async def note(self, kind: str, *, by: str, subject: str, reason: str = "") -> None:
        act = self.act(by, reason)
        await asyncio.to_thread(self._write, act, kind, subject)

    def act(self, by: str, reason: str = "") -> Act:
        now = self._clock.now()
        name = ulid(now, self._entropy.noise(RANDOM_BYTES))
        return Act(id=name, by=by, at=now, reason=reason)

    def _write(self, act: Act, kind: str, subject: str) -> None:
        with self._store.transaction() as change:
            Outbox.add(change, record_of(act, kind=kind, subject=subject))


class StoredPrograms:
    """``entry.Programs`` on the instance's database: it is asked each time, so that a revocation
    counts at once whoever made it."""

    def __init__(self, store: Store, scribe: Scribe, *, clock: Clock, entropy: Entropy) -> None:
        self._tokens = ProgramTokenStore(store)
        self._scribe = scribe
        self._clock = clock
        self._entropy = entropy

    async def find(self, text: str) -> Comer | None:
        found = await asyncio.to_thread(self._tokens.find, text)
        if found is None or not found.is_good(self._clock.now()):
            return None
        return Comer(
            kind="Program",
            principal=program_principal(found.name),
            way="program",
            name=found.name,
            role=found.role,
        )

    async def list(self) -> tuple[ProgramToken, ...]:
        return await asyncio.to_thread(self._tokens.list)

    async def make(self, name: str, role: str, *, days: int, by: str) -> tuple[ProgramToken, str]:
        made, text = new_program_token(
            name, role, by=by, days=days, now=self._clock.now(), entropy=self._entropy
        )
        await asyncio.to_thread(self._tokens.add, made, text, act=self._scribe.act(by))
        return made, text

    async def revoke(self, token_id: str, *, by: str) -> ProgramToken:
        return await asyncio.to_thread(self._tokens.revoke, token_id, act=self._scribe.act(by))
