"""Heads that clients were shown, and whether all of them can be of one log.

Every answer of the gateway names the newest head in its field ``Holdfast-Checkpoint``, signed. Two
that fork are proof against the log, by its own signature, whoever collected them.

    Holdfast-Checkpoint: size=1234, root=:<base64>:, sig=:<base64 of key id and signature>:

It is a dictionary of RFC 9651; with the log's origin it is the whole signed note.
"""

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from holdfast.audit.checkpoint import Checkpoint
from holdfast.audit.errors import AuditError, GossipError, NoteError
from holdfast.audit.heads import TreeHead, parse_size
from holdfast.audit.keys import ED25519, Verifier
from holdfast.audit.merkle import verify_consistency
from holdfast.audit.note import KEY_ID_BYTES, Note, Signature, decode_base64

CHECKPOINT_FIELD = b"holdfast-checkpoint"
HEADS_MAX = 100_000

Prove = Callable[[int, int], Sequence[bytes]]

_VALUE = re.compile(
    r"size=(?P<size>[0-9]{1,19}), root=:(?P<root>[A-Za-z0-9+/=]{44}):, "
    r"sig=:(?P<sig>[A-Za-z0-9+/=]{92}):"
)
_NOTE = re.compile(r"(?:^|\n\n|\n)(?P<note>[^\n]+\n[0-9]{1,19}\n[^\n]{44}\n\n(?:\u2014 [^\n]+\n)+)")


def field_value(checkpoint: Checkpoint) -> str:
    """The field's value for a checkpoint of our own."""
    note = Note.parse(checkpoint.note)
    own = next(s for s in note.signatures if s.name == checkpoint.origin and len(s.value) == 64)
    root = base64.b64encode(checkpoint.root).decode()
    signature = base64.b64encode(own.key_id + own.value).decode()
    return f"size={checkpoint.size}, root=:{root}:, sig=:{signature}:"


def read_field(value: str, verifier: Verifier) -> Checkpoint:
    """The checkpoint that a field's value is, with ``verifier`` the log's Ed25519 key.

    ``NoteError`` when the key did not sign it.
    """
    match = _VALUE.fullmatch(value.strip())
    size = parse_size(match["size"]) if match else None
    root = decode_base64(match["root"]) if match else None
    signed = decode_base64(match["sig"]) if match else None
    if verifier.kind != ED25519 or size is None or root is None or signed is None:
        raise NoteError(
            f"this is no value of the field {CHECKPOINT_FIELD.decode()}", fix="copy it whole"
        )
    head = TreeHead(origin=verifier.name, size=size, root=root)
    signature = Signature(
        name=verifier.name, key_id=signed[:KEY_ID_BYTES], value=signed[KEY_ID_BYTES:]
    )
    note = Note(text=head.text, signatures=(signature,))
    return Checkpoint.open(note.encode(), verifier)


def read_heads(text: str, verifier: Verifier) -> list[Checkpoint]:
    """Every head in what a client collected: fields' values and checkpoints, among whatever else.

    One that is not signed by the key is no evidence of anything: it is passed over. ``GossipError``
    when nothing is left.
    """
    heads: list[Checkpoint] = []
    for match in (*_VALUE.finditer(text), *_NOTE.finditer(text)):
        try:
            if "note" in match.groupdict():
                heads.append(Checkpoint.open(match["note"].encode(), verifier))
            else:
                heads.append(read_field(match[0], verifier))
        except AuditError:
            continue
        if len(heads) >= HEADS_MAX:
            break
    if not heads:
        raise GossipError(
            f"no head that {verifier.name} signed was found", fix="name the key of that log"
        )
    return heads


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitView:
    """Two heads, both signed by the log, that no one log can have. ``why`` says how they differ."""

    one: Checkpoint
    other: Checkpoint
    why: str


def compare(
    heads: Iterable[Checkpoint],
    *,
    newest: Checkpoint | None = None,
    prove: Prove | None = None,
) -> tuple[SplitView, ...]:
    """Every contradiction among heads of one log, smallest size first.

    Heads of one size must have one root. Heads of different sizes are held against the log itself,
    where there is one: ``newest`` is its checkpoint, which must continue each of them, and ``prove``
    gives the consistency proofs.
    """
    views: list[SplitView] = []
    first: dict[int, Checkpoint] = {}
    for head in sorted(heads, key=lambda each: each.size):
        seen = first.setdefault(head.size, head)
        if seen.root != head.root:
            why = f"two roots over the same {head.size} entries"
            views.append(SplitView(one=seen, other=head, why=why))
    if newest is None or prove is None:
        return tuple(views)
    for head in first.values():
        why = _denied(head, newest, prove)
        if why is not None:
            views.append(SplitView(one=newest, other=head, why=why))
    return tuple(views)


def _denied(head: Checkpoint, newest: Checkpoint, prove: Prove) -> str | None:
    """Why the log does not continue ``head``, None when it does."""
    if head.size > newest.size:
        return f"the log has {newest.size} entries now, and had {head.size}: it was rolled back"
    try:
        verify_consistency(
            old=head.size,
            new=newest.size,
            old_root=head.root,
            new_root=newest.root,
            proof=prove(head.size, newest.size),
        )
    except AuditError as error:
        return f"the log cannot show that it continues the head of {head.size}: {error.what}"
    return None
