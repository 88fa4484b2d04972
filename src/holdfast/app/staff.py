"""Those who work for the keeper, each with one thing to look after."""

import asyncio
from dataclasses import dataclass

from holdfast.app.approvals import ApprovalDesk
from holdfast.app.channel import Message
from holdfast.app.curator import Curator
from holdfast.app.herald import Herald
from holdfast.app.treasury import Exchequer
from holdfast.app.trusting import Warden
from holdfast.app.witnesses import Witnesses


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """``budgets`` keeps what may be spent, ``herald`` tells who may no longer act, ``curator`` keeps
    the approved tools, ``warden`` the issuer's keys, ``approvals`` what waits for a person,
    ``witnesses`` have the log cosigned."""

    budgets: Exchequer
    herald: Herald
    curator: Curator
    warden: Warden
    approvals: ApprovalDesk
    witnesses: Witnesses

    def greeting(self, ticket: int) -> tuple[Message, ...]:
        """All that a worker must know that has heard nothing yet, or has missed something."""
        first = self.warden.greeting()
        return (*first, *self.herald.greeting(ticket), *self.curator.greeting())

    def serve(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Everybody at work, until cancelled."""
        works = (
            self.budgets.serve(),
            self.herald.serve(),
            self.curator.serve(),
            self.warden.serve(),
            self.witnesses.serve(),
        )
        return [group.create_task(work) for work in works]
