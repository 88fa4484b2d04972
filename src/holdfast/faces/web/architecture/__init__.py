"""Architecture: what reviews, drift and blast radius say of the blueprint in force."""

from holdfast.faces.web.architecture.routes import add_architecture

__all__ = ["add_architecture"]
