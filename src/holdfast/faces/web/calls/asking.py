"""What is asked of the list of calls: a form's words, the question they make, links that repeat it.
Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast, get_args
from urllib.parse import urlencode

from holdfast.audit import RecordedOutcome
from holdfast.core import read_traceparent, ulid_number
from holdfast.faces.web.words import short_name
from holdfast.gateway import Seen
from holdfast.history import CallQuery

WORDS = ("caller", "callee", "relationship", "outcome", "rule", "tool", "session", "trace")
TIMES = ("since", "until")
PLACES = ("before", "after")
FIELDS = (*WORDS, *TIMES, *PLACES)
OUTCOMES: tuple[str, ...] = tuple(o for o in get_args(RecordedOutcome) if o != "open")
WORD_CHARACTERS_MAX = 300
ROWS = 50

_TRACE = re.compile(r"(?!0{32})[0-9a-f]{32}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """``words`` are the form's fields as they were filled in, by name; ``problems`` say which of
    them cannot be understood: they are left out of ``query``."""

    words: Mapping[str, str]
    query: CallQuery
    problems: tuple[str, ...]

    @property
    def is_newest(self) -> bool:
        """Whether the page begins with the newest calls, so that live ones belong on it."""
        return self.query.before is None and self.query.after is None

    def link(self, **changes: str | None) -> str:
        """This page, with some words changed or (None) left out."""
        changed = {**self.words, **changes}
        kept = [(name, changed.get(name)) for name in FIELDS]
        told = urlencode([(name, word) for name, word in kept if word])
        return f"/calls?{told}" if told else "/calls"

    def narrowed(self, **words: str) -> str:
        """From its newest page on, with further words."""
        return self.link(before=None, after=None, **words)

    def fits(self, seen: Seen) -> bool:
        """Whether a call that only a watcher knows yet belongs on the page."""
        query = self.query
        if query.tool is not None or query.trace is not None or query.session is not None:
            return False  # of these a watcher sees nothing
        pairs = (
            (query.caller, short_name(seen.principal)),
            (query.callee, seen.resource),
            (query.relationship, seen.relationship),
            (query.outcome, seen.outcome),
            (query.rule, seen.rule),
        )
        since, until = query.since or 0, query.until
        return (
            all(wanted is None or wanted == found for wanted, found in pairs)
            and seen.at >= since
            and (until is None or seen.at < until)
        )


def asked_of(given: Mapping[str, str]) -> Asked:
    """Read a form; what it does not have is ignored."""
    words = {name: given[name].strip() for name in FIELDS if given.get(name, "").strip()}
    problems: list[str] = []
    for name in [name for name, word in words.items() if len(word) > WORD_CHARACTERS_MAX]:
        problems.append(f"{name}: at most {WORD_CHARACTERS_MAX} characters")
        words[name] = words[name][:WORD_CHARACTERS_MAX]
    query = CallQuery(
        caller=words.get("caller"),
        callee=words.get("callee"),
        relationship=words.get("relationship"),
        outcome=_outcome(words.get("outcome"), problems),
        rule=words.get("rule"),
        tool=words.get("tool"),
        session=words.get("session"),
        trace=_trace(words.get("trace"), problems),
        since=_instant("since", words.get("since"), problems),
        until=_instant("until", words.get("until"), problems),
        before=_place("before", words.get("before"), problems),
        after=_place("after", words.get("after"), problems),
        limit=ROWS + 1,
    )
    return Asked(words=words, query=query, problems=tuple(problems))


def place_of(text: str) -> str | None:
    """Where an id that somebody pasted leads: a call's page, a trace's, or None."""
    found = text.strip()
    call = _call(found)
    if call is not None:
        return f"/calls/{call}"
    lower = found.lower()
    sent = read_traceparent(lower.encode("ascii", "replace"))
    trace = sent[3:35] if sent is not None else lower
    return f"/traces/{trace}" if _TRACE.fullmatch(trace) else None


def is_trace(text: str) -> bool:
    """Whether this is the id of a trace."""
    return _TRACE.fullmatch(text) is not None


def _call(text: str) -> str | None:
    try:
        ulid_number(text.upper())
    except ValueError:
        return None
    return text.upper()


def _outcome(word: str | None, problems: list[str]) -> RecordedOutcome | None:
    if word is None or word in OUTCOMES:
        return cast("RecordedOutcome | None", word)
    problems.append(f"outcome: one of {', '.join(OUTCOMES)}")
    return None


def _trace(word: str | None, problems: list[str]) -> str | None:
    if word is None or is_trace(word.lower()):
        return word and word.lower()
    problems.append("trace: 32 hexadecimal digits, not all of them 0")
    return None


def _place(name: str, word: str | None, problems: list[str]) -> str | None:
    if word is None or _call(word) is not None:
        return word and word.upper()
    problems.append(f"{name}: the id of a call")
    return None


def _instant(name: str, word: str | None, problems: list[str]) -> int | None:
    """What ``datetime-local`` sends, read as UTC."""
    if word is None:
        return None
    try:
        found = datetime.fromisoformat(word)
    except ValueError:
        problems.append(f"{name}: a time such as 2026-11-21T09:41, in UTC")
        return None
    at = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return max((at - _EPOCH) // timedelta(microseconds=1), 0)
