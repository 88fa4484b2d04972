"""The console: a frame with one folder a page, and a live stream of each page's parts."""

from fastapi import FastAPI

from holdfast.faces.evidence import Evidence
from holdfast.faces.streams import Streams
from holdfast.faces.view import SystemView
from holdfast.faces.web.assets import add_assets
from holdfast.faces.web.now import add_now
from holdfast.faces.web.shell import Hints, Shell

__all__ = ["Hints", "add_console"]


def add_console(
    app: FastAPI, view: SystemView, *, evidence: Evidence, streams: Streams, hints: Hints
) -> None:
    """Add the console to an application; its paths are for people and stay out of OpenAPI."""
    shell = Shell(view, streams=streams, hints=hints)
    add_now(app, shell, evidence=evidence)
    add_assets(app)
