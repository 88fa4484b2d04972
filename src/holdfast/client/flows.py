"""One request with its credentials, through ``httpx`` or ``httpx2``, from a thread or a task.

Both libraries ask an ``Auth`` for requests and give it the answers; what they share is here.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, MutableMapping
from contextlib import closing
from typing import Protocol, TypeVar, cast

from holdfast.client.origins import CREDENTIAL_FIELDS, Leaving, check_leaving, is_at
from holdfast.client.talking import REPLACED_FIELDS, Asked, Reply, Step, Talk, Talking

ANSWER_S = 600.0
"""For an answer, where the developer says nothing: models take their time."""
CONNECT_S = 5.0


class _Url(Protocol):
    @property
    def scheme(self) -> str: ...
    @property
    def netloc(self) -> bytes: ...
    @property
    def raw_path(self) -> bytes: ...


class _Head(Protocol):
    @property
    def method(self) -> str: ...
    @property
    def url(self) -> _Url: ...
    @property
    def headers(self) -> MutableMapping[str, str]: ...
    @property
    def extensions(self) -> MutableMapping[str, object]: ...


class _Sent(_Head, Protocol):
    def read(self) -> bytes: ...
    async def aread(self) -> bytes: ...


class _Got(Protocol):
    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    def read(self) -> bytes: ...
    async def aread(self) -> bytes: ...


_R = TypeVar("_R", bound=_Sent)
_A = TypeVar("_A", bound=_Got)
_Trace = Callable[[str, Mapping[str, Leaving]], None]
_AsyncTrace = Callable[[str, Mapping[str, Leaving]], Awaitable[None]]


class Signer:
    """The credentials of one identity for one gateway. ``renew`` brings them up to date; it may take
    a while, so that a task has it done aside."""

    __slots__ = ("_is_due", "_renew", "_talking")

    def __init__(
        self, talking: Talking, *, is_due: Callable[[], bool], renew: Callable[[], object]
    ) -> None:
        self._talking = talking
        self._is_due = is_due
        self._renew = renew

    @property
    def origin(self) -> str:
        return self._talking.origin

    def is_ours(self, request: _Head) -> bool:
        """Whether a request goes to the gateway."""
        return is_at(self.origin, request.url.scheme, request.url.netloc.decode("ascii"))

    def talk(self, request: _Head, body: bytes) -> Talk:
        """The conversation that is this request."""
        asked = Asked(
            method=request.method,
            target=request.url.raw_path.decode("ascii"),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
        )
        return self._talking.talk(asked)

    async def renew_aside(self) -> None:
        """Renews in a thread, where asyncio runs; elsewhere the task does it, and waits."""
        if not self._is_due():
            return
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # another event loop, such as trio's
            self._renew()
        else:
            await asyncio.to_thread(self._renew)

    def __repr__(self) -> str:
        return f"Signer({self.origin})"


def converse(
    signer: Signer, request: _R, post: Callable[[str, Step, _R], _R]
) -> Generator[_R, _A, None]:
    """What ``sync_auth_flow`` is. ``post`` makes a request of ours."""
    if not signer.is_ours(request):
        take_off(request)
        yield request
        return
    _guard(request, signer.origin)
    with closing(signer.talk(request, request.read())) as talk:
        step = next(talk, None)
        while step is not None:
            answer = yield _put_on(step, request) or post(signer.origin, step, request)
            body = answer.read() if _is_read(step, answer) else b""
            step = _next(talk, answer, body)


async def converse_async(
    signer: Signer, request: _R, post: Callable[[str, Step, _R], _R]
) -> AsyncGenerator[_R, _A]:
    """What ``async_auth_flow`` is."""
    if not signer.is_ours(request):
        take_off(request)
        yield request
        return
    _guard_async(request, signer.origin)
    await signer.renew_aside()
    with closing(signer.talk(request, await request.aread())) as talk:
        step = next(talk, None)
        while step is not None:
            answer = yield _put_on(step, request) or post(signer.origin, step, request)
            body = await answer.aread() if _is_read(step, answer) else b""
            step = _next(talk, answer, body)


def take_off(request: _Head) -> None:
    """Takes all credentials of ours off a request that goes elsewhere."""
    for name in CREDENTIAL_FIELDS:
        request.headers.pop(name, None)


def _put_on(step: Step, request: _R) -> _R | None:
    """The developer's request with its credentials; None for a step that is a request of ours."""
    if step.path is not None:
        return None
    for name in REPLACED_FIELDS:
        request.headers.pop(name, None)
    request.headers.update(step.headers)
    return request


def _is_read(step: Step, answer: _Got) -> bool:
    """An answer that streams to the developer is left alone."""
    return step.path is not None or answer.status_code == 401


def _next(talk: Talk, answer: _Got, body: bytes) -> Step | None:
    try:
        return talk.send(Reply(status=answer.status_code, body=body))
    except StopIteration:
        return None


def _guard(request: _Head, origin: str) -> None:
    """Sees every request that leaves, also those that a redirect makes of this one."""
    before = cast("_Trace | None", request.extensions.get("trace"))

    def trace(event: str, leaving: Mapping[str, Leaving]) -> None:
        check_leaving(event, leaving, origin)
        if before is not None:
            before(event, leaving)

    request.extensions["trace"] = trace


def _guard_async(request: _Head, origin: str) -> None:
    before = cast("_AsyncTrace | None", request.extensions.get("trace"))

    async def trace(event: str, leaving: Mapping[str, Leaving]) -> None:
        check_leaving(event, leaving, origin)
        if before is not None:
            await before(event, leaving)

    request.extensions["trace"] = trace
