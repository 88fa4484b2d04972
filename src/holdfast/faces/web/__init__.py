"""The console: a frame with one folder a page, and a live stream of each page's parts."""

from fastapi import FastAPI

from holdfast.faces.evidence import Evidence
from holdfast.faces.past import Past
from holdfast.faces.streams import Streams
from holdfast.faces.view import SystemView
from holdfast.faces.web.acts import add_acts
from holdfast.faces.web.agents import add_agents
from holdfast.faces.web.approvals import add_approvals
from holdfast.faces.web.architecture import add_architecture
from holdfast.faces.web.assets import add_assets
from holdfast.faces.web.calls import add_calls
from holdfast.faces.web.log import add_log
from holdfast.faces.web.now import add_now
from holdfast.faces.web.principals import add_principals
from holdfast.faces.web.reviews import Reviews
from holdfast.faces.web.shell import Hints, Shell
from holdfast.faces.web.sign_in import add_sign_in
from holdfast.faces.windows import Windows

__all__ = ["Hints", "add_console"]


def add_console(
    app: FastAPI,
    view: SystemView,
    *,
    evidence: Evidence,
    streams: Streams,
    hints: Hints,
    past: Past | None,
    windows: Windows,
) -> Shell:
    """Add the console to an application; its paths are for people and stay out of OpenAPI."""
    shell = Shell(view, streams=streams, hints=hints)
    add_calls(app, shell, evidence=evidence, past=past)
    add_log(app, shell, evidence=evidence, past=past, custody=windows.custody)
    reviews = Reviews(view, windows.architecture)
    add_now(
        app,
        shell,
        evidence=evidence,
        past=past,
        reviews=reviews,
        objectives=windows.objectives,
    )
    add_architecture(
        app, shell, architecture=windows.architecture, drift=windows.drift, reviews=reviews
    )
    if past is not None:
        add_agents(app, shell, past=past, registers=windows.registers)
    if windows.permissions is not None:
        add_principals(
            app,
            shell,
            permissions=windows.permissions,
            registers=windows.registers,
            past=past,
        )
    add_approvals(app, shell, acting=windows.acting, past=past)
    if windows.acting is not None:
        add_acts(app, windows.acting)
    if windows.entrance is not None:
        add_sign_in(app, shell, windows.entrance)
    add_assets(app)
    return shell
