"""Send: hand the call to its tries, and the first answer that counts to its caller."""

from holdfast.gateway.call import Routed
from holdfast.gateway.journeys import Journey
from holdfast.gateway.means import Means
from holdfast.gateway.sending import Sending
from holdfast.wire import Exchange


class Send:
    """Only a ``Routed`` can be sent, and only ``route`` makes one."""

    __slots__ = ("_means",)

    def __init__(self, means: Means) -> None:
        self._means = means

    def __call__(self, routed: Routed, *, journey: Journey, exchange: Exchange) -> None:
        Sending(routed, means=self._means, journey=journey, exchange=exchange).begin()
