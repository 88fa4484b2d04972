"""Holdfast: a declared AI system, every call identified, allowed, routed, recorded."""

__version__ = "0.1.0"
