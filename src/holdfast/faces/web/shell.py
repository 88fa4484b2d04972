"""What every page of the console has: the frame around it, its templates, its live stream.

A page is a folder beside this module: ``routes.py`` (one handler a page), ``views.py`` (frozen
dataclasses, pure), templates of the same name, a style sheet of its own. It is added in ``PAGES``'
order by ``__init__.py``.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from holdfast.core import HoldfastError
from holdfast.faces.streams import Streams, event
from holdfast.faces.view import Live, SystemView
from holdfast.faces.visitors import Visitor, visitor_of

Fragments = Sequence[tuple[str, str]]
"""Parts of a page: the id of each one's element, and its HTML."""
Draw = Callable[[Live], Awaitable[Fragments]]

SHARED_MAX = 64
"""Renderings that are kept for all who watch the same page with the same filters."""
DRAWN_US = 1_000_000
"""How long one drawing serves: nobody reads faster, and the keeper has more to do than to draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What the console tells people to type; ``vkey`` is the log's verifier key."""

    version: str
    gateway: str | None
    verify: str
    vkey: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One entry of the navigation. ``path`` is where it begins."""

    path: str
    word: str
    badge: Callable[[Live], int] = lambda _: 0


NOW = Page(path="/", word="Now")
CALLS = Page(path="/calls", word="Calls")
AGENTS = Page(path="/agents", word="Agents")
PRINCIPALS = Page(path="/principals", word="Principals")
APPROVALS = Page(path="/approvals", word="Approvals", badge=lambda live: len(live.approvals))
ARCHITECTURE = Page(path="/architecture", word="Architecture")
LOG = Page(path="/log", word="Log")
PAGES = (NOW, CALLS, AGENTS, PRINCIPALS, APPROVALS, ARCHITECTURE, LOG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A page in the navigation as a visitor sees it now."""

    path: str
    word: str
    is_current: bool
    badge: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around a page."""

    title: str
    system: str
    version: str
    entries: tuple[Entry, ...]
    visitor: Visitor


class Shell:
    """The frame, the templates and the streams of all pages."""

    def __init__(self, view: SystemView, *, streams: Streams, hints: Hints) -> None:
        self.view = view
        self.hints = hints
        self._streams = streams
        self._shared: OrderedDict[object, _Shared] = OrderedDict()
        self._templates = Environment(
            loader=PackageLoader("holdfast.faces.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def page(
        self, request: Request, page: Page, template: str, *, status: int = 200, **context: object
    ) -> Response:
        """A whole page: ``template`` extends ``frame.html``, which has ``frame``."""
        frame = self._frame(request, page)
        made = self._templates.get_template(template)
        return HTMLResponse(made.render(frame=frame, hints=self.hints, **context), status)

    def problem(self, request: Request, error: HoldfastError, *, status: int) -> Response:
        """What a person sees where something could not be shown: what, and how to mend it."""
        return self.page(request, _page_of(request), "problem.html", status=status, error=error)

    def fragment(self, template: str, **context: object) -> str:
        """A part of a page, to be sent alone or within one."""
        return self._templates.get_template(template).render(**context).strip()

    def stream(self, key: object, draw: Draw) -> Response:
        """Server-sent events of the parts that changed. ``key`` says whose rendering may be shared:
        the page and all that its parts depend on beside the system itself. What depends on the
        visitor is no part of a stream."""
        return self._streams.to(_Changed(self._sharing(key, draw)))

    def _sharing(self, key: object, draw: Draw) -> "_Shared":
        found = self._shared.get(key)
        if found is None:
            found = self._shared[key] = _Shared(draw)
            if len(self._shared) > SHARED_MAX:
                self._shared.popitem(last=False)
        self._shared.move_to_end(key)
        return found

    def _frame(self, request: Request, page: Page) -> Frame:
        visitor = visitor_of(request)
        live = self.view.live()
        return Frame(
            title=page.word,
            system=self.view.blueprint().name,
            version=self.hints.version,
            entries=tuple(
                Entry(
                    path=each.path,
                    word=each.word,
                    is_current=each is page,
                    badge=each.badge(live),
                )
                for each in PAGES
            ),
            visitor=visitor,
        )


def _page_of(request: Request) -> Page:
    """The page to which a path belongs."""
    path = request.url.path
    return next((page for page in PAGES[1:] if path.startswith(page.path)), NOW)


class _Drawing:
    """What was drawn of one moment, and the events that tell of it, each made once."""

    def __init__(self, live: Live, parts: Fragments) -> None:
        self.of = live
        self.parts = parts
        self._events: dict[tuple[str, ...], bytes] = {}

    def serves(self, live: Live) -> bool:
        """Whether that moment need not be drawn; after the clock was set back, it must be."""
        return live is self.of or 0 <= live.at - self.of.at < DRAWN_US

    def event(self, names: tuple[str, ...]) -> bytes:
        """The event for watchers to whom just these parts are new."""
        found = self._events.get(names)
        if found is None:
            fresh = [partial(name, html) for name, html in self.parts if name in names]
            found = self._events[names] = event("\n".join(fresh))
        return found


class _Shared:
    """One drawing of a moment for all who watch the same: twenty browsers cost what one does."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._drawing = asyncio.Lock()
        self._newest: _Drawing | None = None

    async def __call__(self, live: Live) -> _Drawing:
        async with self._drawing:
            found = self._newest
            if found is None or not found.serves(live):
                found = self._newest = _Drawing(live, await self._draw(live))
            return found


class _Changed:
    """What one watcher has not seen yet."""

    def __init__(self, shared: _Shared) -> None:
        self._shared = shared
        self._seen: dict[str, str] = {}

    async def __call__(self, live: Live) -> bytes:
        drawing = await self._shared(live)
        fresh = {name: html for name, html in drawing.parts if self._seen.get(name) != html}
        if not fresh:
            return b""
        self._seen.update(fresh)
        return drawing.event(tuple(fresh))


def partial(name: str, html: str, *, swap: str = "outerMorph") -> str:
    """Tells htmx which element of the page this replaces, and to change only what differs."""
    return f'<hx-partial hx-target="#{name}" hx-swap="{swap}">{html}</hx-partial>'
