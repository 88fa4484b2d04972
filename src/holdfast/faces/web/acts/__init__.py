"""What forms of any page do: revoke, lift, restart. The page names where to go back to."""

from holdfast.faces.web.acts.routes import add_acts

__all__ = ["add_acts"]
