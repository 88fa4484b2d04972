"""The sub-agent: reads clauses of the one contract that its mandate names."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from agents.toolbox import Toolbox, opened
from holdfast.client import Identity


class ClauseExtractor:
    """An agent with a key of its own. What it may do comes with each mandate that it is handed."""

    def __init__(self, identity: Identity, *, gateway: str) -> None:
        self.identity = identity
        self._gateway = gateway

    def sent_with(self, mandate: bytes) -> AbstractContextManager[Toolbox]:
        """Its tools, as far as this mandate reaches."""
        acting = self.identity.with_mandate(mandate)
        return opened(acting.httpx2_async_client, gateway=self._gateway)

    def extract(self, tools: Toolbox, document: str, clauses: Sequence[int]) -> dict[int, str]:
        """The text of clauses, by their numbers."""
        return {
            clause: tools.call("documents__read_clause", document=document, clause=clause)
            for clause in clauses
        }
