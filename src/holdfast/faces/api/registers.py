"""The control API's paths about who may act. They block on the database, so each runs in a thread."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from holdfast.core import Instant, rfc3339
from holdfast.faces.registers import Registers
from holdfast.faces.replies import ErrorReply
from holdfast.faces.view import SystemView, WorkerState
from holdfast.identity.passports import Passport, Status
from holdfast.identity.revocation import MEDIA_TYPE, Freshness, Kind, Revocation


@dataclass(frozen=True, slots=True, kw_only=True)
class PassportReply:
    """An agent's passport in its newest version. ``build`` is the digest of what it is made of,
    ``place`` its index in the status list."""

    sub: str
    status: Status
    risk_tier: int
    build: str
    controller: str
    owner: str
    place: int
    seq: int
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PassportsReply:
    """All passports, by name."""

    passports: tuple[PassportReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationReply:
    """One revocation in force; ``id`` also finds its record in the log."""

    id: str
    kind: Kind
    subject: str
    reason: str
    by: str
    at: str
    ends: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationsOfWorkerReply:
    """What one worker knows: up to which change of the feed, how many things that revokes, and
    whether it has heard lately. A ``stale`` one lets nothing out that changes the world, a ``dead``
    one nothing that stands on a mandate."""

    worker: int
    revocations: int
    revoked: int
    freshness: Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationsReply:
    """What is revoked now, newest first, and what each worker knows of it."""

    revocations: tuple[RevocationReply, ...]
    workers: tuple[RevocationsOfWorkerReply, ...]


def registers_router(view: SystemView, registers: Registers) -> APIRouter:
    """Every path about passports and revocations."""
    router = APIRouter(tags=["identity"])
    fails: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorReply} for status in (421, 500)
    }

    def passports() -> PassportsReply:
        """Who answers for each agent, what it is made of, and its state."""
        return PassportsReply(passports=tuple(_passport(each) for each in registers.passports()))

    def revocations() -> RevocationsReply:
        """What is no longer accepted, and how far each worker knows."""
        return RevocationsReply(
            revocations=tuple(_revocation(each) for each in registers.revocations()),
            workers=tuple(_worker(each) for each in view.live().workers),
        )

    def status_list() -> Response:
        """A Token Status List (JWT) of all passports: 0 valid, 1 invalid, 2 suspended."""
        return Response(registers.status_list(), media_type=MEDIA_TYPE)

    router.add_api_route("/api/passports", passports, summary="Passports", responses=fails)
    router.add_api_route("/api/revocations", revocations, summary="Revocations", responses=fails)
    router.add_api_route(
        "/api/status-list",
        status_list,
        summary="The status of every passport, signed",
        response_class=Response,
        responses={
            200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
            **fails,
        },
    )
    return router


def _passport(passport: Passport) -> PassportReply:
    return PassportReply(
        sub=passport.sub,
        status=passport.status,
        risk_tier=passport.risk_tier,
        build=passport.build,
        controller=passport.controller.org,
        owner=passport.owner,
        place=passport.place,
        seq=passport.seq,
        at=rfc3339(Instant(passport.at)),
    )


def _revocation(of: Revocation) -> RevocationReply:
    return RevocationReply(
        id=of.id,
        kind=of.kind,
        subject=of.name,
        reason=of.reason,
        by=of.by,
        at=rfc3339(of.at),
        ends=None if of.ends is None else rfc3339(of.ends),
    )


def _worker(worker: WorkerState) -> RevocationsOfWorkerReply:
    return RevocationsOfWorkerReply(
        worker=worker.worker,
        revocations=worker.revocations,
        revoked=worker.revoked,
        freshness=worker.freshness,
    )
