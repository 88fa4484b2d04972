"""A wall between those who share a system: so many calls inside at once, and no more."""


class Bulkhead:
    """At most ``calls`` inside. Every ``enter`` that said yes is followed by one ``leave``."""

    __slots__ = ("calls", "inside")

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self.inside = 0

    def enter(self) -> bool:
        """Take a place, if there is one."""
        if self.inside >= self.calls:
            return False
        self.inside += 1
        return True

    def leave(self) -> None:
        """Give the place back."""
        assert self.inside > 0, "left a bulkhead that was not entered"
        self.inside -= 1
