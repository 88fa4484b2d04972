"""What the console tells of the log beside the log: its keys, its witnesses, what was mended."""

from collections.abc import Callable

from holdfast.app.witnesses import Witnesses
from holdfast.faces import WitnessSeen


class LogCustody:
    """Of one instance's log. ``mended`` is asked anew each time: it grows."""

    def __init__(
        self, keys: str, witnesses: Witnesses, *, mended: Callable[[], tuple[str, ...]]
    ) -> None:
        self._keys = tuple(keys.split())
        self._witnesses = witnesses
        self._mended = mended

    def keys(self) -> tuple[str, ...]:
        return self._keys

    def witnesses(self) -> tuple[tuple[WitnessSeen, ...], int]:
        found = tuple(
            WitnessSeen(
                name=option.name,
                url=option.site.host + option.site.prefix,
                keys=tuple(key.vkey for key in option.keys),
                trouble=trouble,
            )
            for option, trouble in self._witnesses.standings()
        )
        return found, self._witnesses.quorum

    def mended(self) -> tuple[str, ...]:
        return self._mended()
