"""The control API: what the console shows, as JSON, read only, with an OpenAPI description."""

from holdfast.faces.api.routes import api_router

__all__ = ["api_router"]
