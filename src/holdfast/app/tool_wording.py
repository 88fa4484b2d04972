"""How pins and their differences are told to people. What a server wrote is shown as ASCII, so
that nothing in it can hide or move the cursor."""

import json
from collections.abc import Sequence

from holdfast.app.tools import PinRow, PinsDecided, PinShown
from holdfast.registry import Difference, Suspicion

_DIGEST = 19
"""``sha256:`` and twelve digits."""


def pin_table(rows: Sequence[PinRow]) -> str:
    if not rows:
        return "no server has shown anything yet"
    lines = [f"{'STATE':12} {'KIND':9} {'DIGEST':{_DIGEST}}  SERVER / NAME"]
    for row in rows:
        note = "  (the server shows another now)" if row.drifted else ""
        grave = sum(each.grave for each in row.suspicions)
        if grave:
            note += f"  ({grave} suspicious place{'s' if grave > 1 else ''})"
        place = f"{row.server} / {plain(row.name)}"
        lines.append(f"{row.state:12} {row.kind:9} {row.digest[:_DIGEST]:{_DIGEST}}  {place}{note}")
    return "\n".join(lines)


def shown_text(found: Sequence[PinShown]) -> str:
    return "\n\n".join(_one(each) for each in found)


def difference_text(found: Sequence[Difference]) -> str:
    if not found:
        return "nothing differs"
    lines: list[str] = []
    for each in found:
        lines.append(f"  {each.where or '(the whole)'}")
        lines.extend([f"    - {each.old}"] if each.old is not None else [])
        lines.extend([f"    + {each.new}"] if each.new is not None else [])
    return "\n".join(lines)


def decided_text(done: PinsDecided) -> str:
    lines = [
        f"{row.state}: {row.kind} {row.server} / {plain(row.name)}  {row.digest[:_DIGEST]}"
        for row in done.pins
    ]
    return "\n".join([*(lines or ["nothing was proposed"]), done.in_force])


def plain(text: str) -> str:
    """Printable ASCII only."""
    return text.encode("unicode_escape").decode("ascii")


def _one(shown: PinShown) -> str:
    row = shown.pin
    lines = [f"{row.kind} {row.server} / {plain(row.name)}", f"  digest  {row.digest}"]
    lines.append(f"  state   {row.state}, first shown {row.seen}")
    if row.decided is not None:
        lines.append(f"  decided {row.decided} by {row.by}: {row.why}")
    if row.drifted is not None:
        lines.append(f"  drifted the server shows {row.drifted[:_DIGEST]} now: calls are refused")
    lines.extend(_sign(each) for each in row.suspicions)
    if shown.changes:
        lines.append("  differs from the approved description:")
        lines.append(difference_text(shown.changes))
    body = json.dumps(json.loads(bytes(shown.descriptor)), indent=2)
    return "\n".join([*lines, body])


def _sign(of: Suspicion) -> str:
    mark = "!" if of.grave else "?"
    return f"  {mark} {of.rule} at {of.where or '/'}: {of.why}" + (
        f"\n      {of.excerpt}" if of.excerpt else ""
    )
