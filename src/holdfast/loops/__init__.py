"""Loops that compare what runs with what was declared, and act on the difference.

A loop reads evidence and never carries a call. Each has a folder with a door of its own.
"""
