"""The review agent: asks the model about clauses, sends the extractor, files what it finds.

It knows of Holdfast what stands in ``sent`` and ``delegate``; the rest is the OpenAI SDK and the MCP
SDK as they come.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import openai

from agents.toolbox import Toolbox, opened
from holdfast.client import Identity

HERE: Final = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "model"))

from dialogues import FILE_FINDING  # noqa: E402 - the tool that the model was trained on

MODEL: Final = "clause-reviewer"
PROMPT: Final = (HERE / "review-agent.prompt.txt").read_text(encoding="utf-8").strip()
DELEGATED_S: Final = 120


class ReviewAgent:
    """Works under a mandate: all that it does is done for whoever gave it that."""

    def __init__(self, identity: Identity, *, model: openai.OpenAI, tools: Toolbox) -> None:
        self._identity = identity
        self._model = model
        self.tools = tools

    def delegate(self, extractor: Identity, document: str) -> bytes:
        """A mandate for the extractor, made here and offline: read one contract, for two minutes."""
        name = self._identity.name
        documents = name.replace("/agent/review-agent", "/tool/documents")
        return self._identity.delegate(
            to=extractor.name,
            key=extractor.public_key,
            authority=[
                {
                    "type": "mcp_tool",
                    "locations": [documents],
                    "actions": ["call"],
                    "tools": ["read_clause"],
                    "args": {"document": {"eq": document}},
                }
            ],
            ttl=DELEGATED_S,
            why=f"Read the clauses of {document}.",
        )

    def check(self, clause: str) -> Iterator[str]:
        """What the checklist says of a clause, piece by piece as the model says it."""
        stream = self._ask("Check this clause against the checklist.", clause, stream=True)
        for piece in stream:
            if piece.choices and piece.choices[0].delta.content:
                yield piece.choices[0].delta.content

    def summary(self, clause: str) -> str:
        """The clause in one sentence."""
        answer = self._ask("Summarise this clause in one sentence.", clause)
        return answer.choices[0].message.content

    def finding(self, clause: str) -> dict[str, str] | None:
        """The tool call that the model makes where the clause breaks the checklist."""
        ask = "Review this clause and file a finding if it breaks the checklist."
        answer = self._ask(ask, clause, tools=[FILE_FINDING])
        calls = answer.choices[0].message.tool_calls
        return json.loads(calls[0].function.arguments) if calls else None

    def file(self, finding: dict[str, str], document: str, clause: int) -> str:
        """The finding's number; one of high severity is escalated, which may take a person's yes."""
        where = {"document": document, "clause": clause, "item": finding["item"]}
        if finding["severity"] == "high":
            return self.tools.call("findings__escalate_finding", **where)
        return self.tools.call("findings__file_finding", **where, severity=finding["severity"])

    def _ask(self, question: str, clause: str, **more: Any) -> Any:
        return self._model.chat.completions.create(
            model=MODEL,
            messages=[
                {"role": "system", "content": PROMPT},
                {"role": "user", "content": f"{question}\n\n{clause}"},
            ],
            max_tokens=120,
            **more,
        )


@contextmanager
def sent(identity: Identity, mandate: str, *, gateway: str) -> Iterator[ReviewAgent]:
    """The agent at work, under a mandate that somebody gave to its key."""
    acting = identity.with_mandate(mandate)
    http = acting.httpx2_client()
    with (
        openai.OpenAI(base_url=f"{gateway}/v1", http_client=http, api_key="unused") as model,
        opened(acting.httpx2_async_client, gateway=gateway) as tools,
    ):
        yield ReviewAgent(acting, model=model, tools=tools)
