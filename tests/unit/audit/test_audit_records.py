import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from holdfast.audit import CallRecord, RecordError, decode_record, encode_record
from holdfast.audit.intents import mark_of

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
NUMBERS = st.integers(0, 2**53 - 1)  # what RFC 8785 can write exactly
RECORDS = st.builds(
    CallRecord,
    action=TEXT,
    answer=st.none() | TEXT,
    at=NUMBERS,
    call=TEXT,
    cost=st.none() | NUMBERS,
    duration_us=NUMBERS,
    policies=st.lists(TEXT, max_size=3).map(tuple),
    session=st.none() | TEXT,
    stages_us=st.lists(NUMBERS, max_size=8).map(tuple),
    status=NUMBERS,
    tokens_in=st.none() | NUMBERS,
    tokens_out=st.none() | NUMBERS,
    trace=st.none() | TEXT,
    v=st.just(1),
    worker=NUMBERS,
)


@given(RECORDS)
def test_a_record_s_bytes_are_canonical_json(record: CallRecord) -> None:
    data = encode_record(record)
    assert data == rfc8785.dumps(msgspec.json.decode(data))


@given(RECORDS)
def test_a_record_is_read_as_it_was_written(record: CallRecord) -> None:
    assert decode_record(encode_record(record)) == record
    assert mark_of(encode_record(record)).name == record.call


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"call":"x"}'])
def test_what_is_no_record_is_refused_with_our_error(data: bytes) -> None:
    with pytest.raises(RecordError):
        decode_record(data)


def test_unknown_fields_and_versions_are_refused(words) -> None:
    whole = msgspec.json.decode(words.entry())
    with pytest.raises(RecordError):
        decode_record(msgspec.json.encode(whole | {"extra": 1}))
    with pytest.raises(RecordError, match="version 5"):
        decode_record(msgspec.json.encode(whole | {"v": 5}))


def test_a_record_of_version_1_is_still_read(words) -> None:
    whole = msgspec.json.decode(words.entry())
    nulls = dict.fromkeys(("answer", "credential", "principal", "rule", "tokens_in"))
    old = nulls | whole | {"v": 1}
    record = decode_record(msgspec.json.encode(old))
    assert (record.v, record.attempts, record.cached, record.seams) == (1, 0, False, ())


def test_a_record_of_version_3_is_still_read(words) -> None:
    whole = msgspec.json.decode(words.entry())
    record = decode_record(msgspec.json.encode(whole | {"v": 3}))
    assert (record.v, record.trace, record.session, record.cost) == (3, None, None, None)


def test_what_a_call_had_nothing_of_takes_no_place_in_its_record(words) -> None:
    assert not {"attempts", "chain", "rule", "tool"} & set(msgspec.json.decode(words.entry()))


def test_a_record_with_everything_in_it_stays_well_below_the_limit(words) -> None:
    assert len(words.entry()) < 1024


def test_an_entry_that_names_no_call_is_not_indexed() -> None:
    assert mark_of(b"not json").name is None
    assert mark_of(b"\xff\xfe").name is None
    assert mark_of(b'{"other":1}').name is None
