"""How receipts, comparisons and witnesses read at a terminal."""

from pathlib import Path

from holdfast.app.gossip import Compared
from holdfast.app.receipts import Checked, Issued
from holdfast.app.witnessing import WitnessKeys, WitnessReady


def issued_text(found: Issued, path: Path | None, entry: Path | None) -> str:
    if path is None:
        return found.proof.rstrip("\n") if isinstance(found.proof, str) else "(binary)"
    return (
        f"wrote {path}: entry {found.index} of {found.size}, as {found.format}\n"
        f"wrote {entry}: the entry, byte for byte\n"
        f"to check: holdfast audit verify-receipt {path} --key VKEY"
    )


def checked_text(found: Checked) -> str:
    lines = [
        f"verified: {str(found.verified).lower()}",
        f"entry:    {found.index} of {found.size} in the log {found.origin}",
        f"root:     {found.root}",
    ]
    lines += [f"witness:  {name}" for name in found.witnesses]
    return "\n".join(lines)


def compared_text(found: Compared) -> str:
    against = "" if found.against is None else f", held against the log's {found.against} entries"
    lines = [f"{found.heads} heads of {found.origin}, up to {found.newest} entries{against}"]
    if found.consistent:
        lines.append("no two of them contradict each other")
        if found.against is None:
            lines.append("(of different sizes only --log can tell)")
    for each in found.contradictions:
        lines += ["", f"SPLIT VIEW: {each.why}", "", each.one, each.other.rstrip("\n")]
    return "\n".join(lines)


def witness_text(found: WitnessReady) -> str:
    lines = [f"the witness answers at {found.url}/add-checkpoint"]
    lines += [f"  log  {origin}" for origin in found.logs]
    lines += [f"  key  {key}" for key in found.keys]
    return "\n".join([*lines, "stop with Ctrl-C"])


def witness_keys_text(found: WitnessKeys) -> str:
    return "\n".join(found.keys)
