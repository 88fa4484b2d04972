"""Where the CPU time of a busy worker goes, as Linux's ``perf`` samples it: kernel and libraries.

The real thing under load, so that sockets, disk and cold caches are in it; ``profile_call.py`` has
the path alone. Needs ``perf`` (Debian: ``linux-perf``) and leave to use it.

  python benchmarks/gateway/profile_worker.py [--connections 64] [--seconds 8]
"""

import argparse
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import machine
import run
from results import Case
from targets import WORK, Holdfast, upstream_on

SAMPLES_A_SECOND = 2_000
SHARE_MIN = 0.005
KERNEL = {
    "sock_write_iter": "kernel: sending, with the receiver's half of it",
    "sock_read_iter": "kernel: receiving",
    "do_pwritev": "kernel: the journal's write and sync",
    "ep_poll": "kernel: waiting",
    "do_futex": "kernel: threads waking each other",
}
"""What a function on the stack stands for; the first that is there counts."""
KERNEL_ELSE = "kernel: everything else"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    if shutil.which("perf") is None:
        raise SystemExit("perf is not installed: apt-get install linux-perf")
    with machine.alone(WORK):
        _profile(Case("chat", options.connections), options.seconds)


def _profile(case: Case, seconds: float) -> None:
    cores = machine.cores()
    data = WORK / "perf.data"
    with upstream_on(cores[1]) as upstream, Holdfast().running(upstream, cores[0]) as target:
        worker = _child_of(target.pid)
        sampling = ["-e", "cpu-clock", "-F", str(SAMPLES_A_SECOND), "-g"]
        perf = subprocess.Popen(
            ["perf", "record", "-q", *sampling, "-o", str(data), "-p", str(worker)]
        )
        options = argparse.Namespace(warmup_s=1.0, measure_s=seconds)
        row = run.load(case, target, upstream, options=options, cores=cores)
        perf.send_signal(signal.SIGINT)
        perf.wait()
    [worker_us] = (us for name, us in row["cpu_us_by_process"].items() if name.endswith("worker"))
    found = Counter(_places(data))
    total = found.total()
    print(f"{case.title}: {worker_us:.0f} us of a worker's CPU a call, {total} samples")
    for place, count in found.most_common():
        if count >= SHARE_MIN * total:
            print(f"  {count / total * worker_us:6.1f} us  {place}")


def _child_of(pid: int) -> int:
    said = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True)
    [child] = said.stdout.split()
    return int(child)


def _places(data: Path) -> Iterator[str]:
    """One for each sample."""
    script = ["perf", "script", "-i", str(data), "-F", "ip,sym,dso"]
    said = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    for sample in said.split("\n\n"):
        # "    7f2a1c sock_write_iter ([kernel.kallsyms])", the innermost first.
        frames = [line.split(None, 1)[1] for line in sample.splitlines() if line.strip()]
        if frames:
            yield _place(frames)


def _place(frames: list[str]) -> str:
    library = frames[0].rpartition("(")[2].rstrip(")").rpartition("/")[2]
    if "kernel" not in library:
        return library
    names = [frame.partition(" ")[0] for frame in frames if "kernel" in frame]
    return next(
        (said for start, said in KERNEL.items() if any(n.startswith(start) for n in names)),
        KERNEL_ELSE,
    )


if __name__ == "__main__":
    sys.exit(main())
