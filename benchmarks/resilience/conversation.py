"""What is asked and what must be answered: every call has a number, and its answer is made of it.

So an answer that is cut, doubled, patched wrongly or another caller's is known for what it is.
"""

import json
from typing import Any

EVENTS = 20
"""Pieces of text in a stream."""
_QUESTION = "Tell me of call "


def pieces(number: int) -> list[str]:
    """The text of an answer, as a stream brings it."""
    return [f"{number}.{place} " for place in range(EVENTS)]


def question(number: int, *, model: str, stream: bool) -> bytes:
    """The request's body."""
    asked: dict[str, Any] = {
        "model": model,
        "messages": [
            {"role": "system", "content": "You answer in one sentence."},
            {"role": "user", "content": f"{_QUESTION}{number}"},
        ],
        "max_tokens": 64,
    }
    if stream:
        asked["stream"] = True
    return json.dumps(asked, separators=(",", ":")).encode()


def remaining(messages: list[dict[str, Any]]) -> list[str]:
    """What the model has to say: all, or the rest of an answer that the last message begins.

    As vLLM and others have it, a last message of the assistant's is gone on from.
    """
    asked = [m["content"] for m in messages if m["content"].startswith(_QUESTION)]
    # Whoever only tries whether anybody answers has not asked by a number.
    whole = pieces(int(asked[0].removeprefix(_QUESTION)) if asked else 0)
    if messages[-1]["role"] != "assistant":
        return whole
    said = len(messages[-1]["content"])
    rest: list[str] = []
    for piece in whole:
        if said < len(piece):
            rest.append(piece[said:])
        said = max(0, said - len(piece))
    return rest if "".join(whole).startswith(messages[-1]["content"]) else whole


def is_right(number: int, body: bytes, *, stream: bool) -> bool:
    """Whether an answer is whole, and the one to this call."""
    try:
        said = _streamed(body) if stream else _said(json.loads(body))
    except (ValueError, KeyError, IndexError, TypeError):
        return False
    return said == "".join(pieces(number))


def _said(answer: dict[str, Any]) -> str:
    return answer["choices"][0]["message"]["content"]


def _streamed(body: bytes) -> str | None:
    """The joined text of a stream that ended as it should."""
    events = [line[5:].strip() for line in body.split(b"\n") if line.startswith(b"data:")]
    if not events or events[-1] != b"[DONE]":
        return None
    said: list[str] = []
    for event in events[:-1]:
        choices = json.loads(event)["choices"]
        said += [choice["delta"].get("content") or "" for choice in choices]
    return "".join(said)
