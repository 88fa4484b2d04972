"""One whole login in this process, at a provider that checks all that a provider may check."""

import asyncio
import base64
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from holdfast.app import wiring
from holdfast.app.datadir import DataDir
from holdfast.app.declared import DeclaredProvider
from holdfast.app.fetching import FetchRefusedError
from holdfast.app.login import LoggedIn, log_in, person_here
from holdfast.core import HoldfastError, NodeId
from holdfast.identity import SigningKey, b64url
from holdfast.identity.spiffe import Principal
from holdfast.world.real import SystemClock, SystemEntropy

CLIENT = "holdfast"


class StrictProvider:
    """Issues ES256 tokens over loopback. ``promise`` has it name itself (RFC 9207); ``turn`` is
    called once between the browser's answer and the token."""

    def __init__(self) -> None:
        self.key = SigningKey.generate(SystemEntropy(), kid="one")
        self.published = [self.key]
        self.metadata: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.secret: str | None = None
        self.turn: Callable[[], None] = lambda: None
        self.asked: dict[str, str] = {}
        self.redeemed: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def describe(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }

    def authorize(self, url: str) -> str:
        """The person agrees; where the browser goes next."""
        query = urllib.parse.urlsplit(url).query
        self.asked = dict(urllib.parse.parse_qsl(query, strict_parsing=True))
        back = {"code": "the-code", "state": self.asked["state"], "iss": self.issuer}
        return f"{self.asked['redirect_uri']}?{urllib.parse.urlencode(back)}"

    def token(self, form: dict[str, str], authorization: str | None) -> tuple[int, dict[str, Any]]:
        self.redeemed.append(form)
        self.turn()
        challenge = b64url(sha256(form["code_verifier"].encode()).digest())
        wanted = None
        if self.secret is not None:
            wanted = "Basic " + base64.b64encode(f"{CLIENT}:{self.secret}".encode()).decode()
        is_right = (
            form["grant_type"] == "authorization_code"
            and form["code"] == "the-code"
            and form["redirect_uri"] == self.asked["redirect_uri"]
            and challenge == self.asked["code_challenge"]
            and authorization == wanted
        )
        if not is_right:
            return 400, {"error": "invalid_grant"}
        at = SystemClock().now() // 1_000_000
        claims = {
            "iss": self.issuer,
            "sub": "alice",
            "aud": CLIENT,
            "exp": at + 60,
            "iat": at,
            "nonce": self.asked["nonce"],
            **self.claims,
        }
        token = self.key.sign({"kid": self.key.public.kid}, claims)
        return 200, {"id_token": token, "access_token": "x", "token_type": "Bearer"}


def _handler(provider: StrictProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/.well-known/openid-configuration":
                self._reply(200, provider.describe())
            elif self.path == "/jwks":
                keys = [{**key.public.jwk(), "use": "sig"} for key in provider.published]
                self._reply(200, {"keys": keys}, kind="application/jwk-set+json")
            else:
                self._reply(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = dict(urllib.parse.parse_qsl(body, strict_parsing=True))
            self._reply(*provider.token(form, self.headers.get("authorization")))

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nothing."""

        def _reply(self, status: int, value: Any, *, kind: str = "application/json") -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


def visit(url: str, cookie: str = "") -> tuple[int, str, str]:
    """What a browser gets: status, where it is sent, its cookie."""
    parts = urllib.parse.urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}", headers={"cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        given = (answer.getheader("set-cookie") or "").partition(";")[0]
        return answer.status, answer.getheader("location") or "", given
    finally:
        connection.close()


@pytest.fixture
def provider() -> Iterator[StrictProvider]:
    made = StrictProvider()
    yield made
    made.close()


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    found = DataDir(tmp_path / "data")
    found.create()
    wiring.open_store(found).close()
    found.remember_nodes({NodeId("a"): Principal("spiffe://example.org/t/main/agent/a")})
    return found


def run(data: DataDir, provider: StrictProvider, **declared: Any) -> LoggedIn:
    """A login by a person whose browser does as it is told."""

    def person(begin: str) -> None:
        _, authorize, cookie = visit(begin)
        visit(provider.authorize(authorize), cookie)

    async def main() -> LoggedIn:
        tasks: list[asyncio.Future[None]] = []

        def show(url: str) -> None:
            loop = asyncio.get_running_loop()
            tasks.append(loop.run_in_executor(None, person, url))

        known = DeclaredProvider(issuer=provider.issuer, client_id=CLIENT, **declared)
        try:
            return await log_in(data, known, show=show, within_s=10)
        finally:
            await asyncio.gather(*tasks)

    return asyncio.run(main())


def test_code_verifier_and_address_are_those_of_the_request(
    data: DataDir, provider: StrictProvider
) -> None:
    done = run(data, provider)
    assert done.principal.endswith(":alice")
    assert person_here(data).person.issuer == provider.issuer
    (form,) = provider.redeemed
    assert form["client_id"] == CLIENT
    assert "client_secret" not in form


def test_a_key_that_is_new_since_the_login_began_is_known(
    data: DataDir, provider: StrictProvider
) -> None:
    def rotate() -> None:
        provider.key = SigningKey.generate(SystemEntropy(), kid="two")
        provider.published = [provider.key]

    provider.turn = rotate
    assert run(data, provider).principal.endswith(":alice")


def test_a_secret_is_read_where_the_blueprint_says(
    data: DataDir, provider: StrictProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.secret = "s3cret"
    (tmp_path / "secret").write_text("s3cret\n")
    monkeypatch.setenv("CLIENT_SECRET", "s3cret")
    assert run(data, provider, client_secret=f"file:{tmp_path / 'secret'}")
    assert run(data, provider, client_secret="env:CLIENT_SECRET")
    with pytest.raises(HoldfastError) as caught:
        run(data, provider, client_secret="env:NOT_SET")
    assert caught.value.code == "file.unreadable"
    with pytest.raises(HoldfastError) as caught:
        run(data, provider)
    assert caught.value.code == "login.denied"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iss": "https://evil.example"}, "identity.token-issuer"),
        ({"aud": "other"}, "identity.token-audience"),
        ({"nonce": "other"}, "login.nonce"),
        ({"exp": 1}, "identity.token-expired"),
    ],
)
def test_a_token_that_is_not_for_this_login_logs_nobody_in(
    data: DataDir, provider: StrictProvider, claims: dict[str, Any], code: str
) -> None:
    provider.claims = claims
    with pytest.raises(HoldfastError) as caught:
        run(data, provider)
    assert caught.value.code == code
    with pytest.raises(HoldfastError) as caught:
        person_here(data)
    assert caught.value.code == "login.none"


def test_only_members_of_the_groups_that_are_named_are_let_in(
    data: DataDir, provider: StrictProvider
) -> None:
    provider.claims = {"teams": ["risk", "audit"]}
    assert run(data, provider, groups_claim="teams", groups=("sales", "audit"))
    with pytest.raises(HoldfastError) as caught:
        run(data, provider, groups_claim="teams", groups=("sales",))
    assert caught.value.code == "login.not-a-member"


def test_attack_12_metadata_cannot_send_us_into_the_private_network(
    data: DataDir, provider: StrictProvider
) -> None:
    for inside in ("https://127.0.0.1:1/jwks", "https://169.254.169.254/jwks"):
        provider.metadata = {"jwks_uri": inside}
        with pytest.raises(FetchRefusedError):
            run(data, provider)
        provider.metadata = {"token_endpoint": inside}
        with pytest.raises(FetchRefusedError):
            run(data, provider)


def test_nobody_who_comes_back_in_time_is_an_end_too(
    data: DataDir, provider: StrictProvider
) -> None:
    known = DeclaredProvider(issuer=provider.issuer, client_id=CLIENT)
    with pytest.raises(HoldfastError) as caught:
        asyncio.run(log_in(data, known, show=lambda _: None, within_s=0.01))
    assert caught.value.code == "login.failed"
