"""The state of the network, or of the way to one address."""

from dataclasses import dataclass, replace

from holdfast.world.sim.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFaults:
    """The state of the network, or of the way to one address. Shares are probabilities; times are
    seconds of virtual time."""

    latency_s: tuple[float, float] = (0.0001, 0.002)
    refused_share: float = 0.0
    """Of connection attempts."""
    cut_share: float = 0.0
    """Of writes, after which the connection is reset."""
    split_share: float = 0.3
    """Of writes, that arrive in several pieces."""
    half_close_share: float = 0.0
    """Of writes, after which the writer's direction ends."""
    truncated_share: float = 0.0
    """Of writes, that lose their end; the connection closes as if in order."""
    corrupted_share: float = 0.0
    """Of the listener's writes, in which a bit is flipped."""
    late: tuple[float, float] = (0.0, 0.0)
    """The share of messages that take up to so many seconds more."""
    bytes_per_s: float = 0.0
    """The width of the way; 0 is as wide as can be."""
    is_mute: bool = False
    """What the listener sends is held."""
    is_black: bool = False
    """What anybody sends is held, and nobody connects."""

    def with_fault(self, fault: Fault) -> "NetworkFaults":
        """The state while ``fault`` lasts."""
        share, amount = fault.share, fault.amount
        low, high = self.latency_s
        match fault.kind:
            case "delay":
                return replace(self, latency_s=(low, high + amount))
            case "reorder":
                return replace(self, late=(share, amount))
            case "cut":
                return replace(self, cut_share=share)
            case "half-close":
                return replace(self, half_close_share=share)
            case "truncate":
                return replace(self, truncated_share=share)
            case "corrupt":
                return replace(self, corrupted_share=share)
            case "refused":
                return replace(self, refused_share=share)
            case "black-hole":
                return replace(self, is_black=True)
            case "mute":
                return replace(self, is_mute=True)
            case "slow":
                return replace(self, bytes_per_s=amount)
            case "split":
                return replace(self, split_share=share)
            case _:
                raise ValueError(f"the network has no fault {fault.kind!r}")

    @property
    def is_rough(self) -> bool:
        """Whether a write may come to any harm."""
        return bool(
            self.cut_share or self.half_close_share or self.truncated_share or self.corrupted_share
        )
