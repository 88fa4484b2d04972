"""Everything that faces look through, beside the running system itself."""

from dataclasses import dataclass

from holdfast.faces.acting import Acting
from holdfast.faces.architecture import ArchitectureView
from holdfast.faces.custody import Custody
from holdfast.faces.documents import IssuerDocuments
from holdfast.faces.drift import DriftView, TraceIntake
from holdfast.faces.entry import Entrance
from holdfast.faces.objectives import ObjectivesView
from holdfast.faces.permissions import PermissionsView
from holdfast.faces.registers import Registers
from holdfast.history import History
from holdfast.telemetry.tally import Tallies


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """A window that is None is not there, and neither are the paths and pages that need it.

    ``history`` is the past, ``registers`` who may act, ``documents`` what others verify our tokens
    with, ``drift`` what was seen against what is declared; with ``traces`` those are taken in;
    ``tallies`` count calls since the start, ``objectives`` are what calls are held to and
    what is unlike itself, ``custody`` tells who signs and watches the log, ``architecture`` what
    analyses say of the blueprint.
    ``acting`` is what people may do, and ``entrance`` who may come in: without it everything can be
    read by everybody and nothing done.
    """

    history: History | None = None
    registers: Registers | None = None
    documents: IssuerDocuments | None = None
    drift: DriftView | None = None
    traces: TraceIntake | None = None
    acting: Acting | None = None
    entrance: Entrance | None = None
    tallies: Tallies | None = None
    objectives: ObjectivesView | None = None
    custody: Custody | None = None
    permissions: PermissionsView | None = None
    architecture: ArchitectureView | None = None


NO_WINDOWS = Windows()
