"""What OpenTelemetry costs the keeper, a call: heard, told, encoded, compressed. No network.

python benchmarks/telemetry/run.py
"""

import gzip
import hashlib
import time

from holdfast.audit import RECORD_VERSION, CallRecord
from holdfast.core import Instant, ulid
from holdfast.history import Heard
from holdfast.telemetry.otlp import Feed, Sampler, Signal, Telling

AT = 1_790_000_000_000_000
CALLS = 5_000
BATCH = 500
SPANS = 512
ROUNDS = 7
SHARES = (1.0, 0.1, 0.01)


def record(number: int) -> CallRecord:
    """Of ten calls eight are of a model, one of a tool, and one is refused."""
    fate = number % 10
    noise = hashlib.sha256(str(number).encode()).digest()[:10]
    is_tool, is_refused = fate == 8, fate == 9
    return CallRecord(
        action="call" if is_tool else "generate",
        at=AT + number,
        attempts=0 if is_refused else 1,
        blueprint="sha256:b",
        bundle="sha256:p",
        call=ulid(Instant(AT), noise),
        cost=None if is_tool or is_refused else 150_000,
        decision="refuse" if is_refused else "allow",
        duration_us=900 if is_refused else 800_000 + number * 7_919 % 100_000,
        event="call",
        node=None if is_refused else "reviewer",
        outcome="refused" if is_refused else "answered",
        policies=("allow-all",),
        principal="spiffe://bench.example/t/default/agent/planner",
        relationship="planner-asks",
        resource="reviewer",
        rule="policy.denied" if is_refused else None,
        stages_us=(10, 20, 30, 40, 50, 700_000, 800_000),
        status=403 if is_refused else 200,
        tenant="default",
        tokens_in=None if is_tool or is_refused else 120,
        tokens_out=None if is_tool or is_refused else 45,
        tool="search" if is_tool else None,
        upstream=None if is_refused else "https://models.example/v1",
        v=RECORD_VERSION,
        worker=0,
    )


def hear(heard: list[Heard], share: float) -> tuple[Feed, float]:
    """A feed that has heard everything, and the microseconds a call."""
    feed = Feed(
        Sampler(share),
        Telling(model_of=lambda _: "m", scheme="http"),
        meaning=lambda _: "policy forbids the call",
        began=Instant(AT),
    )
    began = time.process_time()
    for at in range(0, len(heard), BATCH):
        feed.hear(heard[at : at + BATCH])
    return feed, (time.process_time() - began) * 1e6 / len(heard)


def compress(feed: Feed) -> tuple[int, float, float]:
    """Spans; their bytes a call; microseconds a call to compress them."""
    spans = feed.backlogs[Signal.TRACES].take(10**6, 10**9)
    began = time.process_time()
    for at in range(0, len(spans), SPANS):
        gzip.compress(b"".join(spans[at : at + SPANS]), 1, mtime=0)
    took = (time.process_time() - began) * 1e6 / CALLS
    return len(spans), sum(map(len, spans)) / CALLS, took


def main() -> None:
    """The best of several rounds, for each share."""
    heard = [Heard(number, record(number)) for number in range(CALLS)]
    print("share   spans/call   us/call: told   compressed   bytes/call")
    for share in SHARES:
        told = min(hear(heard, share)[1] for _ in range(ROUNDS))
        spans, size, packed = min(compress(hear(heard, share)[0]) for _ in range(ROUNDS))
        print(f"{share:5.2f}{spans / CALLS:13.2f}{told:16.1f}{packed:13.1f}{size:13.0f}")


if __name__ == "__main__":
    main()
