"""Who may do what at the console and the control API, by Cedar.

Promises: what a role may do stands in ``console.cedar``; a blueprint's own policies only forbid, and
what they misspell is refused at load, all at once, with file, line and fix. Whoever has no role may do
nothing; a policy that cannot be evaluated forbids.
"""

from holdfast.policy.console.deciding import Asker, ConsolePolicy
from holdfast.policy.console.vocabulary import CONSOLE_ACTIONS, CONSOLE_ROLES, PROGRAM_ROLES

__all__ = ["CONSOLE_ACTIONS", "CONSOLE_ROLES", "PROGRAM_ROLES", "Asker", "ConsolePolicy"]
