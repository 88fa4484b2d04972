"""Memory with very many streams open at once, opened and ended some times over."""

import json
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import machine
from payloads import framed
from sampling import resident
from targets import WORK, Holdfast, Running, filled, pinned
from upstreams import Upstream

HERE = Path(__file__).parent
ROWS = WORK / "streams.rows"
"""Where the load generator says what became of each stream: more than a pipe holds."""
SAMPLE_S = 0.5
FILES_A_STREAM = 2
"""In a worker: the caller's connection and the upstream's."""
FILES_BESIDE = 300
"""What a worker has open beside them, with room for an uneven share between workers."""
DEADLINE_S = 300.0


def workers_for(streams: int) -> int:
    """As few as the limit on open files allows."""
    most = machine.open_files()
    return max(1, math.ceil((streams * FILES_A_STREAM) / (most - FILES_BESIDE)))


def measure(
    streams: int, *, rounds: int, open_s: float, held_s: float, cores: tuple[int, int]
) -> dict[str, Any]:
    """Samples ``[seconds, streams open, MiB of keeper, MiB of workers]`` and what each round had.

    A round opens its streams within ``open_s``; each lasts ``open_s + held_s``.
    """
    gateway_core, load_core = cores
    workers = workers_for(streams)
    # Quick until the target has answered its first call, which is not a stream.
    settings = {"slots": 10**9, "service_s": 0.01, "spread": 0.0, "first_share": 0.001}
    upstream = Upstream("streams", core=load_core, seed=1, settings=settings)
    upstream.start()
    samples: list[list[float]] = []
    try:
        blueprint = filled(HERE / "streams.yaml", UPSTREAM_PORT=upstream.port)
        with Holdfast().serving(blueprint, gateway_core, workers=workers) as target:
            upstream.tell(service_s=open_s + held_s)
            began = time.monotonic()
            samples.append(_sample(target, upstream, began))
            for _ in range(rounds):
                load = _opened(target, streams, open_s, load_core=load_core)
                while load.poll() is None:
                    time.sleep(SAMPLE_S)
                    samples.append(_sample(target, upstream, began))
                _check(streams)
                _rest(target, upstream, began, samples)
    finally:
        upstream.kill()
    return {"streams": streams, "workers": workers, "rounds": rounds, "samples": samples}


def _opened(
    target: Running, streams: int, open_s: float, *, load_core: int
) -> "subprocess.Popen[bytes]":
    """The load generator of the resilience benchmark: it looks at every stream's text."""
    host = f"127.0.0.1:{target.port}"
    head = framed(b"", host=host, key=target.key).decode()
    plan = {
        "begin": time.monotonic() + 1.0,
        "times": [open_s * number / streams for number in range(streams)],
        "kind": "stream",
        "deadline_s": DEADLINE_S,
        "port": target.port,
        "model": target.model,
        "head": head.replace("Content-Length: 0", "Content-Length: CONTENT_LENGTH"),
    }
    command = [sys.executable, str(HERE.parent / "resilience" / "open_load.py")]
    with ROWS.open("wb") as rows, pinned(load_core):
        load = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=rows)
    assert load.stdin is not None
    load.stdin.write(json.dumps(plan).encode())
    load.stdin.close()
    return load


def _check(streams: int) -> None:
    rows = [json.loads(line) for line in ROWS.read_text().splitlines()]
    wrong = [row[5] for row in rows if not row[1]]
    if len(rows) != streams or wrong:
        raise SystemExit(f"{len(wrong)} of {len(rows)} streams failed: {sorted(set(wrong))[:3]}")


def _rest(target: Running, upstream: Upstream, began: float, samples: list[list[float]]) -> None:
    for _ in range(10):
        time.sleep(SAMPLE_S)
        samples.append(_sample(target, upstream, began))


def _sample(target: Running, upstream: Upstream, began: float) -> list[float]:
    seen = resident(target.pid)
    open_now = upstream.tell()["busy"]
    return [time.monotonic() - began, open_now, seen["keeper"], seen["workers"]]
