"""The calls: a list to search and to follow, each call with its proof, each trace in time."""

from holdfast.faces.web.calls.routes import add_calls
from holdfast.faces.web.calls.rows import CallRow, Pip, pip_of, row_of, where_of

__all__ = ["CallRow", "Pip", "add_calls", "pip_of", "row_of", "where_of"]
