"""A history of made-up records, as the keeper would have built it from a log."""

from collections.abc import Sequence

from holdfast.audit import CallRecord, ChangeRecord
from holdfast.history import CallIndex, Heard, Moment, StoredHistory
from holdfast.world.sim import SimStore

LOG = "holdfast.test/log"


class MadeHistory(StoredHistory):
    """A ``History`` in memory that can be told more."""

    def __init__(self) -> None:
        store = SimStore()
        self._index = CallIndex(store, log=LOG)
        super().__init__(store)

    def tell(self, *records: CallRecord | ChangeRecord) -> None:
        """The next entries of the log."""
        first = self._index.upto
        heard = [Heard(first + place, record) for place, record in enumerate(records)]
        self._index.take(heard, upto=first + len(records))

    def note(self, *moments: Moment) -> None:
        """What the keeper noted."""
        self._index.note(moments)


def history_of(
    records: Sequence[CallRecord | ChangeRecord], moments: Sequence[Moment] = ()
) -> MadeHistory:
    """The history of these entries, the first at index 0."""
    made = MadeHistory()
    made.tell(*records)
    made.note(*moments)
    return made
