import pytest

from holdfast.audit import LogReader, NoLogError, Proof, UnknownEntryError, decode_record


def test_a_call_is_found_with_both_its_records_in_order(house, words) -> None:
    log = house.open()
    call = "01J0000000000000000000000B"
    house.write([words.entry(call, event="opened", outcome="open"), *words.entries(300)])
    house.write([words.entry(call, event="closed")])
    log.integrate()
    opened, closed = house.reader().find(call)
    assert (opened.index, closed.index) == (0, 301)
    assert [decode_record(each.data).event for each in (opened, closed)] == ["opened", "closed"]
    assert house.reader().find("01J0000000000000000000000C") == ()
    assert log.find(call) == (opened, closed)


def test_a_record_that_waits_in_a_journal_is_found_and_marked(house, words) -> None:
    log = house.open()
    call = "01J0000000000000000000000B"
    house.write([words.entry(call, event="opened", outcome="open")], close=False)
    (entry,) = house.reader().find(call)
    assert entry.is_pending
    assert entry.index is None
    assert house.verify().pending == 1
    log.integrate()
    house.write([words.entry(call, event="closed")])
    opened, closed = house.reader().find(call)
    assert not opened.is_pending
    assert closed.is_pending
    log.integrate()
    assert [each.index for each in house.reader().find(call)] == [0, 1]
    assert house.verify().pending == 0


def test_what_waits_for_the_log_is_counted_up_to_a_bound(house, words) -> None:
    log = house.open()
    assert house.reader().waiting(10) == 0
    house.write(words.entries(7), close=False)
    assert [house.reader().waiting(most) for most in (0, 5, 7, 10)] == [0, 5, 7, 7]
    log.integrate()
    assert house.reader().waiting(10) == 0


def test_a_record_committed_but_not_yet_published_is_pending(house, words) -> None:
    house.write(words.entries(300))
    log = house.open()
    house.steps, house.kill_at = 0, 6  # two bundles, three tiles, the transaction; no checkpoint
    with pytest.raises(words.killed):
        log.integrate()
    assert house.reader().checkpoint().size == 0
    (entry,) = house.reader().find("call-299")
    assert entry.is_pending
    assert entry.data == words.entries(1, start=299)[0]


def test_a_proof_verifies_offline_with_nothing_but_the_key(house, words) -> None:
    log = house.open()
    house.write(words.entries(700))
    log.integrate()
    for index in (0, 255, 256, 511, 512, 699):
        text = house.reader().prove(index).text()
        checkpoint = Proof.parse(text).verify(words.entries(700)[index], house.signer.vkey)
        assert checkpoint == log.checkpoint


def test_recent_entries_come_newest_first_and_page_back(house, words) -> None:
    log = house.open()
    house.write(words.entries(300))
    log.integrate()
    assert [each.index for each in log.recent(3)] == [299, 298, 297]
    assert [each.index for each in log.recent(2, before=1)] == [0]
    assert log.recent(5, before=0) == ()
    assert [each.index for each in log.recent(2, before=10_000)] == [299, 298]
    assert log.recent(-1) == ()


def test_an_index_outside_the_log_is_refused(house, words) -> None:
    house.open()
    for index in (-1, 0, 5):
        with pytest.raises(UnknownEntryError):
            house.reader().entry(index)
        with pytest.raises(UnknownEntryError):
            house.reader().prove(index)


def test_where_no_log_is_the_reader_says_so(house) -> None:
    with pytest.raises(NoLogError):
        house.reader().checkpoint()
    with pytest.raises(NoLogError):
        house.reader().find("anything")
    assert not house.verify().verified


def test_a_reader_follows_the_log_as_it_grows_and_partial_tiles_go(house, words) -> None:
    log = house.open()
    reader = LogReader(
        blobs=house.blobs, store=house.store, journals=house.journals, vkey=house.signer.vkey
    )
    for number in range(8):
        house.write(words.entries(70, start=70 * number))
        log.integrate()
        assert reader.checkpoint() == log.checkpoint
        assert reader.entry(log.size - 1).data == words.entries(log.size)[-1]
        assert reader.find("call-3")[0].index == 3


class Racing:
    """Journals of a keeper that integrates in the very moment between look-up and listing."""

    def __init__(self, journals, log) -> None:
        self._journals, self._log = journals, log
        self.read = journals.read

    def names(self) -> list[str]:
        self._log.integrate()
        return self._journals.names()


def test_a_record_is_found_though_its_journal_goes_between_look_up_and_reading(
    house, words
) -> None:
    log = house.open()
    house.write(words.entries(256))
    house.write(words.entries(1, start=256))
    reader = LogReader(
        blobs=house.blobs,
        store=house.store,
        journals=Racing(house.journals, log),
        vkey=house.signer.vkey,
    )
    (entry,) = reader.find("call-5")
    assert entry.index == 5
    assert len(house.journals.names()) == 1
