"""Blast radius: what falls when something falls, and what is reached when something is taken over.

Promises: ``impact`` gives the state of every part for a set of faults, each with the way that the
damage took; ``single_failures`` answers all single faults together; ``boot`` finds what never comes
up from nothing. What had to be assumed is said. All is pure and deterministic.
"""

from holdfast.blueprint.blast.containment import Containing, Plan, Question, contain
from holdfast.blueprint.blast.cuts import CutSets, cut_sets
from holdfast.blueprint.blast.errors import (
    ContainmentError,
    NoSolverError,
    TooLargeError,
    UnknownPartError,
)
from holdfast.blueprint.blast.failure import (
    Hop,
    Impact,
    SingleFailures,
    impact,
    single_failures,
)
from holdfast.blueprint.blast.hanging import How
from holdfast.blueprint.blast.horn import Fact, Rule
from holdfast.blueprint.blast.levels import Bound, Levels, Need, Option, at_least
from holdfast.blueprint.blast.load import tries_along
from holdfast.blueprint.blast.model import Assumptions, Equations, fates_of, flow_name
from holdfast.blueprint.blast.separation import Cells, Joint, cells
from holdfast.blueprint.blast.solver import load_z3
from holdfast.blueprint.blast.starting import Boot, boot
from holdfast.blueprint.blast.states import LOSS, State, worth
from holdfast.blueprint.blast.takeover import Takeover, Threats, compromise, single_takeovers

__all__ = [
    "LOSS",
    "Assumptions",
    "Boot",
    "Bound",
    "Cells",
    "Containing",
    "ContainmentError",
    "CutSets",
    "Equations",
    "Fact",
    "Hop",
    "How",
    "Impact",
    "Joint",
    "Levels",
    "Need",
    "NoSolverError",
    "Option",
    "Plan",
    "Question",
    "Rule",
    "SingleFailures",
    "State",
    "Takeover",
    "Threats",
    "TooLargeError",
    "UnknownPartError",
    "at_least",
    "boot",
    "cells",
    "compromise",
    "contain",
    "cut_sets",
    "fates_of",
    "flow_name",
    "impact",
    "load_z3",
    "single_failures",
    "single_takeovers",
    "tries_along",
    "worth",
]
