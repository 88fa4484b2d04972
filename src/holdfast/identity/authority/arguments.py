"""What the arguments of a call may be: one limit for one argument, closed under meeting.

Values are compared as their JSON text, so that ``1``, ``true``, ``1.0`` and ``"1"`` are four values.
"""

import msgspec

from holdfast.identity.authority.paths import read_path

VALUES_MAX = 256
NUMBER_MAX = 2**53 - 1
VALUE_CHARACTERS_MAX = 2048

Scalar = bool | int | str | None
"""What an argument can be limited to. No floats: their text is where implementations differ."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class ArgumentLimit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The values that an argument may have. Exactly one of the three is set.

    ``among``: these values and no other, each as its JSON text. ``prefix``: text that is this path
    or URI, or lies below it. ``most``: a number from 0 up to this one; negative numbers are out,
    for to many tools -1 means "without limit".
    """

    among: frozenset[str] | None = None
    prefix: str | None = None
    most: int | None = None

    def __post_init__(self) -> None:
        if sum(part is not None for part in (self.among, self.prefix, self.most)) != 1:
            raise ValueError("an argument has exactly one of eq, in, prefix, max")
        if self.among is not None and not 0 < len(self.among) <= VALUES_MAX:
            raise ValueError(f"an argument is limited to 1 to {VALUES_MAX} values")
        if self.most is not None and not 0 <= self.most <= NUMBER_MAX:
            raise ValueError(f"the maximum of an argument is between 0 and {NUMBER_MAX}")
        if self.prefix is not None:
            self._settle_prefix(self.prefix)

    def _settle_prefix(self, prefix: str) -> None:
        path = read_path(prefix)
        if path is None:
            raise ValueError(
                "a prefix is a path or URI without dot segments, backslashes, control characters "
                "or escapes that could be read in two ways"
            )
        msgspec.structs.force_setattr(self, "prefix", path.text)

    def permits(self, value: object) -> bool:
        """Whether the argument may be this decoded JSON value."""
        if self.among is not None:
            return _text(value) in self.among
        if self.most is not None:
            if isinstance(value, bool) or not isinstance(value, int | float):
                return False
            return 0 <= value <= self.most
        return isinstance(value, str) and _is_below(value, self.prefix or "")

    def permits_text(self, text: str) -> bool:
        """The same for a value's JSON text."""
        return self.permits(_decode(text))


def one_of(*values: Scalar) -> ArgumentLimit:
    """The argument is one of these values. ``ValueError`` for none, or for one out of bounds."""
    return ArgumentLimit(among=frozenset(map(_bounded_text, values)))


def _bounded_text(value: Scalar) -> str:
    text = _text(value)
    if text is None or len(text) > VALUE_CHARACTERS_MAX:
        raise ValueError("a value is text, true, false, null or a whole number, within bounds")
    return text


def _text(value: object) -> str | None:
    """The JSON text of a scalar; None for anything else, which is among no values."""
    if value is not None and not isinstance(value, bool | int | str):
        return None
    if isinstance(value, int) and abs(value) > NUMBER_MAX:
        return None
    try:
        return _encode(value).decode()
    except ValueError:  # half a surrogate pair has no UTF-8
        return None


def _is_below(value: str, prefix: str) -> bool:
    path, above = read_path(value), read_path(prefix)
    return path is not None and above is not None and path.is_below(above)


def meet_arguments(one: ArgumentLimit, other: ArgumentLimit) -> ArgumentLimit | None:
    """Exactly the values that both permit; None when there are none."""
    if one.among is not None:
        return _filtered(one.among, other)
    if other.among is not None:
        return _filtered(other.among, one)
    if one.most is not None and other.most is not None:
        return one if one.most <= other.most else other
    if one.prefix is not None and other.prefix is not None:
        if _is_below(one.prefix, other.prefix):
            return one
        return other if _is_below(other.prefix, one.prefix) else None
    return None  # a number that is a path


def _filtered(among: frozenset[str], other: ArgumentLimit) -> ArgumentLimit | None:
    if other.among is not None:
        kept = among & other.among
    else:
        kept = frozenset(filter(other.permits_text, among))
    return ArgumentLimit(among=kept) if kept else None


def is_argument_within(child: ArgumentLimit, parent: ArgumentLimit) -> bool:
    """Whether the parent permits every value that the child does."""
    if child.among is not None:
        if parent.among is not None:
            return child.among <= parent.among
        return all(map(parent.permits_text, child.among))
    if child.most is not None:
        return parent.most is not None and child.most <= parent.most
    return parent.prefix is not None and _is_below(child.prefix or "", parent.prefix)
