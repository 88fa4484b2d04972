"""An entrance with everything around it made up: people, programs, a clock that tests turn. Loaded by
path, not a test."""

from types import SimpleNamespace

from starlette.testclient import TestClient

from holdfast.audit import AuditError
from holdfast.core import CallId, Instant
from holdfast.faces import ActUnknownError, Deed, Done, Windows
from holdfast.faces.entry import COOKIE, Comer, Entrance, Ports
from holdfast.faces.service import make_app
from holdfast.gateway import Question
from holdfast.identity.people import LoginStateError, Provider, begin_login
from holdfast.identity.programs import ProgramTokenUnknownError, new_program_token
from holdfast.world.sim import SimEntropy

ADMIN = frozenset(Deed)
ISSUER = "https://idp.example"
HOME = "https://localhost"


class Clock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def now(self) -> Instant:
        return Instant(1_795_250_096_000_000 + round(self.at * 1_000_000))

    def monotonic(self) -> float:
        return self.at

    def turn(self, seconds: float) -> None:
        self.at += seconds


class Access:
    """``can`` says what each principal may do."""

    def __init__(self) -> None:
        self.can: dict[str, frozenset[Deed]] = {}

    def deeds(self, comer: Comer) -> frozenset[Deed]:
        return self.can.get(comer.principal, frozenset())


class Providers:
    """One, which believes every answer that has the state."""

    def __init__(self) -> None:
        self.comer = Comer(
            kind="Person",
            principal="user:idp:ann",
            way="provider",
            name="Ann",
            groups=("owners",),
            issuer=ISSUER,
        )

    def issuers(self) -> tuple[str, ...]:
        return (ISSUER,)

    async def begin(self, issuer: str, redirect_uri: str):
        provider = Provider(
            issuer=issuer,
            authorization_endpoint=f"{ISSUER}/authorize",
            token_endpoint=f"{ISSUER}/token",
            jwks_uri=f"{ISSUER}/keys",
            algorithms=frozenset({"ES256"}),
            says_iss=False,
            client_proof="basic",
        )
        return begin_login(provider, "holdfast", redirect_uri=redirect_uri, entropy=SimEntropy(9))

    async def finish(self, login, query: str) -> Comer:
        login.code(query)
        return self.comer


class Programs:
    """Tokens in a mapping."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.known: dict[str, Comer] = {}
        self.made = []

    async def find(self, text: str) -> Comer | None:
        return self.known.get(text)

    async def list(self):
        return tuple(self.made)

    async def make(self, name: str, role: str, *, days: int, by: str):
        token, text = new_program_token(
            name, role, by=by, days=days, now=self._clock.now(), entropy=SimEntropy(len(self.made))
        )
        self.made.append(token)
        return token, text

    async def revoke(self, token_id: str, *, by: str):
        for token in self.made:
            if token.id == token_id:
                return token
        raise ProgramTokenUnknownError("no such token")


class Chronicler:
    """What the log was told."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, str, str, str]] = []
        self.is_full = False

    async def note(self, kind: str, *, by: str, subject: str, reason: str = "") -> None:
        if self.is_full:
            raise AuditError("10,000 changes wait for the log already")
        self.notes.append((kind, by, subject, reason))

    def kinds(self) -> list[str]:
        return [kind for kind, *_ in self.notes]


class Acting:
    """Remembers what was asked of it, by whom."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []
        self.questions: dict[str, Question] = {}

    def question(self, call: str) -> Question:
        if call not in self.questions:
            raise ActUnknownError(f"no call '{call}' waits", code="approval.unknown")
        return self.questions[call]

    async def decide(self, by, call: str, *, is_yes: bool, reason: str) -> Done:
        self.question(call)
        self.done.append(("decide", by.principal, call, is_yes, reason))
        return Done(change="01CHANGE", said="decided")

    async def revoke(self, by, kind, subject: str, *, reason: str) -> Done:
        self.done.append(("revoke", by.principal, kind, subject, reason))
        return Done(change="01CHANGE", said="revoked")

    async def lift(self, by, revocation: str, *, reason: str) -> Done:
        self.done.append(("lift", by.principal, revocation, reason))
        return Done(change="01CHANGE", said="lifted")

    async def restart(self, by, *, reason: str) -> Done:
        self.done.append(("restart", by.principal, reason))
        return Done(change="01CHANGE", said="restarted")


def question(call: str, **more) -> Question:
    known = {
        "principal": "spiffe://holdfast.local/t/default/agent/clerk",
        "on_behalf_of": "user:idp:bob",
        "chain": ("user:idp:bob", "spiffe://holdfast.local/t/default/agent/clerk"),
        "action": "call",
        "callee": "bank",
        "tool": "pay",
        "content": '{"amount":7}',
        "is_cut": False,
        "content_bytes": 120,
        "policies": ("pays",),
        "reason": "payments are approved",
        "relationship": "clerk-pays",
        "since": Instant(1_795_250_096_000_000),
        "until": Instant(1_795_250_396_000_000),
    }
    return Question(call=CallId(call), groups=("owners",), **{**known, **more})


class House:
    """An application behind its entrance, and browsers to come in with."""

    def __init__(self, system, *, is_open: bool = False, origin: str | None = None, **windows):
        self.system = system
        self.clock, self.access, self.providers = Clock(), Access(), Providers()
        self.programs, self.chronicler = Programs(self.clock), Chronicler()
        self.acting = Acting()
        ports = Ports(
            clock=self.clock,
            entropy=SimEntropy(7),
            access=self.access,
            providers=self.providers,
            programs=self.programs,
            chronicler=self.chronicler,
        )
        self.entrance = Entrance(ports, is_open=is_open, origin=origin)
        self.app = make_app(
            system,
            version="9.9.9",
            windows=Windows(acting=self.acting, entrance=self.entrance, **windows),
        )

    def a_week_later(self) -> None:
        """Nobody is signed in, nobody may do anything, nothing has been told."""
        self.clock.turn(7 * 86_400)
        self.access.can.clear()
        self.programs.known.clear()
        self.programs.made.clear()
        self.chronicler.notes.clear()
        self.acting.done.clear()
        self.acting.questions.clear()
        self.system.approvals = ()

    def browser(self) -> TestClient:
        """One that nobody has signed in with; redirects are shown, not followed."""
        return TestClient(self.app, base_url=HOME, follow_redirects=False)

    def signed_in(self, principal: str = "user:here:ann", *, can=ADMIN) -> TestClient:
        """A browser with a session. ``csrf`` is in its headers, as pages' scripts send it."""
        self.access.can[principal] = frozenset(can)
        browser = self.browser()
        answer = browser.post("/sign-in", data={"token": self.entrance.tickets.issue(principal)})
        assert answer.status_code == 303, answer.text
        browser.headers["x-csrf-token"] = self.csrf(browser)
        return browser

    @staticmethod
    def csrf(browser: TestClient) -> str:
        return browser.get("/api/console/me").json()["csrf"]

    def program(self, *, can, token: str = "hfc_token") -> TestClient:
        """A program with a token."""
        principal = f"program:{token}"
        self.access.can[principal] = frozenset(can)
        self.programs.known[token] = Comer(kind="Program", principal=principal, way="program")
        browser = self.browser()
        browser.headers["authorization"] = f"Bearer {token}"
        return browser


people = SimpleNamespace(
    ADMIN=ADMIN,
    COOKIE=COOKIE,
    HOME=HOME,
    ISSUER=ISSUER,
    House=House,
    Clock=Clock,
    LoginStateError=LoginStateError,
    question=question,
)
