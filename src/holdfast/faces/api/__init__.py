"""The control API: what the console shows and does, as JSON, with an OpenAPI description."""

from holdfast.faces.api.acts import acts_router
from holdfast.faces.api.architecture import architecture_router
from holdfast.faces.api.console import console_router
from holdfast.faces.api.documents import documents_router
from holdfast.faces.api.drift import drift_router
from holdfast.faces.api.history import history_router
from holdfast.faces.api.objectives import objectives_router
from holdfast.faces.api.permissions import permissions_router
from holdfast.faces.api.registers import registers_router
from holdfast.faces.api.routes import api_router
from holdfast.faces.api.scraping import metrics_router

__all__ = [
    "acts_router",
    "api_router",
    "architecture_router",
    "console_router",
    "documents_router",
    "drift_router",
    "history_router",
    "metrics_router",
    "objectives_router",
    "permissions_router",
    "registers_router",
]
