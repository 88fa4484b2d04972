"""The tour of the example system: `make demo` (stays up) or `make demo ONCE=1` (ends after it).

Starts the model and Holdfast as a user would, with the same commands, and speaks to them with the
official OpenAI client.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import openai

HERE: Final = Path(__file__).parent
MODEL_PORT: Final = 8090
START_S: Final = 60.0
STOP_S: Final = 20.0
CLAUSE: Final = (
    "Either party may terminate this agreement for convenience by giving the other party "
    "7 days' written notice."
)
sys.path.insert(0, str(HERE / "model"))


class DemoError(Exception):
    """The tour cannot go on; the message says why and what to do."""


# -- what the tour runs on ------------------------------------------------------------------------


def is_free(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(wanted: int) -> int:
    """The wanted port, or any free one when somebody has it."""
    if is_free(wanted):
        return wanted
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def running(name: str, command: list[str], *, ready: str, log: Path) -> Iterator[str]:
    """A child process, from the line that says it is ready until the tour ends; yields the line.

    What it logs goes into a file, so that the tour stays readable.
    """
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    lines: list[str] = []
    told = threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if not told.is_set():
                lines.append(line)
                if ready in line:
                    told.set()
        told.set()

    threading.Thread(target=listen, daemon=True).start()
    try:
        told.wait(START_S)
        if not lines or ready not in lines[-1]:
            said = "".join(lines) + log.read_text(encoding="utf-8")
            raise DemoError(f"{name} did not start: {said.strip() or 'it said nothing'}")
        yield lines[-1]
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()


def blueprint(model_port: int, folder: Path) -> Path:
    """The example's blueprint, or a copy whose one URL differs when the usual port is taken."""
    original = HERE / "holdfast.yaml"
    if model_port == MODEL_PORT:
        return original
    copy = folder / "holdfast.yaml"
    text = original.read_text(encoding="utf-8")
    copy.write_text(text.replace(f":{MODEL_PORT}/", f":{model_port}/"), encoding="utf-8")
    (folder / "policies").symlink_to(HERE / "policies")
    return copy


def holdfast(*words: str) -> list[str]:
    return [sys.executable, "-m", "holdfast.cli", *words]


def ask(*words: str) -> Any:
    """A holdfast command's answer, as JSON."""
    done = subprocess.run(holdfast(*words, "--json"), stdout=subprocess.PIPE, check=False)
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise DemoError(f"holdfast {' '.join(words)}: {answer['error']['what']}")
    return answer


# -- how it reads ---------------------------------------------------------------------------------


def _styled(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if sys.stdout.isatty() else text


def title(number: int, text: str) -> None:
    print("\n" + _styled(f"{number}. {text}", "1"), flush=True)


def row(name: str, value: object) -> None:
    print(f"   {name:<13}{value}", flush=True)


# -- the tour -------------------------------------------------------------------------------------


def review(client: openai.OpenAI) -> str:
    """One clause, four questions; returns the id of the streamed call."""
    row("clause", CLAUSE)
    stream = client.chat.completions.with_raw_response.create(
        model="clause-reviewer",
        messages=[
            {"role": "user", "content": f"Check this clause against the checklist.\n\n{CLAUSE}"}
        ],
        max_tokens=120,
        stream=True,
    )
    call = stream.headers["x-request-id"]
    print("   answer       ", end="", flush=True)
    for piece in stream.parse():
        if piece.choices and piece.choices[0].delta.content:
            print(piece.choices[0].delta.content, end="", flush=True)
    print()
    for name, question in (
        ("type", "What type of clause is this?"),
        ("summary", "Summarise this clause in one sentence."),
    ):
        answer = client.chat.completions.create(
            model="clause-reviewer",
            messages=[{"role": "user", "content": f"{question}\n\n{CLAUSE}"}],
            max_tokens=120,
        )
        row(name, answer.choices[0].message.content)
    row("finding", finding(client))
    return call


def finding(client: openai.OpenAI) -> str:
    """The tool call that the model makes."""
    from dialogues import FILE_FINDING  # noqa: PLC0415 - beside the model

    answer = client.chat.completions.create(
        model="clause-reviewer",
        messages=[
            {
                "role": "user",
                "content": f"Review this clause and file a finding if it breaks the checklist.\n\n{CLAUSE}",
            }
        ],
        tools=[FILE_FINDING],
        max_tokens=120,
    )
    calls = answer.choices[0].message.tool_calls or []
    if not calls:
        return "the model made no tool call"
    return f"{calls[0].function.name}({calls[0].function.arguments})"


def refusal(base_url: str, key: str) -> None:
    """Intake asks the model: nothing declares that it may."""
    client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)
    try:
        client.chat.completions.create(
            model="clause-reviewer", messages=[{"role": "user", "content": CLAUSE}]
        )
    except openai.PermissionDeniedError as error:
        row("status", error.status_code)
        row("rule", error.code)
        row("message", error.body["message"] if isinstance(error.body, dict) else error.body)
        row("record", error.response.headers["x-request-id"])
        return
    raise DemoError("the undeclared call was not refused")


def record(call: str, data: str) -> None:
    """What the log says of the streamed call: everything but what was said."""
    last = ask("audit", "show", call, "--data", data)["records"][-1]["record"]
    for name in ("principal", "action", "resource", "relationship", "decision", "policies"):
        row(name, ", ".join(last[name]) if isinstance(last[name], list) else last[name])
    row("outcome", f"{last['outcome']} ({last['status']}) in {last['duration_us'] / 1000:.0f} ms")
    row("prompt", f"{last['prompt'][:40]}...  (salted digest; no text is kept)")
    row("answer", f"{last['answer'][:40]}...")


def proof(call: str, data: str) -> None:
    """The inclusion proof of the call's records, and the whole log recomputed."""
    proven = ask("audit", "prove", call, "--data", data)
    row("entries", ", ".join(str(p["index"]) for p in proven["proofs"]))
    row("log", f"{proven['size']} entries, root {proven['root'][:16]}...")
    row("key", proven["key"])
    row("verified", str(proven["verified"]).lower())
    whole = ask("audit", "verify", "--data", data)
    print(f"   whole log    verified: {str(whole['verified']).lower()}", flush=True)
    if not (proven["verified"] and whole["verified"]):
        raise DemoError("the log does not verify")


def tour(ready: dict[str, Any], data: str) -> None:
    base_url = f"{ready['url']}/v1"
    desk = ask("key", "create", "review-desk", "--data", data)["key"]
    intake = ask("key", "create", "intake", "--data", data)["key"]
    client = openai.OpenAI(base_url=base_url, api_key=desk, max_retries=0, timeout=120)
    title(1, "The review desk asks the model about a clause; the answer streams in")
    call = review(client)
    title(2, "Intake asks the model too, and nothing declares that it may")
    refusal(base_url, intake)
    title(3, "The record of the first call")
    row("call", call)
    record(call, data)
    title(4, "The proof that it is in the log")
    proof(call, data)
    title(5, "The console")
    row("address", f"{ready['console']}/")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--once", action="store_true", help="end after the tour")
    parser.add_argument("--data", type=Path, default=HERE / ".holdfast", help="data directory")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-demo-")))
        model_port = free_port(MODEL_PORT)
        serve = [sys.executable, str(HERE / "model" / "serve.py"), "--port", str(model_port)]
        stack.enter_context(
            running("the model", serve, ready="is ready", log=scratch / "model.log")
        )
        folder: Path = options.data
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = str(folder)
        up = holdfast("up", str(blueprint(model_port, scratch)), "--data", data, "--json")
        up += ["--port", str(free_port(8080)), "--console-port", str(free_port(8081))]
        line = stack.enter_context(
            running("holdfast", up, ready='"ready"', log=folder / "holdfast.log")
        )
        ready = json.loads(line)["ready"]
        print(_styled(f"'{ready['name']}' is up at {ready['url']}", "1"))
        tour(ready, data)
        if not options.once:
            print("\nIt stays up until Ctrl-C. Send it something:")
            print(f"   export OPENAI_BASE_URL={ready['url']}/v1")
            print(
                f"   export OPENAI_API_KEY=$(holdfast key create review-desk --data {os.path.relpath(data)})"
            )
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
            print("\nstopping ...")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell had it ignored
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        sys.exit(main())
    except DemoError as problem:
        sys.exit(f"demo: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
