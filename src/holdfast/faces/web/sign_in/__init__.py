"""Signing in and out: the one page that everybody may see."""

from holdfast.faces.web.sign_in.routes import add_sign_in

__all__ = ["add_sign_in"]
