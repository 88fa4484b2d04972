"""What people and programs see: ``api`` (control API) and ``web`` (console), one port, no authority.

Faces know the system only through a ``SystemView``; the composition root provides it. Apart from
both stands ``WitnessService``: a log's witness over HTTP, a process of its own.
"""

from holdfast.faces.documents import IssuerDocuments
from holdfast.faces.drift import DriftView, TraceIntake
from holdfast.faces.registers import Registers
from holdfast.faces.view import Live, SystemView, WaitingCall, WorkerState
from holdfast.faces.witness import LIMITS as WITNESS_LIMITS
from holdfast.faces.witness import WitnessService

__all__ = [
    "WITNESS_LIMITS",
    "DriftView",
    "IssuerDocuments",
    "Live",
    "Registers",
    "SystemView",
    "TraceIntake",
    "WaitingCall",
    "WitnessService",
    "WorkerState",
]
