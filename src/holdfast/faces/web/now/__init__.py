"""Now: the whole system on one page, live."""

from holdfast.faces.web.now.routes import add_now

__all__ = ["add_now"]
