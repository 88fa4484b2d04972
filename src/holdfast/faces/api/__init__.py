"""The control API: what the console shows, as JSON, read only, with an OpenAPI description."""

from holdfast.faces.api.documents import documents_router
from holdfast.faces.api.drift import drift_router
from holdfast.faces.api.registers import registers_router
from holdfast.faces.api.routes import api_router

__all__ = ["api_router", "documents_router", "drift_router", "registers_router"]
