"""The running example with one part after the other made to fail, in real processes.

What is looked at is whether each node still does what its relationships say it does, with the same
clients as the tour: intake asks the model; the review agent asks the model, lists the documents, sends
the extractor, files a finding; the extractor reads.
"""

# ruff: noqa: SLF001 - the tour starts all of its processes at once; here each is started by itself

import contextlib
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "document-review"))

import openai
from agents.clause_extractor import ClauseExtractor
from agents.review_agent import sent
from tour import parts
from tour.office import Office
from tour.steps import DOCUMENT, TERMINATION, register, send_out

from holdfast.blueprint import load
from holdfast.blueprint.blast import State, impact
from holdfast.blueprint.graph import System

EXAMPLE = Path(__file__).parents[2] / "examples" / "document-review"
PARTS = {"clause-reviewer": ("model",), "documents": ("documents",), "findings": ("findings",),
         "clause-extractor": (), "review-host": ("model", "documents", "findings")}  # fmt: skip
"""What fails, and the processes that end with it; the extractor is a client, which is just not run."""
FLOW = "review-a-contract"
SEEN = ("intake", "review-agent", "clause-extractor", FLOW)
FINDING = {"item": "TERM-1", "severity": "low"}


class Running:
    """The example as it runs, each of its processes by itself."""

    def __init__(self, stack: contextlib.ExitStack, scratch: Path) -> None:
        self._stack = stack
        self._scratch = scratch
        self._ports = {name: parts._free_port(usual) for name, usual in parts.PORTS.items()}
        self._commands = parts._commands(self._ports)
        self._up: dict[str, contextlib.ExitStack] = {}

    def begin(self, name: str) -> None:
        own = contextlib.ExitStack()
        log = self._scratch / f"{name}.log"
        running = parts._running(name, self._commands[name], port=self._ports[name], log=log)
        own.enter_context(running)()
        self._up[name] = own
        self._stack.callback(self.end, name)

    def end(self, name: str) -> None:
        if name in self._up:
            self._up.pop(name).close()

    def gateway(self) -> parts.System:
        for name in self._commands:
            self.begin(name)
        data = self._scratch / "data"
        data.mkdir(mode=0o700)
        words = ["up", str(parts._blueprint(self._ports, self._scratch)), "--data", str(data)]
        words += ["--port", str(parts._free_port(parts.GATEWAY_PORT)), "--json"]
        words += ["--console-port", str(parts._free_port(parts.CONSOLE_PORT)), "--console-open"]
        command = [sys.executable, "-m", "holdfast.cli", *words]
        wait = self._stack.enter_context(
            parts._running("holdfast", command, log=data / "holdfast.log")
        )
        ready = json.loads(wait())["ready"]
        return parts.System(
            name=ready["name"], url=ready["url"], console=ready["console"], data=data
        )


def measured_example() -> list[tuple[str, dict[str, bool], dict[str, bool]]]:
    """For each part that fails: who was told to get worse, and who did."""
    system = _declared()
    found = []
    with _up() as (running, look):
        well = look("")
        assert all(well.values()), f"not well before anything failed: {well}"
        for fault, processes in PARTS.items():
            for name in processes:
                running.end(name)
            seen = look(fault)
            fallen = impact(system, [fault])
            told = {name: fallen.states.get(name, State.UP) is not State.UP for name in SEEN[:3]}
            told[FLOW] = fallen.flows[FLOW] is not State.UP
            found.append((fault, told, {name: not works for name, works in seen.items()}))
            for name in processes:
                running.begin(name)
            if processes:
                _be_well(look)
    return found


def _be_well(look: Callable[[str], dict[str, bool]]) -> None:
    for _ in range(10):
        if all(look("").values()):
            return
        time.sleep(1)
    raise AssertionError("the example was not well again")


def _declared() -> System:
    text = (EXAMPLE / "holdfast.yaml").read_text()
    return System(load(text, source="example", read=lambda name: (EXAMPLE / name).read_text()))


@contextlib.contextmanager
def _up() -> Iterator[tuple[Running, Callable[[str], dict[str, bool]]]]:
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="blast-")))
        running = Running(stack, scratch)
        up = running.gateway()
        keys = scratch / "keys"
        keys.mkdir()
        office = Office(up.data, gateway=up.url, keys=keys)
        with contextlib.redirect_stdout(io.StringIO()):
            agents = register(office)
        key = office.tell("key", "create", "intake")["key"]
        yield running, lambda fault: _look(office, agents, key, fault)


def _look(office: Office, agents: Any, key: str, fault: str) -> dict[str, bool]:
    """Who still does what it is there for, each time under a mandate of its own."""
    url = office.gateway
    with contextlib.redirect_stdout(io.StringIO()):
        _, mandate = send_out(office)
    extracted, reviewed = False, False
    asked = _works(lambda: _ask(url, key))
    try:
        with sent(agents.reviewer, mandate, gateway=url) as agent:
            extracted = fault != "clause-extractor" and _works(lambda: _extract(url, agent, agents))
            reviewed = all(
                [
                    _works(lambda: agent.summary("Either party may end this agreement.")),
                    _works(lambda: agent.tools.call("documents__list_documents")),
                    _works(lambda: agent.file(FINDING, DOCUMENT, TERMINATION)),
                ]
            )
    except Exception as error:  # noqa: BLE001 - whatever an agent dies of, it does not work
        print(f"  {fault or 'well'}: {error!r}", file=sys.stderr)
    return {
        "intake": asked,
        "review-agent": reviewed and extracted,
        "clause-extractor": extracted or fault == "clause-extractor",
        FLOW: reviewed and extracted,
    }


def _works(act: Callable[[], object]) -> bool:
    try:
        act()
    except Exception:  # noqa: BLE001 - as above
        return False
    return True


def _ask(url: str, key: str) -> None:
    with openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client:
        client.chat.completions.create(
            model="clause-reviewer",
            messages=[{"role": "user", "content": "What type of clause is this?"}],
            max_tokens=8,
        )


def _extract(url: str, agent: Any, agents: Any) -> None:
    extractor = ClauseExtractor(agents.extractor, gateway=url)
    with extractor.sent_with(agent.delegate(extractor.identity, DOCUMENT)) as tools:
        extractor.extract(tools, DOCUMENT, (TERMINATION,))


if __name__ == "__main__":
    for fault, told, seen in measured_example():
        print(fault, {name: (told[name], seen[name]) for name in SEEN})
