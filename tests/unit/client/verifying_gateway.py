"""A small HTTP server that believes nobody without a proof: ``Callers`` over loopback."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import msgspec

from holdfast.client import Identity
from holdfast.core import Instant
from holdfast.identity import (
    CertificateRefusedError,
    PublicKey,
    SigningKey,
    TokenError,
    Trust,
    bundle_of,
)
from holdfast.identity.authority import Authority
from holdfast.identity.callers import Caller, Callers
from holdfast.identity.mandates import (
    Holder,
    MandateIssuer,
    MandateVerifier,
    Terms,
    grant_to_service,
)
from holdfast.identity.passports import Passports
from holdfast.identity.proofs import Bound, ReplayCache, Request, Sessions
from holdfast.identity.revocation import Revocations
from holdfast.identity.wimse import issue_wit
from holdfast.world.real import SystemClock, SystemEntropy

ISS = "spiffe://holdfast.local"
AUDIENCE = "spiffe://holdfast.local/t/legal/gateway"
REVIEWER = "spiffe://holdfast.local/t/legal/model/reviewer"
ASKS = Authority(
    type="llm",
    locations=frozenset((REVIEWER,)),
    actions=frozenset(("generate", "embed")),
)
ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "reviewer",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Yes."}}
    ],
}
TOOL = {"name": "look_up", "description": "Looks up.", "inputSchema": {"type": "object"}}


def agent(name: str) -> str:
    return f"spiffe://holdfast.local/t/legal/agent/{name}"


class VerifyingGateway:
    """Answers whom it believes. ``seen`` holds the headers of all requests, ``callers`` who called,
    ``paths`` where to; the switches say how it behaves."""

    def __init__(self) -> None:
        self.clock, self.entropy = SystemClock(), SystemEntropy()
        self.issuer = SigningKey.generate(self.entropy, kid="issuer")
        self.sessions = Sessions(b"root")
        self.seen: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.callers: list[Caller] = []
        self.has_sessions = True
        self.redirect_to: str | None = None
        self._verifier = Callers(
            Trust([bundle_of("holdfast.local", wit=[self.issuer.public])]),
            mandates=MandateVerifier(AUDIENCE, {ISS: {"issuer": self.issuer.public}}),
            sessions=self.sessions,
            replays=ReplayCache(),
            revocations=Revocations.unfed(),
            passports=Passports(),
            certificates=_no_certificates,
        )
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def forget_sessions(self) -> None:
        """As after a restart with other secrets."""
        self.sessions._root = b"another root"
        self.sessions._known.clear()

    # -- what an issuer does ----------------------------------------------------------------------

    def wit(self, name: str, key: PublicKey, *, lifetime_s: int = 600, ago_s: int = 0) -> str:
        return issue_wit(
            self.issuer,
            subject=agent(name),
            key=key,
            now=Instant(self.clock.now() - ago_s * 1_000_000),
            lifetime_s=lifetime_s,
            jti=f"wit-{self.entropy.noise(6).hex()}",
        )

    def identity(self, folder: Path, name: str, **more: Any) -> Identity:
        """An identity as somebody finds it who was given a key file and a WIT."""
        path = folder / f"{name}.pem"
        made = Identity.create(path)
        key = SigningKey.from_pem(path.read_bytes()).public
        del made
        path.with_suffix(".wit").write_text(self.wit(name, key))
        return Identity.load(path, gateway=self.url, **more)

    def mandate(self, identity: Identity, *, ttl_s: int = 300) -> bytes:
        return grant_to_service(
            MandateIssuer(iss=ISS, key=self.issuer),
            Holder(agent=identity.name, key=PublicKey.from_jwk(identity.public_key)),
            terms=Terms(audience=AUDIENCE, ttl_s=ttl_s, depth=2),
            asked=[ASKS],
            widest=[ASKS],
            now=self.clock.now(),
            entropy=self.entropy,
        )

    # -- what a gateway does ----------------------------------------------------------------------

    def identify(self, request: Request) -> Caller | None:
        return self._verifier.identify(request, None, now=self.clock.now())

    def open(self, caller: Caller, body: bytes) -> bytes:
        grant = self.sessions.open(
            Bound(
                principal=caller.principal,
                thumbprint=caller.thumbprint or "",
                mandate=b"" if caller.mandate is None else caller.mandate.digest,
            ),
            PublicKey.from_jwk(json.loads(body)["epk"]),
            now=self.clock.now(),
            until=caller.expires,
            entropy=self.entropy,
        )
        return msgspec.json.encode(grant)


def _no_certificates(_: bytes, *, now: Instant) -> Any:
    raise CertificateRefusedError("no certificates here")


def _handler(home: VerifyingGateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def do_DELETE(self) -> None:
            self._serve()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            home.seen.append({k.lower(): v for k, v in self.headers.items()})
            home.paths.append(self.path)
            if home.redirect_to is not None and self.path != "/identity/session":
                self._say(307, b"", ("Location", home.redirect_to + self.path))
                return
            if self.path == "/identity/session" and not home.has_sessions:
                self._say(404, b"no such path")
                return
            asked = Request(
                method=self.command,
                target=self.path,
                origins=(home.url,),
                headers={k.lower().encode(): v.encode() for k, v in self.headers.items()},
                body=body,
            )
            try:
                caller = home.identify(asked)
            except TokenError as error:
                self._refuse(error.code)
                return
            if caller is None:
                self._refuse("identity.missing")
                return
            home.callers.append(caller)
            if self.path == "/identity/session":
                self._say(200, home.open(caller, body))
            else:
                self._answer(body)

        def _answer(self, body: bytes) -> None:
            asked = json.loads(body) if body else {}
            if self.path == "/mcp":
                self._mcp(asked)
            elif asked.get("stream"):
                self._stream()
            else:
                self._say(200, json.dumps(ANSWER).encode())

        def _mcp(self, asked: dict[str, Any]) -> None:
            results = {
                "initialize": {
                    "protocolVersion": "2025-11-25",
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "verifying", "version": "1"},
                },
                "tools/list": {"tools": [TOOL]},
                "tools/call": {"content": [{"type": "text", "text": "found"}]},
            }
            if "id" not in asked:
                self._say(202, b"")
                return
            result = results.get(asked["method"])
            if result is None:
                error = {"code": -32601, "message": "no such method"}
                said = {"jsonrpc": "2.0", "id": asked["id"], "error": error}
            else:
                said = {"jsonrpc": "2.0", "id": asked["id"], "result": result}
            self._say(200, json.dumps(said).encode())

        def _stream(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            for text in ("Y", "es", "."):
                delta = {"index": 0, "delta": {"content": text}}
                chunk = {**ANSWER, "object": "chat.completion.chunk", "choices": [delta]}
                self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            self.wfile.write(b"data: [DONE]\n\n")
            self.close_connection = True

        def _refuse(self, code: str) -> None:
            error = {"message": "no", "type": "invalid_request_error", "param": None, "code": code}
            self._say(401, json.dumps({"error": error}).encode())

        def _say(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: what is looked at is in ``seen``."""

    return Handler
