"""Programs' tokens in the database. This module owns the table ``console_tokens``."""

from typing import cast

import msgspec

from holdfast.audit import Act, Outbox, record_of
from holdfast.identity.programs.errors import ProgramTokenError, ProgramTokenUnknownError
from holdfast.identity.programs.tokens import TOKEN_LENGTH, ProgramToken, digest_of
from holdfast.world.ports import Row, Store, Transaction

PROGRAM_TOKENS_MAX = 1_000
"""Tokens that are remembered, ended ones too."""
MADE, REVOKED = "console.token-made", "console.token-revoked"
"""The kinds of the changes; their subject is the program's name, role and token id."""

_TABLE = """
create table if not exists console_tokens (
  id text primary key,
  name text not null,
  role text not null,
  hash blob not null unique,
  created bigint not null,
  author text not null,
  ends bigint not null,
  revoked bigint
)
"""
_COLUMNS = "id, name, role, created, author, ends, revoked"


class ProgramTokenStore:
    """Add, list, revoke, find. Calls block; a change and its record are one transaction, so a
    crash leaves both or neither."""

    def __init__(self, store: Store) -> None:
        Outbox(store)
        self._store = store
        with store.transaction() as change:
            change.execute(_TABLE)

    def add(self, token: ProgramToken, text: str, *, act: Act) -> None:
        """Put a token in force."""
        with self._store.transaction() as change:
            ((count,),) = change.query("select count(*) from console_tokens")
            if cast("int", count) >= PROGRAM_TOKENS_MAX:
                change.execute(
                    "delete from console_tokens where revoked is not null or ends <= ?", (act.at,)
                )
                ((count,),) = change.query("select count(*) from console_tokens")
            if cast("int", count) >= PROGRAM_TOKENS_MAX:
                raise ProgramTokenError(
                    f"there are {PROGRAM_TOKENS_MAX} tokens already", fix="revoke some"
                )
            change.execute(
                "insert into console_tokens (id, name, role, hash, created, author, ends, revoked) "
                "values (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    token.id,
                    token.name,
                    token.role,
                    digest_of(text),
                    token.created,
                    token.by,
                    token.ends,
                    None,
                ),
            )
            Outbox.add(change, record_of(act, kind=MADE, subject=_subject(token)))

    def list(self) -> tuple[ProgramToken, ...]:
        """All that are remembered, newest first."""
        with self._store.snapshot() as view:
            rows = view.query(
                f"select {_COLUMNS} from console_tokens order by created desc, id"  # noqa: S608
            )
        return tuple(map(_token, rows))

    def revoke(self, token_id: str, *, act: Act) -> ProgramToken:
        """Take a token out of force at once; again changes nothing."""
        with self._store.transaction() as change:
            found = _find(change, token_id)
            if found.revoked is not None:
                return found
            change.execute("update console_tokens set revoked = ? where id = ?", (act.at, token_id))
            Outbox.add(change, record_of(act, kind=REVOKED, subject=_subject(found)))
        return msgspec.structs.replace(found, revoked=act.at)

    def find(self, text: str) -> ProgramToken | None:
        """The token that ``text`` proves, or None. By digest: its timing tells of no token."""
        if len(text) != TOKEN_LENGTH:
            return None
        with self._store.snapshot() as view:
            rows = view.query(
                f"select {_COLUMNS} from console_tokens where hash = ?",  # noqa: S608
                (digest_of(text),),
            )
        return _token(rows[0]) if rows else None


def _subject(token: ProgramToken) -> str:
    return f"{token.name}:{token.role}:{token.id}"


def _find(change: Transaction, token_id: str) -> ProgramToken:
    rows = change.query(
        f"select {_COLUMNS} from console_tokens where id = ?",  # noqa: S608
        (token_id,),
    )
    if not rows:
        raise ProgramTokenUnknownError(
            f"no token has the id '{token_id[:40]}'", fix="list them: holdfast console tokens"
        )
    return _token(rows[0])


def _token(row: Row) -> ProgramToken:
    names = ("id", "name", "role", "created", "by", "ends", "revoked")
    try:
        return msgspec.convert(dict(zip(names, row, strict=True)), ProgramToken)
    except msgspec.ValidationError as error:
        raise ProgramTokenError(
            f"cannot read a token: {error}",
            fix="the database was changed by something else; restore it from a backup",
        ) from error
