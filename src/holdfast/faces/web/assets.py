"""Styles, scripts and pictures of this package."""

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send


class _Static(StaticFiles):
    """Files of this package; browsers ask every time whether they changed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def revalidated(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"cache-control", b"no-cache")]
            await send(message)

        await super().__call__(scope, receive, revalidated)


def add_assets(app: FastAPI) -> None:
    """``/static``."""
    app.mount("/static", _Static(packages=[("holdfast.faces.web", "static")]), name="static")
