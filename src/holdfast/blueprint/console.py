"""Who may do what at the console, settled."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from holdfast.blueprint.parts import PolicyFile

ConsoleRole: TypeAlias = Literal["viewer", "operator", "approver", "admin"]
CONSOLE_ROLES: tuple[ConsoleRole, ...] = get_args(ConsoleRole)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleAccess:
    """Which groups of people have which role, and the policies that narrow what roles may."""

    roles: Mapping[ConsoleRole, tuple[str, ...]] = field(
        default_factory=dict[ConsoleRole, tuple[str, ...]]
    )
    policies: tuple[PolicyFile, ...] = ()

    def roles_of(self, groups: Iterable[str]) -> tuple[ConsoleRole, ...]:
        """The roles of somebody in these groups; a group that is not named gives none."""
        mine = frozenset(groups)
        return tuple(
            role for role in CONSOLE_ROLES if not mine.isdisjoint(self.roles.get(role, ()))
        )
