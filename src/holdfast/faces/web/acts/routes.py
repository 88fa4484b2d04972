"""``POST /acts/...``: forms for browsers without scripts. The API has the same for programs.

A form has ``csrf``, ``reason`` and ``next`` (where to go then), and what the act needs: ``kind`` and
``subject`` to revoke, ``id`` to lift.
"""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from holdfast.faces.acting import Acting
from holdfast.faces.entry import read_form, safe_next
from holdfast.faces.errors import FormError
from holdfast.faces.visitors import Deed, require
from holdfast.identity.revocation import checked_kind

REASON_LENGTH_MAX = 500


def reason_of(form: dict[str, str]) -> str:
    """Why something is done; a form without it is refused."""
    reason = " ".join(form.get("reason", "").split())
    if not 0 < len(reason) <= REASON_LENGTH_MAX:
        raise FormError("a reason is needed", fix=f"write 1 to {REASON_LENGTH_MAX} characters")
    return reason


def add_acts(app: FastAPI, acting: Acting) -> None:
    """The paths that forms of any page post to."""

    async def revoke(request: Request) -> Response:
        by = require(request, Deed.OPERATE)
        form = await read_form(request)
        kind = checked_kind(form.get("kind", ""))
        await acting.revoke(by, kind, form.get("subject", ""), reason=reason_of(form))
        return _back(form)

    async def lift(request: Request) -> Response:
        by = require(request, Deed.OPERATE)
        form = await read_form(request)
        await acting.lift(by, form.get("id", ""), reason=reason_of(form))
        return _back(form)

    async def restart(request: Request) -> Response:
        by = require(request, Deed.OPERATE)
        form = await read_form(request)
        await acting.restart(by, reason=reason_of(form))
        return _back(form)

    for name, endpoint in (("revoke", revoke), ("lift", lift), ("restart", restart)):
        app.add_api_route(
            f"/acts/{name}",
            endpoint,
            methods=["POST"],
            include_in_schema=False,
            response_model=None,
        )


def _back(form: dict[str, str]) -> Response:
    return RedirectResponse(safe_next(form.get("next", "")), 303)
