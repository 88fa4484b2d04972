"""Send: hand the message to the upstream, and its answer to a delivery, as it arrives."""

from holdfast.gateway.call import Routed
from holdfast.gateway.delivery import Delivery
from holdfast.gateway.journeys import Journey
from holdfast.gateway.stages.write import Write
from holdfast.wire import Exchange


class Send:
    """Only a ``Routed`` can be sent, and only ``route`` makes one."""

    __slots__ = ("_write",)

    def __init__(self, write: Write) -> None:
        self._write = write

    def __call__(self, routed: Routed, *, journey: Journey, exchange: Exchange) -> None:
        Delivery(routed, write=self._write, journey=journey, exchange=exchange).begin()
