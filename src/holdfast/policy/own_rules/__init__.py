"""Review rules that a team or an organisation writes in Cedar.

Promises: each ``forbid`` of the files becomes one rule, which is broken where the policy applies and
undecided where it asks for a fact that nobody has stated. What is misspelt is refused at load, all at
once, with file and line. Nothing here decides about calls.
"""

from holdfast.policy.own_rules.reading import own_rules

__all__ = ["own_rules"]
