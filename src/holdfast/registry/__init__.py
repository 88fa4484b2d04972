"""Registry: what may be used as it is now. Tools by the digest of their descriptors.

Promises: nothing is offered to anybody before a person approved it, and nothing that changed since.
"""

__all__: list[str] = []
