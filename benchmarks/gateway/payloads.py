"""What is sent and what is answered: the same bytes for every target."""

import json
from collections.abc import Mapping

MODEL = "assistant"
PATH = "/v1/chat/completions"
EVENTS = 50
"""Events of a stream before its ``[DONE]``."""

_CHAT = {
    "model": MODEL,
    "messages": [
        {"role": "system", "content": "You answer in one sentence."},
        {"role": "user", "content": "What does the notice period of this contract say?"},
    ],
    "max_tokens": 64,
}


def _dense(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _answer() -> bytes:
    """A chat completion of exactly 294 bytes, the size that earlier comparisons used."""
    message = {"role": "assistant", "content": ""}
    answer = {
        "id": "chatcmpl-000000000001",
        "object": "chat.completion",
        "created": 1767225600,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 31, "completion_tokens": 12, "total_tokens": 43},
    }
    missing = ANSWER_BYTES - len(_dense(answer))
    message["content"] = "Thirty days in writing. ".ljust(missing, ".")
    return _dense(answer)


def _event(number: int) -> bytes:
    delta = {"content": f" word{number:02d}"} if number else {"role": "assistant", "content": ""}
    data = {
        "id": "chatcmpl-000000000001",
        "object": "chat.completion.chunk",
        "created": 1767225600,
        "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
    }
    return b"data: " + _dense(data) + b"\n\n"


ANSWER_BYTES = 294
ANSWER = _answer()
STREAM = [_event(number) for number in range(EVENTS)] + [b"data: [DONE]\n\n"]


def body(kind: str, model: str = MODEL) -> bytes:
    """What is asked; a target may know the model by a name of its own."""
    return _dense({**_CHAT, "model": model, **({"stream": True} if kind == "stream" else {})})


def request(
    kind: str,
    *,
    host: str,
    key: str,
    path: str = PATH,
    model: str = MODEL,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A whole request with the header fields that the official Python client sends."""
    return framed(body(kind, model), host=host, key=key, path=path, headers=headers)


def framed(
    content: bytes,
    *,
    host: str,
    key: str,
    path: str = PATH,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Any body under those header fields, and under those that the target needs besides."""
    more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = (
        f"POST {path} HTTP/1.1\r\n"
        f"Host: {host}\r\n"
        "Accept-Encoding: gzip, deflate\r\n"
        "Connection: keep-alive\r\n"
        "Accept: application/json\r\n"
        "Content-Type: application/json\r\n"
        "User-Agent: OpenAI/Python 2.8.1\r\n"
        "X-Stainless-Lang: python\r\n"
        "X-Stainless-Package-Version: 2.8.1\r\n"
        "X-Stainless-OS: Linux\r\n"
        "X-Stainless-Arch: x64\r\n"
        "X-Stainless-Runtime: CPython\r\n"
        "X-Stainless-Runtime-Version: 3.11.7\r\n"
        f"Authorization: Bearer {key}\r\n"
        "X-Stainless-Async: false\r\n"
        "x-stainless-retry-count: 0\r\n"
        "x-stainless-read-timeout: 600\r\n"
        f"{more}"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode("ascii") + content
