"""The revisions of the protocol: which we speak, and how they differ in kind."""

from enum import StrEnum


class Revision(StrEnum):
    """A revision that Holdfast speaks, with clients and with servers."""

    V2026_07_28 = "2026-07-28"
    V2025_11_25 = "2025-11-25"

    @property
    def is_stateless(self) -> bool:
        """Every request says its version and capabilities itself; there is no ``initialize``."""
        return self is Revision.V2026_07_28


SUPPORTED = tuple(Revision)
"""Newest first: what ``server/discover`` answers and a version error lists."""

LEGACY_ACCEPTED = ("2025-11-25", "2025-06-18", "2025-03-26")
"""What a server may answer to our ``initialize``; older ones of these differ from 2025-11-25 only
in members that they lack."""

INITIALIZE_REVISIONS = ("2025-06-18", "2025-11-25")
"""What a client may ask for by ``initialize`` and is then spoken with: the answer to 2025-06-18 is
2025-11-25, which such clients accept or leave."""


def revision_of(version: str) -> Revision | None:
    """The revision of a version string that a client sends; None when we do not speak it."""
    try:
        return Revision(version)
    except ValueError:
        return None
