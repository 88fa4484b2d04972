"""How answers read at a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from holdfast.app.datadir import InstanceInfo
from holdfast.audit import CallRecord, ChangeRecord
from holdfast.core import Instant, rfc3339

if TYPE_CHECKING:  # what is put into words has been loaded by whoever made it, or is not needed
    from holdfast.app.evidence import Proofs, Records, Verified
    from holdfast.app.keys import KeyRow
    from holdfast.app.passports import PassportRow
    from holdfast.app.passports import Shown as PassportShown
    from holdfast.app.revocations import RevocationRow, Revoked
    from holdfast.blueprint import Problem

_STAGES = ("accept", "authenticate", "authorize", "guard", "route", "answer")


def problem_rows(problems: tuple[Problem, ...]) -> list[dict[str, str | int]]:
    """For programs."""
    return [
        {
            "severity": p.severity,
            "file": p.file,
            "line": p.line,
            "column": p.column,
            "where": p.where,
            "what": p.what,
            "fix": p.fix,
        }
        for p in problems
    ]


def problem_text(file: Path, problems: tuple[Problem, ...]) -> str:
    """``file:line:column: severity: what`` as compilers have it, and how to mend it below."""
    if not problems:
        return f"{file}: sound"
    lines: list[str] = []
    for p in problems:
        where = f" [{p.where}]" if p.where else ""
        lines.append(f"{p.file}:{p.line}:{p.column}: {p.severity}: {p.what}{where}")
        if p.fix:
            lines.append(f"    mend: {p.fix}")
    errors = sum(p.severity == "error" for p in problems)
    lines.append(f"{errors} error(s), {len(problems) - errors} warning(s)")
    return "\n".join(lines)


def ready_text(info: object, link: str) -> str:
    assert isinstance(info, InstanceInfo)
    return (
        f"'{info.name}' is up\n"
        f"  calls    {info.url}/v1      (an OpenAI client's base URL)\n"
        f"  console  {info.console}/\n"
        f"  sign in  {link}\n"
        "           (once, within ten minutes; another: holdfast console)\n"
        f"  keys     holdfast key create NODE\n"
        "stop with Ctrl-C"
    )


def key_table(keys: list[KeyRow]) -> str:
    if not keys:
        return "no keys yet; make one with: holdfast key create NODE"
    width = max(len(key.node) for key in keys)
    rows = [
        f"{key.id}  {key.node:<{width}}  made {key.created[:19]}Z"
        + (f"  revoked {key.revoked[:19]}Z" if key.revoked else "")
        for key in keys
    ]
    return "\n".join(rows)


def verification_text(found: Verified) -> str:
    lines = [f"verified: {str(found.verified).lower()}", f"entries:  {found.size}"]
    lines.append(f"root:     {found.root}")
    if found.pending:
        lines.append(f"pending:  {found.pending} durable, not yet under the checkpoint")
    lines += [f"problem:  {problem}" for problem in found.problems]
    lines += [f"note:     {note}" for note in found.notes]
    return "\n".join(lines)


def records_text(found: Records) -> str:
    parts: list[str] = []
    for shown in found.records:
        place = "not yet in the log" if shown.index is None else f"entry {shown.index} of the log"
        record = shown.record
        text = _change_text(record) if isinstance(record, ChangeRecord) else _record_text(record)
        parts.append(f"{_event(record)} record, {place}\n{text}")
    return "\n\n".join(parts)


def proof_text(found: Proofs) -> str:
    lines = [f"verified: {str(found.verified).lower()}"]
    lines += [f"entry {p.index} ({_event(p.record)}) is in the log" for p in found.proofs]
    lines.append(f"checkpoint of {found.size} entries, root {found.root}")
    lines.append(f"key {found.key}")
    for proven in found.proofs:
        lines += ["", proven.proof.rstrip("\n")]
    return "\n".join(lines)


def passport_table(rows: list[PassportRow]) -> str:
    if not rows:
        return "no passports yet; make one with: holdfast passport create AGENT --file FILE"
    width = max(len(row.sub) for row in rows)
    return "\n".join(
        f"{row.sub:<{width}}  {row.status:<9}  tier {row.risk_tier}  {row.controller}"
        for row in rows
    )


def passport_text(found: PassportShown) -> str:
    lines = [f"{name:<12}{_plain(value)}" for name, value in found.passport.items()]
    lines += ["", "versions, each signed and verified:"]
    lines += [
        f"  {row.seq:<4}{row.at[:19]}Z  {row.status:<9}  {row.build}" for row in found.versions
    ]
    return "\n".join(lines)


def revocation_table(rows: list[RevocationRow]) -> str:
    if not rows:
        return "nothing is revoked"
    return "\n".join(
        f"{row.id}  {row.kind:<10}  {row.subject}  since {row.at[:19]}Z by {row.by}"
        + (f": {row.reason}" if row.reason else "")
        + (f"  lifted {row.lifted[:19]}Z by {row.lifted_by}" if row.lifted else "")
        for row in rows
    )


def revoked_text(done: Revoked) -> str:
    row = done.revocation
    state = "accepted again" if row.lifted else "revoked"
    return f"{row.kind} {row.subject} is {state} ({row.id}). {done.in_force}"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _event(record: CallRecord | ChangeRecord) -> str:
    return record.kind if isinstance(record, ChangeRecord) else record.event


def _change_text(record: ChangeRecord) -> str:
    rows: list[tuple[str, str | None]] = [
        ("change", record.change),
        ("at", rfc3339(Instant(record.at))),
        ("by", record.by),
        ("kind", record.kind),
        ("subject", record.subject),
        ("reason", record.reason),
        ("digest", record.digest),
    ]
    return "\n".join(f"  {name:<13}{value}" for name, value in rows if value is not None)


def _record_text(record: CallRecord) -> str:
    rows: list[tuple[str, str | None]] = [
        ("call", record.call),
        ("at", rfc3339(Instant(record.at))),
        ("principal", record.principal),
        ("credential", record.credential),
        ("action", record.action),
        ("resource", record.resource),
        ("relationship", record.relationship),
        ("decision", record.decision),
        ("policies", ", ".join(record.policies) or None),
        ("rule", record.rule),
        ("outcome", f"{record.outcome} ({record.status})"),
        ("upstream", record.upstream),
        ("tokens", _tokens(record)),
        ("prompt", record.prompt),
        ("answer", record.answer),
        ("took", f"{record.duration_us / 1000:.1f} ms ({_stages(record)})"),
        ("blueprint", record.blueprint),
        ("bundle", record.bundle),
    ]
    return "\n".join(f"  {name:<13}{value}" for name, value in rows if value is not None)


def _tokens(record: CallRecord) -> str | None:
    if record.tokens_in is None and record.tokens_out is None:
        return None
    return f"{record.tokens_in or 0} in, {record.tokens_out or 0} out"


def _stages(record: CallRecord) -> str:
    names = (*_STAGES[: len(record.stages_us) - 1], "write")
    return ", ".join(f"{name} {at} us" for name, at in zip(names, record.stages_us, strict=True))
