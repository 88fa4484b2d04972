"""What people and programs see: ``api`` (control API) and ``web`` (console), one port, no authority of
their own. ``entry`` says who may come in.

Faces know the system only through a ``SystemView``; the composition root provides it. Apart from
both stands ``WitnessService``: a log's witness over HTTP, a process of its own.
"""

from holdfast.faces.acting import Acting, Done
from holdfast.faces.architecture import ArchitectureView, Proven, Reviewed
from holdfast.faces.custody import Custody, WitnessSeen
from holdfast.faces.documents import IssuerDocuments
from holdfast.faces.drift import DriftView, TraceIntake
from holdfast.faces.errors import (
    ActFailedError,
    ActRefusedError,
    ActUnknownError,
)
from holdfast.faces.objectives import ObjectivesView
from holdfast.faces.permissions import Pair, PermissionSeen, PermissionsView, actions_on
from holdfast.faces.registers import Registers
from holdfast.faces.view import Live, SystemView, WaitingCall, WorkerState
from holdfast.faces.visitors import Deed, Visitor
from holdfast.faces.windows import Windows
from holdfast.faces.witness import LIMITS as WITNESS_LIMITS
from holdfast.faces.witness import WitnessService

__all__ = [
    "WITNESS_LIMITS",
    "ActFailedError",
    "ActRefusedError",
    "ActUnknownError",
    "Acting",
    "ArchitectureView",
    "Custody",
    "Deed",
    "Done",
    "DriftView",
    "IssuerDocuments",
    "Live",
    "ObjectivesView",
    "Pair",
    "PermissionSeen",
    "PermissionsView",
    "Proven",
    "Registers",
    "Reviewed",
    "SystemView",
    "TraceIntake",
    "Visitor",
    "WaitingCall",
    "Windows",
    "WitnessSeen",
    "WitnessService",
    "WorkerState",
    "actions_on",
]
