"""The public test kit: the whole gateway in a simulated world, and rules that must hold in it.

``run_seed(n)`` runs what a seed draws (a system, calls, faults) and raises ``CheckError`` when a rule
was broken; the same seed gives the same history, byte for byte. ``make sim SEED=n`` runs a day of it.
``history_of(records)`` is the past as the console asks for it, made of any records.
"""

from holdfast.testing.checkers import RULES
from holdfast.testing.court import CheckError, Court, Evidence, Rule
from holdfast.testing.past import MadeHistory, history_of
from holdfast.testing.plan import KINDS, Plan, draw_day, draw_plan
from holdfast.testing.simulation import History, run_plan, run_seed

__all__ = [
    "KINDS",
    "RULES",
    "CheckError",
    "Court",
    "Evidence",
    "History",
    "MadeHistory",
    "Plan",
    "Rule",
    "draw_day",
    "draw_plan",
    "history_of",
    "run_plan",
    "run_seed",
]
