"""What identity costs: CPU microseconds of one process, best of many repetitions.

python benchmarks/identity/run.py               a table, in about half a minute
python benchmarks/identity/run.py --write-docs  and renew docs/reference/identity-measured.md

Ratios to one ES256 verification in the same run hold on any machine; microseconds only on this one.
"""

import argparse
import platform
import re
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from itertools import cycle
from pathlib import Path

from holdfast.core import Instant
from holdfast.identity import SigningKey, read_compact
from holdfast.identity.authority import (
    Allowance,
    ArgumentLimit,
    Ask,
    Authority,
    Classification,
    covers,
    is_within,
    meet,
    read_authorities,
    write_authorities,
)
from holdfast.identity.mandates import (
    Holder,
    MandateIssuer,
    MandateVerifier,
    Terms,
    Wanted,
    delegate,
    exchange,
    grant_by_consent,
)
from holdfast.identity.revocation import Held, RevocationSet
from holdfast.identity.wimse import Wit
from holdfast.world.real import SystemEntropy

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "reference" / "identity-measured.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"

NOW = Instant(1_790_000_000_000_000)
AUDIENCE, DOCUMENTS = "https://gateway.example/mcp", "https://docs.example/mcp"
ISS = "https://gateway.example"
REVOKED = RevocationSet(
    Held(id=str(number), kind="agent", name=f"spiffe://hf.example/t/x/agent/a{number}", at=NOW)
    for number in range(10_000)
)
PIN = "a" * 64
AUTHORITY = Authority(
    type="mcp_tool",
    locations=frozenset({DOCUMENTS}),
    actions=frozenset({"call", "read"}),
    tools=frozenset({f"find@{PIN}", f"read@{PIN}", "list"}),
    args=(("path", ArgumentLimit(prefix="/docs/contracts")),),
    max=Allowance(calls=100, usd_micro=500_000),
    taint_max=1,
    data_max=Classification.confidential,
)
ASK = Ask(
    type="mcp_tool",
    location=DOCUMENTS,
    action="call",
    now=NOW,
    tool="find",
    descriptor=PIN,
    args={"path": "/docs/contracts/2026/a.pdf"},
    taint=1,
    data=Classification.internal,
)


class Cast:
    """An issuer, and agents that delegate to each other."""

    def __init__(self) -> None:
        self.entropy = SystemEntropy()
        self.keys = [SigningKey.generate(self.entropy) for _ in range(5)]
        self.issuer = MandateIssuer(iss=ISS, key=SigningKey.generate(self.entropy))

    def agent(self, number: int) -> str:
        return f"spiffe://hf.example/t/acme/agent/agent-{number}"

    def root(self) -> bytes:
        return grant_by_consent(
            self.issuer,
            Holder(agent=self.agent(0), key=self.keys[0].public, build="sha256:" + "b" * 64),
            principal="user:3f2a:ada",
            terms=Terms(audience=AUDIENCE),
            asked=[AUTHORITY],
            consented=[AUTHORITY],
            widest=[AUTHORITY],
            now=NOW,
            entropy=self.entropy,
        )

    def chain(self, hops: int) -> bytes:
        made = self.root()
        for number in range(1, hops):
            made = self.link(made, number)
        return made

    def link(self, parent: bytes, number: int) -> bytes:
        return delegate(
            parent,
            self.keys[number - 1],
            to=self.agent(number),
            key=self.keys[number].public,
            authority=[AUTHORITY],
            ttl_s=300,
            now=NOW,
            entropy=self.entropy,
            why="clause extraction",
        )

    def verifier(self, *, kept_max: int = 4_096) -> MandateVerifier:
        key = self.issuer.key.public
        return MandateVerifier(AUDIENCE, {ISS: {key.kid or "": key}}, kept_max=kept_max)

    def wit(self, number: int) -> Wit:
        return Wit(
            subject=self.agent(number),
            key=self.keys[number].public,
            expires=Instant(NOW + 1),
            issued=NOW,
            jti=None,
            build=None,
            tier=None,
            ear=None,
            digest=b"",
        )


def cpu_us(work: Callable[[], object], *, repetitions: int) -> float:
    """CPU microseconds of one run of ``work``: the best repetition, each of 10 ms or more."""
    loops = 1
    while _spent(work, loops) < 0.01:
        loops *= 2
    return min(_spent(work, loops) for _ in range(repetitions)) / loops * 1e6


def _spent(work: Callable[[], object], loops: int) -> float:
    began = time.process_time()
    for _ in range(loops):
        work()
    return time.process_time() - began


def works(cast: Cast) -> dict[str, Callable[[], object]]:
    """Everything that is measured, by name; the first is what the others are compared with."""
    chains = {hops: cast.chain(hops) for hops in range(1, 5)}
    first = read_compact(chains[1])
    key = cast.issuer.key.public
    found: dict[str, Callable[[], object]] = {
        "one ES256 signature verified": lambda: key.verifies(first.signature, first.signed),
    }
    for hops, chain in chains.items():
        found[f"chain of {hops}, cold"] = _cold(cast, chain)
    for hops, chain in chains.items():
        found[f"chain of {hops}, warm"] = _warm(cast, chain)
    found["chain of 3, whose first 2 are known"] = _known(cast, chains[2])
    found |= _flat(cast, chains[3])
    found["SHA-256 of a chain of 3"] = lambda: sha256(chains[3]).digest()
    found["revocation set of 10,000 asked for a chain of 3"] = _asked(cast, chains[3])
    found["a link made"] = lambda: cast.link(chains[1], 1)
    held, text = (AUTHORITY,), write_authorities((AUTHORITY,))
    found["an authority read"] = lambda: read_authorities(text)
    found["meet"] = lambda: meet(AUTHORITY, AUTHORITY)
    found["is_within"] = lambda: is_within(AUTHORITY, AUTHORITY)
    found["covers"] = lambda: covers(held, ASK)
    return found


def _cold(cast: Cast, chain: bytes) -> Callable[[], object]:
    return lambda: cast.verifier().verify(chain, now=NOW, revoked=REVOKED)


def _warm(cast: Cast, chain: bytes) -> Callable[[], object]:
    verifier = cast.verifier()
    return lambda: verifier.verify(chain, now=NOW, revoked=REVOKED)


def _known(cast: Cast, shorter: bytes) -> Callable[[], object]:
    """The last link alone is new, as for every other agent of a team."""
    verifier = cast.verifier(kept_max=8)  # fewer than there are links, so each is new again
    links = cycle([cast.link(shorter, 2) for _ in range(64)])
    verifier.verify(shorter, now=NOW, revoked=REVOKED)
    return lambda: verifier.verify(next(links), now=NOW, revoked=REVOKED)


def _flat(cast: Cast, chain: bytes) -> dict[str, Callable[[], object]]:
    mandate = cast.verifier().verify(chain, now=NOW, revoked=REVOKED)

    def swap() -> bytes:
        return exchange(
            mandate,
            cast.wit(2),
            wanted=Wanted(audience=AUDIENCE),
            issuer=cast.issuer,
            now=NOW,
            entropy=cast.entropy,
        ).token

    flat, warm = swap(), cast.verifier()
    return {
        "exchange of a chain of 3": swap,
        "flat token of 3, cold": lambda: cast.verifier().verify_flat(
            flat, now=NOW, revoked=REVOKED
        ),
        "flat token of 3, warm": lambda: warm.verify_flat(flat, now=NOW, revoked=REVOKED),
    }


def _asked(cast: Cast, chain: bytes) -> Callable[[], object]:
    subjects = cast.verifier().verify(chain, now=NOW, revoked=REVOKED).subjects
    return lambda: REVOKED.find(subjects)


def table(measured: dict[str, float]) -> str:
    unit = next(iter(measured.values()))
    lines = ["| what | CPU us | ES256 verifications |", "|---|---:|---:|"]
    lines += [
        f"| {name} | {_figure(cost)} | {cost / unit:.2f} |" for name, cost in measured.items()
    ]
    return "\n".join(lines)


def _figure(value: float) -> str:
    return f"{value:.1f}" if value < 20 else f"{value:.0f}"


def _write(lines: str) -> None:
    page = DOCS.read_text("utf-8")
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    DOCS.write_text(pattern.sub(lambda _: f"{BEGIN}\n\n{lines}\n\n{END}", page), "utf-8")


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.machine()
    found = re.search(r"model name\s*: (.+)", text)
    return found[1] if found else platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--write-docs", action="store_true", help=f"renew {DOCS.name}")
    options = parser.parse_args()
    measured: dict[str, float] = {}
    for name, work in works(Cast()).items():
        measured[name] = cpu_us(work, repetitions=options.repetitions)
        print(f"{name:50} {measured[name]:9.2f} us", file=sys.stderr)
    head = (
        f"Measured {time.strftime('%Y-%m-%d')} on {_processor()}, one core, Python "
        f"{platform.python_version()}, cryptography {version('cryptography')}, holdfast "
        f"{version('holdfast')}; process CPU time, best of {options.repetitions}."
    )
    print(table(measured))
    if options.write_docs:
        _write(f"{head}\n\n{table(measured)}")


if __name__ == "__main__":
    main()
