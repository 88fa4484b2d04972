"""Principals: who may what, and why; each one's passport, authority and revocations."""

from holdfast.faces.web.principals.routes import add_principals

__all__ = ["add_principals"]
