"""The tour of the example system: `make demo` (stays up) or `make demo ONCE=1` (ends after it).

Starts the model, the tools and Holdfast as a user would, with the same commands, and speaks to them
with the official OpenAI and MCP clients. What it shows is in `tour/`, the agents are in `agents/`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
from pathlib import Path

from tour.office import Office
from tour.parts import HERE, DemoError, System, started
from tour.screen import styled
from tour.steps import tour

from holdfast.core import HoldfastError


def stay(system: System) -> None:
    """Until Ctrl-C."""
    data = os.path.relpath(system.data)
    print("\nIt stays up until Ctrl-C. Send it something:")
    print(f"   export OPENAI_BASE_URL={system.url}/v1")
    print(f"   export OPENAI_API_KEY=$(holdfast key create intake --data {data})")
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
    print("\nstopping ...")


def main() -> int:
    """The tour, from start to stop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--once", action="store_true", help="end after the tour")
    parser.add_argument("--data", type=Path, default=HERE / ".holdfast", help="data directory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-keys-") as keys, started(options.data) as up:
        print(styled(f"'{up.name}' is up at {up.url}"))
        tour(up, Office(up.data, gateway=up.url, keys=Path(keys)))
        if not options.once:
            stay(up)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell had it ignored
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        sys.exit(main())
    except (DemoError, HoldfastError) as problem:
        sys.exit(f"demo: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
