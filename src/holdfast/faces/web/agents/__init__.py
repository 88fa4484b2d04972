"""Agents: what each did, session by session; loops, stuck ones, authority used and held."""

from holdfast.faces.web.agents.routes import add_agents

__all__ = ["add_agents"]
