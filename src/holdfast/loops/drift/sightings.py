"""What was seen, counted: who met whom, who was there, in which order. Never a span, never content.

A party goes by its *identity*: what it says of itself and what others call it by, as claims in the
order in which they are believed, one on a line: ``spiffe=...``, ``service=shop/cart@prod``. Which
node that is, is judged later and may be judged anew: identities are kept, nodes are not.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple, TypeAlias, TypeVar

from holdfast.core import Instant

CLAIM_LENGTH_MAX = 200
"""Characters of one claim that are kept."""
CONTACTS_MAX = 50_000
PRESENCES_MAX = 20_000
ORDERS_MAX = 2_000
"""Different contacts, presences and orders of one tally; what goes beyond is counted as lost."""
ORDER_STEPS_MAX = 64
"""Steps of a trace whose order is kept; the order of a longer one is not judged."""
WEEK_US = 7 * 86_400 * 1_000_000
_MONDAY_US = 3 * 86_400 * 1_000_000  # 1970-01-01 was a Thursday

Identity: TypeAlias = str
K = TypeVar("K")


class Form(StrEnum):
    """What kind of contact it was."""

    CALL = "call"
    SEND = "send"
    TAKE = "take"
    STORE = "store"
    MODEL = "model"
    TOOL = "tool"
    AGENT = "agent"
    READ = "read"


class Proof(StrEnum):
    """How a contact is known, from the surest kind to the least sure."""

    AUTHENTICATED = "authenticated"
    """Both sides' spans, and the callee verified who called."""
    PAIRED = "paired"
    """Both sides' spans."""
    GATEWAY = "gateway"
    """A record of the gateway, which carried the call and knows the caller."""
    FLOW = "flow"
    """A flow that the network reported."""
    ONE_SIDED = "one-sided"
    """The span of one side."""
    CONFIGURED = "configured"
    """A reference in a configuration: possible, not actual."""


class Contact(NamedTuple):
    """One party met another, told apart by all that is judged. None: was not visible."""

    source: Identity
    target: Identity
    form: Form
    proof: Proof
    protocol: str | None = None
    port: int | None = None
    tool: str | None = None
    digest: str | None = None
    model: str | None = None
    encrypted: bool | None = None


class Presence(NamedTuple):
    """A party showed itself, whatever it did."""

    identity: Identity
    region: str | None = None
    release: str | None = None


Order: TypeAlias = tuple[tuple[Identity, Identity], ...]
"""The contacts of one trace in the order in which they began."""


class Count:
    """How often, for how many calls that stands (a sample counts for more), first and last."""

    __slots__ = ("calls", "first", "last", "n")

    def __init__(self, n: int = 0, *, calls: float = 0.0, first: int = 0, last: int = 0) -> None:
        self.n = n
        self.calls = calls
        self.first = first
        self.last = last

    def add(self, other: "Count") -> None:
        if self.n == 0 or other.first < self.first:
            self.first = other.first
        self.last = max(self.last, other.last)
        self.n += other.n
        self.calls += other.calls

    def see(self, at: int, p: float) -> None:
        if self.n == 0 or at < self.first:
            self.first = at
        self.last = max(self.last, at)
        self.n += 1
        self.calls += 1.0 / p


class Lost(NamedTuple):
    """What did not fit."""

    contacts: int = 0
    presences: int = 0
    orders: int = 0


class Tally:
    """Counts by week. Bounded: it never grows with traffic, only with what is different in it."""

    __slots__ = ("contacts", "lost", "orders", "presences")

    def __init__(self) -> None:
        self.contacts: dict[tuple[int, Contact], Count] = {}
        self.presences: dict[tuple[int, Presence], Count] = {}
        self.orders: dict[tuple[int, Order], Count] = {}
        self.lost = Lost()

    def meet(self, contact: Contact, at: int, *, p: float = 1.0) -> None:
        key = (week_of(at), contact)
        count = self.contacts.get(key)
        if count is None:
            if len(self.contacts) >= CONTACTS_MAX:
                self.lost = self.lost._replace(contacts=self.lost.contacts + 1)
                return
            count = self.contacts[key] = Count()
        count.see(at, p)

    def show(self, presence: Presence, at: int, *, p: float = 1.0) -> None:
        key = (week_of(at), presence)
        count = self.presences.get(key)
        if count is None:
            if len(self.presences) >= PRESENCES_MAX:
                self.lost = self.lost._replace(presences=self.lost.presences + 1)
                return
            count = self.presences[key] = Count()
        count.see(at, p)

    def order(self, steps: Order, at: int, *, p: float = 1.0) -> None:
        if len(steps) > ORDER_STEPS_MAX:
            self.lost = self.lost._replace(orders=self.lost.orders + 1)
            return
        key = (week_of(at), steps)
        count = self.orders.get(key)
        if count is None:
            if len(self.orders) >= ORDERS_MAX:
                self.lost = self.lost._replace(orders=self.lost.orders + 1)
                return
            count = self.orders[key] = Count()
        count.see(at, p)

    def merge(self, other: "Tally") -> None:
        """Add all of the other's counts, as far as they fit."""
        lost = [0, 0, 0]
        for key, count in other.contacts.items():
            lost[0] += 0 if _merged(self.contacts, key, count=count, most=CONTACTS_MAX) else count.n
        for shown, count in other.presences.items():
            lost[1] += (
                0 if _merged(self.presences, shown, count=count, most=PRESENCES_MAX) else count.n
            )
        for order, count in other.orders.items():
            lost[2] += 0 if _merged(self.orders, order, count=count, most=ORDERS_MAX) else count.n
        self.lost = Lost(*(a + b + c for a, b, c in zip(self.lost, other.lost, lost, strict=True)))

    def since(self, start: int) -> "Tally":
        """What was last seen at ``start`` or later; a week that reaches into it counts whole."""
        found = Tally()
        found.contacts = {k: c for k, c in self.contacts.items() if c.last >= start}
        found.presences = {k: c for k, c in self.presences.items() if c.last >= start}
        found.orders = {k: c for k, c in self.orders.items() if c.last >= start}
        found.lost = self.lost
        return found

    def span(self) -> tuple[Instant, Instant] | None:
        """When the first and the last of it were seen; None when nothing was."""
        counts = (*self.contacts.values(), *self.presences.values())
        if not counts:
            return None
        return Instant(min(c.first for c in counts)), Instant(max(c.last for c in counts))

    @property
    def is_empty(self) -> bool:
        return not (self.contacts or self.presences)


def _merged(
    into: dict[tuple[int, K], Count], key: tuple[int, K], *, count: Count, most: int
) -> bool:
    mine = into.get(key)
    if mine is None:
        if len(into) >= most:
            return False
        mine = into[key] = Count()
    mine.add(count)
    return True


def week_of(at: int) -> int:
    """The number of the week (Monday to Sunday, UTC) that an instant lies in."""
    return (at + _MONDAY_US) // WEEK_US


def start_of_week(week: int) -> Instant:
    return Instant(week * WEEK_US - _MONDAY_US)


def identity(claims: Iterable[tuple[str, str]]) -> Identity:
    """Claims as one identity; empty ones are left out, long ones are cut, line ends are spaces."""
    return "\n".join(
        f"{kind}={' '.join(value.split())[:CLAIM_LENGTH_MAX]}"
        for kind, value in claims
        if value and not value.isspace()
    )


def claims_of(party: Identity) -> Iterator[tuple[str, str]]:
    """The claims of an identity, the one to be believed first."""
    for line in party.split("\n"):
        kind, _, value = line.partition("=")
        if value:
            yield kind, value


def name_of(party: Identity) -> str:
    """What a party is called where people read: its first claim's value."""
    return next((f"{kind}={value}" for kind, value in claims_of(party)), "unknown")
