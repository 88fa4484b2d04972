"""The log: its checkpoints, who vouches for them, what it grew by, and each of its entries."""

from holdfast.faces.web.log.routes import add_log

__all__ = ["add_log"]
