"""The public test kit: the whole gateway in a simulated world, and checkers of what must hold.

``run_seed(n)`` runs one seed and raises ``CheckError`` when a rule was broken; the same seed gives
the same history. ``make sim SEED=n`` does it from the command line.
"""

from holdfast.testing.caller import Caller, Heard
from holdfast.testing.checkers import CheckError, check_all
from holdfast.testing.simulation import History, run_seed
from holdfast.testing.system import BLUEPRINT, SimSystem
from holdfast.testing.upstream import Script, ScriptedUpstream

__all__ = [
    "BLUEPRINT",
    "Caller",
    "CheckError",
    "Heard",
    "History",
    "Script",
    "ScriptedUpstream",
    "SimSystem",
    "check_all",
    "run_seed",
]
