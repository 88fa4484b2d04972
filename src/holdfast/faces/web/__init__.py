"""The console: one page, its fragments, and a stream of those that changed."""

from holdfast.faces.web.routes import add_console
from holdfast.faces.web.views import Hints

__all__ = ["Hints", "add_console"]
