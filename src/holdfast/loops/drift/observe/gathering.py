"""Traces put together from spans that come in any order, within a wait and within bounds.

Both sides of a call must be seen together to be paired. A trace is taken to be whole when nothing
came of it for ``WAIT_S``; a span that comes later counts by itself, as the word of one side.
"""

from collections.abc import Iterable, Iterator

from holdfast.loops.drift.observe.spans import Span

WAIT_S = 30
TRACES_MAX = 20_000
SPANS_MAX = 200_000
"""Traces and spans that wait; beyond it the oldest trace counts as it is."""
TRACE_SPANS_MAX = 10_000
"""Spans of one trace; a longer one is cut into pieces."""


class Gathering:
    """``at`` is whatever time the caller goes by, in microseconds; it need not be a clock's."""

    def __init__(self, *, wait_s: float = WAIT_S, spans_max: int = SPANS_MAX) -> None:
        self._wait_us = int(wait_s * 1_000_000)
        self._spans_max = spans_max
        self._traces: dict[str, tuple[int, list[Span]]] = {}
        self._spans = 0
        self.early = 0
        """Traces that had to count before their wait was over."""

    def __len__(self) -> int:
        return self._spans

    @property
    def is_full(self) -> bool:
        return self._spans >= self._spans_max

    def add(self, spans: Iterable[Span], at: int) -> Iterator[list[Span]]:
        """Take spans; gives the traces that are whole by now, or that no room is left for."""
        for span in spans:
            # Moved to the end: the first is always the one that is longest without news.
            _, known = self._traces.pop(span.trace, (0, []))
            known.append(span)
            self._spans += 1
            if len(known) >= TRACE_SPANS_MAX:
                self._spans -= len(known)
                yield known
                continue
            self._traces[span.trace] = (at, known)
            if self._spans > self._spans_max or len(self._traces) > TRACES_MAX:
                self.early += 1
                yield self._oldest()
        yield from self.due(at)

    def due(self, at: int) -> Iterator[list[Span]]:
        """The traces whose wait is over."""
        while self._traces:
            since, _ = next(iter(self._traces.values()))
            if at - since < self._wait_us:
                return
            yield self._oldest()

    def rest(self) -> Iterator[list[Span]]:
        """All that wait still: nothing more will come."""
        while self._traces:
            yield self._oldest()

    def _oldest(self) -> list[Span]:
        _, spans = self._traces.pop(next(iter(self._traces)))
        self._spans -= len(spans)
        return spans
