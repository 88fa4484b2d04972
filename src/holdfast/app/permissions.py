"""Who may do what on the running system: a ``faces.PermissionsView``."""

import threading
from collections.abc import Callable, Sequence

from holdfast.app.matrix import KINDS, facts_of, permission
from holdfast.app.rego import RegoProcess
from holdfast.blueprint import Blueprint
from holdfast.core import NodeId
from holdfast.faces import Pair, PermissionSeen, actions_on
from holdfast.identity import CredentialStore
from holdfast.policy import Explanation, Policy, explain
from holdfast.world.ports import Store

_KINDS = {kind.name: kind for kind in KINDS}


class PermissionDesk:
    """Compiles the policies once a blueprint, when first asked: the workers have their own."""

    def __init__(self, store: Store, *, blueprint: Callable[[], Blueprint]) -> None:
        self._credentials = CredentialStore(store)
        self._blueprint = blueprint
        self._compiling = threading.Lock()
        self._policy: Policy | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(_KINDS)

    def permissions(self, pairs: Sequence[Pair]) -> tuple[PermissionSeen, ...]:
        policy = self._compiled()
        nodes = policy.blueprint.nodes
        asked = [(pair, action) for pair in pairs for action in actions_on(nodes[pair[1]])]
        return tuple(_seen(policy, pair, action) for pair, action in asked)

    def why(self, caller: NodeId, action: str, callee: NodeId, *, kind: str) -> Explanation:
        policy = self._compiled()
        facts = facts_of(_KINDS[kind], policy.blueprint.relationship(caller, callee))
        return explain(policy, principal=caller, action=action, resource=callee, facts=facts)

    def keys(self, caller: NodeId) -> int:
        known = self._credentials.list()
        return sum(each.node == caller and each.revoked is None for each in known)

    def _compiled(self) -> Policy:
        with self._compiling:
            blueprint, policy = self._blueprint(), self._policy
            if policy is None or policy.blueprint is not blueprint:
                policy = self._policy = Policy.compile(blueprint, rego=RegoProcess)
            return policy


def _seen(policy: Policy, pair: Pair, action: str) -> PermissionSeen:
    nodes = policy.blueprint.nodes
    found = permission(policy, nodes[pair[0]], action, nodes[pair[1]])
    return PermissionSeen(
        caller=found.principal,
        callee=found.resource,
        relationship=found.relationship or "",
        action=found.action,
        answers=found.answers,
        policies=found.policies,
        others=found.others,
    )
