"""``/approvals``: the calls that wait, one call, the decision, what was decided before."""

from collections.abc import Iterator

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from holdfast.core import HoldfastError
from holdfast.faces.acting import Acting
from holdfast.faces.entry import read_form
from holdfast.faces.errors import ActUnknownError, FormError, NotThereError
from holdfast.faces.past import Past
from holdfast.faces.view import Live
from holdfast.faces.visitors import Deed, require, visitor_of
from holdfast.faces.web.acts.routes import reason_of
from holdfast.faces.web.approvals.views import (
    HELD_MAX,
    Decided,
    HeldView,
    decided_rows,
    held_view,
)
from holdfast.faces.web.shell import APPROVALS, Fragments, Shell
from holdfast.gateway import Question

DECIDED_MAX = 30
DECIDED_DAYS = 30
CALL_LENGTH_MAX = 64

_DAY = 86_400 * 1_000_000
_SAID = {
    "yes": "Approved: the call goes on.",
    "waits": "Your yes is recorded; the call still waits for another group.",
    "no": "Denied: the call is refused.",
}


class ApprovalsPage:
    """Renders the page and its list; takes decisions."""

    def __init__(self, shell: Shell, *, acting: Acting | None, past: Past | None) -> None:
        self._shell = shell
        self._acting = acting
        self._past = past

    async def page(self, request: Request) -> Response:
        may = self._may(request)
        return self._shell.page(
            request,
            APPROVALS,
            "approvals/page.html",
            part=self._held(self._shell.view.live(), may_decide=may),
            said=_SAID.get(request.query_params.get("done", "")),
            decided=await self._decided(),
        )

    async def changes(self, request: Request) -> Response:
        """What would be sent is part of the stream of those only who decide."""
        may = self._may(request)

        async def draw(live: Live) -> Fragments:
            return [("held", self._list(live, may_decide=may))]

        return self._shell.stream(("approvals", may), draw)

    async def fragment(self, request: Request) -> Response:
        live = self._shell.view.live()
        return HTMLResponse(self._list(live, may_decide=self._may(request)))

    async def decide(self, request: Request) -> Response:
        """The button of a row says which call and what; the page's one form gives the reason."""
        by = require(request, Deed.APPROVE)
        form = await read_form(request)
        yes, no = form.get("yes"), form.get("no")
        call = (yes or no or "")[:CALL_LENGTH_MAX]
        if self._acting is None or not call or (yes is not None and no is not None):
            raise FormError("the form names no call", fix="use the buttons of the page")
        is_yes = yes is not None
        done = await self._acting.decide(by, call, is_yes=is_yes, reason=reason_of(form))
        waits = is_yes and any(each.call == call for each in self._shell.view.live().approvals)
        word = "waits" if waits else "yes" if is_yes else "no"
        assert done.change is not None
        return RedirectResponse(f"/approvals?done={word}", 303)

    def _may(self, request: Request) -> bool:
        return self._acting is not None and visitor_of(request).may(Deed.APPROVE)

    def _list(self, live: Live, *, may_decide: bool) -> str:
        part = self._held(live, may_decide=may_decide)
        return self._shell.fragment("approvals/fragments/held.html", part=part)

    def _held(self, live: Live, *, may_decide: bool) -> HeldView:
        questions = dict(self._questions(live)) if may_decide else {}
        may_act = self._acting is not None
        return held_view(live, questions, may_decide=may_decide, may_act=may_act)

    def _questions(self, live: Live) -> Iterator[tuple[str, Question]]:
        assert self._acting is not None
        for each in live.approvals[:HELD_MAX]:
            try:
                yield each.call, self._acting.question(each.call)
            except ActUnknownError:
                continue  # decided since

    async def _decided(self) -> tuple[Decided, ...] | None:
        """None where no history is kept, or it cannot be read now: the rest is worth seeing."""
        if self._past is None:
            return None
        until = self._shell.view.live().at
        since = until - DECIDED_DAYS * _DAY
        try:
            found = await self._past.ask(
                lambda history: history.moments(
                    since, until + _DAY, kind="approval", limit=DECIDED_MAX
                )
            )
        except HoldfastError:
            return None
        return decided_rows(found)


def add_approvals(app: FastAPI, shell: Shell, *, acting: Acting | None, past: Past | None) -> None:
    """``/approvals`` and what belongs to it."""
    made = ApprovalsPage(shell, acting=acting, past=past)

    async def fragment(request: Request, name: str) -> Response:
        if name != "held":
            raise NotThereError(f"there is no part '{name[:40]}'", fix="the parts are: held")
        return await made.fragment(request)

    for path, endpoint, method in (
        ("/approvals", made.page, "GET"),
        ("/approvals/changes", made.changes, "GET"),
        ("/approvals/fragments/{name}", fragment, "GET"),
        ("/approvals/decide", made.decide, "POST"),
    ):
        app.add_api_route(
            path, endpoint, methods=[method], include_in_schema=False, response_model=None
        )
