"""What people and programs see: ``api`` (control API) and ``web`` (console), one port, no authority.

Faces know the system only through a ``SystemView``; the composition root provides it.
"""

from holdfast.faces.view import Live, SystemView, WorkerState

__all__ = ["Live", "SystemView", "WorkerState"]
