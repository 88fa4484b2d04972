"""What every port may fail with."""

from holdfast.core import HoldfastError


class WorldError(HoldfastError):
    """The world said no: a disk is full, a file is unreadable, an address is taken."""

    code = "world.failed"


class DamageError(WorldError):
    """What was written is not what is read: the file is damaged, or is not what it should be."""

    code = "world.damaged"
