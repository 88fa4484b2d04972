"""Approvals: calls that wait for a person, and the person's word."""

from holdfast.faces.web.approvals.routes import add_approvals

__all__ = ["add_approvals"]
