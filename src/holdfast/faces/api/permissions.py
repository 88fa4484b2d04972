"""The control API's paths about who may do what. They block on the policies, so each runs in a thread."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query

from holdfast.core import NodeId
from holdfast.faces.permissions import PermissionSeen, PermissionsView, known_kind, pairs_of
from holdfast.faces.replies import ErrorReply
from holdfast.faces.view import SystemView
from holdfast.policy import Explained

PAIRS_MAX = 200
NAME_LENGTH_MAX = 100

Name = Annotated[str, Query(max_length=NAME_LENGTH_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionReply:
    """One action of a caller on a callee. ``answers`` are by how a caller comes: ``allowed``,
    ``refused``, or the code of the demand that is not met; ``policies`` determined it for the kind
    that comes furthest, ``others`` may decide otherwise on other facts of a call."""

    caller: str
    callee: str
    relationship: str
    action: str
    answers: dict[str, str]
    policies: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionsReply:
    """Permissions of some declared pairs; ``pairs`` is how many fit in all. Every pair that the
    blueprint does not declare is refused."""

    pairs: int
    permissions: tuple[PermissionReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReply:
    """One policy and its place; ``conditions`` are told where it nearly applied."""

    policy: str
    effect: str
    mode: str
    place: str
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyReply:
    """What policy would answer, and the policies behind it."""

    allowed: bool
    reason: str
    bundle: str
    obligations: tuple[str, ...]
    determining: tuple[PolicyReply, ...]
    overruled: tuple[PolicyReply, ...]
    near: tuple[PolicyReply, ...]


def permissions_router(view: SystemView, permissions: PermissionsView) -> APIRouter:
    """``/api/permissions`` and ``/api/permissions/why``."""
    router = APIRouter(tags=["identity"])
    fails: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorReply} for status in (404, 421, 422, 500)
    }

    def matrix(
        caller: Name = "",
        callee: Name = "",
        first: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=PAIRS_MAX)] = 50,
    ) -> PermissionsReply:
        """Who may ask whom for what. ``caller`` and ``callee`` are parts of names."""
        pairs = pairs_of(view.blueprint(), caller=caller, callee=callee)
        found = permissions.permissions(pairs[first : first + limit])
        kinds = permissions.kinds
        return PermissionsReply(
            pairs=len(pairs), permissions=tuple(_permission(each, kinds) for each in found)
        )

    def why(caller: Name, action: Name, callee: Name, kind: Name = "") -> WhyReply:
        """Why a question would be answered as it would, facts of a call at their defaults."""
        kind = known_kind(permissions, kind)
        found = permissions.why(NodeId(caller), action, NodeId(callee), kind=kind)
        decision = found.decision
        return WhyReply(
            allowed=decision.allowed,
            reason=decision.reason,
            bundle=decision.bundle,
            obligations=tuple(str(each) for each in decision.obligations),
            determining=tuple(_policy(each) for each in found.determining),
            overruled=tuple(_policy(each) for each in found.overruled),
            near=tuple(_policy(each) for each in found.near),
        )

    router.add_api_route(
        "/api/permissions", matrix, summary="Who may ask whom for what", responses=fails
    )
    router.add_api_route("/api/permissions/why", why, summary="Why", responses=fails)
    return router


def _permission(found: PermissionSeen, kinds: tuple[str, ...]) -> PermissionReply:
    return PermissionReply(
        caller=found.caller,
        callee=found.callee,
        relationship=found.relationship,
        action=found.action,
        answers=dict(zip(kinds, found.answers, strict=True)),
        policies=found.policies,
        others=found.others,
    )


def _policy(each: Explained) -> PolicyReply:
    return PolicyReply(
        policy=each.policy,
        effect=each.effect,
        mode=each.mode,
        place=each.place,
        conditions=tuple(f"{part.held}: {part.text}" for part in each.conditions),
    )
