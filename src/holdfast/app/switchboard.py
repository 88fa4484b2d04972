"""What workers say, and to whom it goes."""

from holdfast.app.channel import (
    ApprovalAsked,
    ApprovalWithdrawn,
    CheckpointNews,
    Message,
    Report,
    ToolsSeen,
)
from holdfast.app.handles import WorkerHandle
from holdfast.app.monitor import Monitor
from holdfast.app.staff import Staff
from holdfast.audit import Log, field_value
from holdfast.resilience import LeaseToKeeper


class Switchboard:
    """``staff`` and ``monitor`` take their places before the first worker starts."""

    staff: Staff
    monitor: Monitor

    def __init__(self, audit_log: Log) -> None:
        self._log = audit_log

    def greet(self, ticket: int) -> tuple[Message, ...]:
        """All that a worker must know that has heard nothing yet."""
        return (*self.staff.greeting(ticket), CheckpointNews(field_value(self._log.checkpoint)))

    def on_report(self, worker: WorkerHandle, report: Report) -> None:
        self.monitor.take(worker.index, report)

    def on_lease(self, worker: WorkerHandle, message: LeaseToKeeper) -> None:
        self.staff.budgets.hear(worker.index, message, tell=worker.tell)

    def on_tools(self, report: ToolsSeen) -> None:
        self.staff.curator.hear(report)

    def on_approval(self, worker: WorkerHandle, message: ApprovalAsked | ApprovalWithdrawn) -> None:
        self.staff.approvals.hear(worker.index, message, tell=worker.tell)
        self.monitor.note()

    def on_gone(self, worker: int) -> None:
        self.monitor.forget(worker)
        self.staff.budgets.gone(worker)
        self.staff.approvals.gone(worker)
