"""The record of a change: canonical, told apart from a call's, found and proven by its id."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from holdfast.audit import (
    Act,
    AuditError,
    CallRecord,
    ChangeRecord,
    LogReader,
    Outbox,
    RecordError,
    decode_change,
    decode_entry,
    encode_change,
    encode_record,
    record_of,
)
from holdfast.audit.changes import WAITING_MAX
from holdfast.core import Instant
from holdfast.world.sim import SimStore

CALL = CallRecord(
    action="generate",
    at=1,
    blueprint="b",
    bundle="p",
    call="01JDCALL",
    decision="allow",
    duration_us=1,
    event="call",
    outcome="answered",
    status=200,
    tenant="acme",
    v=3,
    worker=0,
)
texts = st.text(max_size=50)


def act(reason: str = "", name: str = "01JD") -> Act:
    return Act(id=name, by="user:host:op", at=Instant(1), reason=reason)


@given(texts, texts, st.none() | texts)
def test_the_bytes_are_canonical_and_read_back(reason, subject, digest) -> None:
    record = record_of(act(reason), kind="revocation.made", subject=subject, digest=digest)
    data = encode_change(record)
    assert data == rfc8785.dumps(json.loads(data))
    assert decode_change(data) == decode_entry(data) == record


def test_a_calls_entry_is_told_apart_from_a_changes() -> None:
    assert isinstance(decode_entry(encode_record(CALL)), CallRecord)
    change = record_of(act(), kind="passport.created", subject="a")
    assert isinstance(decode_entry(encode_change(change)), ChangeRecord)
    for junk in (b"", b"{}", b"[]", b'{"change":"1"}', b"\xff"):
        with pytest.raises(RecordError):
            decode_entry(junk)


def test_a_newer_change_is_not_guessed_at() -> None:
    data = json.loads(encode_change(record_of(act(), kind="k.d", subject="a")))
    with pytest.raises(RecordError):
        decode_change(json.dumps({**data, "v": 2}).encode())
    with pytest.raises(RecordError):
        decode_change(json.dumps({**data, "more": 1}).encode())


def test_words_longer_than_a_record_takes_are_refused_before_the_change() -> None:
    with pytest.raises(RecordError):
        record_of(act("x" * 501), kind="k.d", subject="a")
    with pytest.raises(RecordError):
        record_of(act(), kind="k.d", subject="x" * 501)


def test_a_full_outbox_lets_no_further_change_be_made() -> None:
    store = SimStore()
    outbox = Outbox(store)
    rows = [(number, b"{}") for number in range(1, WAITING_MAX)]
    with store.transaction() as change:
        change.execute_many("insert into audit_changes (number, entry) values (?, ?)", rows)
        outbox.add(change, record_of(act(name="last"), kind="k.d", subject="a"))
    with pytest.raises(AuditError), store.transaction() as change:
        outbox.add(change, record_of(act(name="one more"), kind="k.d", subject="a"))
    assert decode_change(outbox.waiting(WAITING_MAX)[-1][1]).change == "last"
    store.close()


def test_a_change_is_found_from_the_moment_it_is_made(house) -> None:
    house.open()
    outbox = Outbox(house.store)
    for name in ("first", "second"):
        with house.store.transaction() as change:
            outbox.add(change, record_of(act(name=name), kind="k.d", subject="a"))
    reader = LogReader(
        blobs=house.blobs,
        store=house.store,
        journals=house.journals,
        vkey=house.signer.vkey,
        outbox=outbox,
    )
    (entry,) = reader.find("second")
    assert entry.is_pending
    assert decode_change(entry.data).change == "second"
    assert reader.find("third") == ()
