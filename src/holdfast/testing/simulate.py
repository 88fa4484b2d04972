"""``make sim SEED=n``: run one seed, or ``--count`` of them from there, and say what happened."""

import argparse
import sys

from holdfast.testing.checkers import CheckError
from holdfast.testing.simulation import CALLS, History, run_seed


def main() -> int:
    """Exit code 1 when a rule was broken; the seed that broke it is printed."""
    parser = argparse.ArgumentParser(description="Run the whole gateway in a simulated world.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1, help="seeds to run, counting up")
    parser.add_argument("--calls", type=int, default=CALLS)
    options = parser.parse_args()
    for seed in range(options.seed, options.seed + options.count):
        try:
            history = run_seed(seed, calls=options.calls)
        except CheckError as error:
            sys.stdout.write(f"seed {seed}: BROKEN: {error}\n")
            return 1
        sys.stdout.write(_line(history))
    return 0


def _line(history: History) -> str:
    heard = ", ".join(f"{count} {name}" for name, count in history.heard.items())
    return (
        f"seed {history.seed}: {history.calls} calls ({heard}), {history.records} records, "
        f"{history.kills} kills, {history.virtual_s:g} virtual s, {history.digest[:16]}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
