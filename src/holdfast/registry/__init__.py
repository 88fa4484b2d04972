"""Registry: what may be used as it is now. Tools by the digest of their descriptors.

Promises: nothing is offered to anybody before a person approved it, and nothing that changed since.
Every description that a server shows is kept with what was decided about it, by whom, when and why;
workers get the approved ones as one immutable view (``Pins``). What looks like an attempt to
mislead a model is quarantined with the reasons, and what changed with the difference.
"""

from holdfast.registry.comparing import Difference, differences
from holdfast.registry.descriptors import Descriptor, DescriptorKind
from holdfast.registry.errors import DescriptorError, PinError
from holdfast.registry.pins import Pin, PinBoard, Pins, PinState
from holdfast.registry.store import PinChange, ToolPins
from holdfast.registry.suspicions import Suspicion, suspicions, visible

__all__ = [
    "Descriptor",
    "DescriptorError",
    "DescriptorKind",
    "Difference",
    "Pin",
    "PinBoard",
    "PinChange",
    "PinError",
    "PinState",
    "Pins",
    "Suspicion",
    "ToolPins",
    "differences",
    "suspicions",
    "visible",
]
