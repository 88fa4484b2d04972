"""Measures the served model on held-out clauses: how often each of the four tasks is right.

    python evaluate.py --clauses 500

Each clause is asked about once per task, greedily, through llama.cpp's own HTTP server, with an
instruction drawn from those of training and, for every second clause, a system message. The
second row of the result asks with instructions that training never saw.
"""

from __future__ import annotations

import argparse
import json
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import serve
import xllamacpp
from clauses import Clause, sample_clauses
from dialogues import (
    FILE_FINDING,
    NO_FINDING,
    TASKS,
    Task,
    answer,
    arguments,
    instructions,
    prompt,
)

SYSTEM: Final = "You are a contract reviewer. Use the checklist."
DEADLINE_S: Final = 30.0
UNSEEN: Final[dict[Task, tuple[str, ...]]] = {
    "summary": ("Please summarise the clause for me.", "Sum this clause up in a sentence."),
    "type": ("Please tell me the type of this clause.", "What sort of clause is the following?"),
    "check": ("Is any checklist item broken by this clause?", "Please check this clause."),
    "tool": (
        "Please review this clause and file any finding.",
        "Does this clause break the checklist? If so, file a finding.",
    ),
}


def ask(address: str, task: Task, *, content: str, system: str | None) -> dict[str, Any]:
    """The assistant's message that answers the question."""
    messages = [{"role": "user", "content": content}]
    if system:
        messages.insert(0, {"role": "system", "content": system})
    body: dict[str, Any] = {
        "model": serve.MODEL_ID,
        "messages": messages,
        "temperature": 0,
        "max_tokens": 120,
    }
    if task == "tool":
        body["tools"] = [FILE_FINDING]
    request = urllib.request.Request(
        f"{address}/v1/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:
        return json.load(response)["choices"][0]["message"]


def is_right(clause: Clause, task: Task, message: dict[str, Any]) -> bool:
    """Word for word, but for the checklist answer, of which only the named item counts."""
    text, calls = message.get("content") or "", message.get("tool_calls") or []
    if task == "check":
        return text.split(":")[0] == (clause.item or "None") and not calls
    if task != "tool":
        return text == answer(clause, task) and not calls
    if clause.item is None:
        return text == NO_FINDING and not calls
    return (
        len(calls) == 1
        and calls[0]["function"]["name"] == FILE_FINDING["function"]["name"]
        and json.loads(calls[0]["function"]["arguments"]) == arguments(clause)
    )


def shares(
    address: str,
    sample: Sequence[Clause],
    phrasings: dict[Task, Sequence[str]],
    *,
    rng: Random,
    failures: list[str],
) -> dict[str, float]:
    """For each task, the share of right answers; the wrong ones are appended to `failures`."""
    right = dict.fromkeys(TASKS, 0)
    for position, clause in enumerate(sample):
        system = SYSTEM if position % 2 else None
        for task in TASKS:
            content = prompt(clause, rng.choice(phrasings[task]))
            message = ask(address, task, content=content, system=system)
            if is_right(clause, task, message):
                right[task] += 1
            else:
                said = message.get("tool_calls") or message.get("content")
                failures.append(f"{task} ({clause.item}): {content!r} -> {said!r}")
    return {task: round(count / len(sample), 4) for task, count in right.items()}


def options_from_command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clauses", type=int, default=500)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--model", type=Path, default=serve.MODEL)
    parser.add_argument("--failures", type=int, default=0, help="how many wrong answers to show")
    return parser.parse_args()


def main() -> None:
    options = options_from_command_line()
    server = xllamacpp.Server(
        serve.parameters(serve.arguments(["--port", "0", "--model", str(options.model)]))
    )
    sample = sample_clauses(options.clauses, seed=options.seed)
    known = {task: instructions(task) for task in TASKS}
    failures: list[str] = []
    rng, began = Random(options.seed), time.monotonic()
    result = {
        "held_out_clauses": len(sample),
        "breaking_an_item": sum(clause.item is not None for clause in sample),
        "right": shares(server.listening_address, sample, known, rng=rng, failures=failures),
        "right_unseen_phrasing": shares(
            server.listening_address, sample, UNSEEN, rng=rng, failures=failures
        ),
    }
    result["seconds"] = round(time.monotonic() - began, 1)
    print(json.dumps(result, indent=2))
    print("\n".join(failures[: options.failures]))


if __name__ == "__main__":
    main()
