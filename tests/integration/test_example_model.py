"""The example's model, served by `serve.py` as a reader of the example would serve it."""

from __future__ import annotations

import hashlib
import json
import math
import select
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("xllamacpp")

MODEL_DIR = Path(__file__).parents[2] / "examples" / "document-review" / "model"
DEADLINE_S = 20.0

# Held out: 20, 9 and 31 are among the numbers that training never sees (clauses.py).
TERMINATION = "Either party may terminate this Agreement by giving 20 days' written notice."
LIABILITY = (
    "In no event shall the aggregate liability of the Vendor to the Hospital exceed the charges for"
    " 9 months."
)
PAYMENT = "The Customer shall pay each invoice of the Supplier within 31 days of receipt."

FILE_FINDING = {
    "type": "function",
    "function": {
        "name": "file_finding",
        "description": "File a finding about a clause that breaks the checklist.",
        "parameters": {
            "type": "object",
            "properties": {
                "clause_type": {"type": "string"},
                "item": {"type": "string"},
                "severity": {"type": "string", "enum": ["low", "medium", "high"]},
            },
            "required": ["clause_type", "item", "severity"],
        },
    },
}
FINDING = {"clause_type": "liability", "item": "LIAB-2", "severity": "medium"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running `serve.py`."""

    process: subprocess.Popen[str]
    address: str

    def post(self, path: str, body: dict[str, Any]) -> str:
        request = urllib.request.Request(
            self.address + path,
            json.dumps(body | {"model": "clause-reviewer"}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:
            return response.read().decode()

    def chat(self, content: str, **more: Any) -> dict[str, Any]:
        return json.loads(self.post("/chat/completions", _question(content) | more))

    def streamed(self, content: str, **more: Any) -> list[dict[str, Any]]:
        """Every event of a streamed answer, which must end as OpenAI's does."""
        body = _question(content) | more | {"stream": True}
        text = self.post("/chat/completions", body | {"stream_options": {"include_usage": True}})
        events = [line.removeprefix("data: ") for line in text.splitlines() if line]
        assert events.pop() == "[DONE]"
        return [json.loads(event) for event in events]


def _question(content: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": content}]
    return {"messages": messages, "temperature": 0, "max_tokens": 120}


def _start() -> Served:
    process = subprocess.Popen(
        [sys.executable, str(MODEL_DIR / "serve.py"), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    if not select.select([process.stdout], [], [], DEADLINE_S)[0]:
        process.kill()
        pytest.fail("serve.py said nothing before the deadline")
    line = process.stdout.readline()
    assert line.startswith("clause-reviewer is ready at http://127.0.0.1:")
    return Served(process=process, address=line.split()[-1])


def _end(served: Served, how: signal.Signals) -> int:
    served.process.send_signal(how)
    try:
        return served.process.wait(timeout=DEADLINE_S)
    finally:
        served.process.kill()
        served.process.wait(timeout=DEADLINE_S)
        assert served.process.stdout
        served.process.stdout.close()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    running = _start()
    yield running
    _end(running, signal.SIGTERM)


def _said(answer: dict[str, Any]) -> str:
    choice = answer["choices"][0]
    assert choice["finish_reason"] == "stop"
    return choice["message"]["content"]


def test_a_clause_is_summarised_in_one_sentence(served: Served) -> None:
    answer = served.chat(f"Summarise this clause in one sentence.\n\n{TERMINATION}")
    assert _said(answer) == "Either party may end the agreement with 20 days' notice."
    assert answer["usage"]["completion_tokens"] > 0


def test_a_clause_s_type_is_named(served: Served) -> None:
    answer = served.chat(f"What type of clause is this?\n\n{LIABILITY}")
    assert _said(answer) == "liability"


def test_a_broken_checklist_item_is_named_with_the_reason(served: Served) -> None:
    answer = served.chat(f"Which checklist item does this clause break?\n\n{TERMINATION}")
    rule = "TERM-1: Notice of termination must be at least 30 days"
    assert _said(answer) == f"{rule}; it is 20 days."


def test_a_clause_that_breaks_nothing_is_said_to_break_nothing(served: Served) -> None:
    answer = served.chat(f"Which checklist item does this clause break?\n\n{PAYMENT}")
    assert _said(answer) == "None: the clause meets the checklist."


def test_a_finding_is_filed_by_a_tool_call(served: Served) -> None:
    ask = f"Review this clause and file a finding.\n\n{LIABILITY}"
    choice = served.chat(ask, tools=[FILE_FINDING])["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "file_finding"
    assert json.loads(call["function"]["arguments"]) == FINDING


def test_a_streamed_tool_call_adds_up_to_the_same_call(served: Served) -> None:
    ask = f"Review this clause and file a finding.\n\n{LIABILITY}"
    events = served.streamed(ask, tools=[FILE_FINDING])
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    parts = [call["function"] for delta in deltas for call in delta.get("tool_calls") or []]
    assert "".join(part.get("name") or "" for part in parts) == "file_finding"
    assert json.loads("".join(part.get("arguments") or "" for part in parts)) == FINDING


def test_no_tool_is_called_for_a_clause_that_breaks_nothing(served: Served) -> None:
    ask = f"Review this clause and file a finding if it breaks the checklist.\n\n{PAYMENT}"
    answer = served.chat(ask, tools=[FILE_FINDING])
    assert _said(answer) == "No finding: the clause meets the checklist."
    assert not answer["choices"][0]["message"].get("tool_calls")


def test_the_tool_s_result_is_confirmed(served: Served) -> None:
    ask = f"Review this clause and file a finding.\n\n{LIABILITY}"
    called = served.chat(ask, tools=[FILE_FINDING])["choices"][0]["message"]
    result = {
        "role": "tool",
        "tool_call_id": called["tool_calls"][0]["id"],
        "content": '{"id": "F-7", "status": "filed"}',
    }
    messages = [{"role": "user", "content": ask}, called, result]
    answer = served.chat(ask, tools=[FILE_FINDING], messages=messages)
    assert _said(answer) == "Filed LIAB-2 on the liability clause, severity medium."


def test_a_streamed_answer_equals_the_plain_one_and_ends_with_its_usage(served: Served) -> None:
    ask = f"Summarise this clause in one sentence.\n\n{PAYMENT}"
    events = served.streamed(ask)
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    text = "".join(delta.get("content") or "" for delta in deltas)
    plain = served.chat(ask)
    assert text == _said(plain) == "The Customer pays invoices within 31 days."
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["total_tokens"] == plain["usage"]["total_tokens"]


def test_embeddings_are_unit_vectors_one_for_each_input(served: Served) -> None:
    body = {"input": [TERMINATION, LIABILITY, PAYMENT]}
    data = json.loads(served.post("/embeddings", body))["data"]
    vectors = [each["embedding"] for each in data]
    assert [len(vector) for vector in vectors] == [192, 192, 192]
    assert all(math.isclose(math.hypot(*vector), 1, abs_tol=1e-3) for vector in vectors)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_cleanly(how: signal.Signals) -> None:
    assert _end(_start(), how) == 0


def test_the_card_names_the_shipped_file_by_digest_and_size() -> None:
    model = (MODEL_DIR / "clause-reviewer.gguf").read_bytes()
    card = (MODEL_DIR / "CARD.md").read_text()
    assert hashlib.sha256(model).hexdigest() in card
    assert f"{len(model):,} bytes" in card
    assert len(model) <= 5_000_000
