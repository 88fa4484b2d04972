import asyncio

import pytest

from holdfast.audit import (
    ENTRY_BYTES_MAX,
    AuditError,
    EntrySizeError,
    Recorder,
    RecorderClosedError,
    RecorderFullError,
    UnavailableError,
    recorder,
)
from holdfast.audit.recorder import RETRY_AFTER_S
from holdfast.world.sim import SimClock


def test_an_entry_is_durable_before_it_is_acknowledged(house) -> None:
    async def main(loop) -> None:
        recorder = Recorder(house.journals, SimClock(loop), worker=1)
        done = loop.create_future()
        recorder.submit(b"entry", done.set_result)
        assert not done.done()
        assert await done is None
        (name,) = house.journals.names()
        assert house.journals.read(name, start=0, limit=1000).endswith(b"entry")
        await recorder.close()

    house.run(main)


def test_what_comes_during_an_append_goes_out_together_with_the_next(house, words) -> None:
    async def main(loop) -> None:
        recorder = Recorder(house.journals, SimClock(loop), worker=1)
        done = [loop.create_future() for _ in range(100)]
        recorder.submit(b"first", done[0].set_result)
        await asyncio.sleep(0)
        for future, entry in zip(done[1:], words.entries(99), strict=True):
            recorder.submit(entry, future.set_result)
        steps = house.steps
        assert await asyncio.gather(*done) == [None] * 100
        assert house.steps == steps + 2
        await recorder.close()

    house.run(main)


def test_acknowledgements_come_in_the_order_of_submission(house, words) -> None:
    order: list[int] = []

    async def main(loop) -> None:
        recorder = Recorder(house.journals, SimClock(loop), worker=1)
        for number, entry in enumerate(words.entries(50)):
            recorder.submit(entry, lambda error, number=number: order.append(number))
            if number % 7 == 0:
                await asyncio.sleep(0.001)
        await recorder.close()

    house.run(main)
    assert order == list(range(50))


@pytest.mark.parametrize("size", [0, ENTRY_BYTES_MAX + 1])
def test_an_entry_of_no_or_too_many_bytes_fails_at_once(house, size: int) -> None:
    async def main(loop) -> None:
        recorder = Recorder(house.journals, SimClock(loop), worker=1)
        errors: list[object] = []
        recorder.submit(bytes(size), errors.append)
        assert isinstance(errors[0], EntrySizeError)
        assert str(ENTRY_BYTES_MAX) in errors[0].what
        recorder.submit(bytes(ENTRY_BYTES_MAX), errors.append)
        await recorder.close()
        assert errors[1] is None

    house.run(main)


def test_what_waits_for_the_disk_is_bounded(house) -> None:
    async def main(loop) -> None:
        subject = Recorder(house.journals, SimClock(loop), worker=1)
        errors: list[object] = []
        for _ in range(recorder.PENDING_BYTES_MAX // ENTRY_BYTES_MAX):
            subject.submit(bytes(ENTRY_BYTES_MAX), errors.append)
        assert errors == []
        subject.submit(b"one more", errors.append)
        assert isinstance(errors[0], RecorderFullError)
        await subject.close()
        assert errors[1:] == [None] * (recorder.PENDING_BYTES_MAX // ENTRY_BYTES_MAX)

    house.run(main)


def test_a_full_disk_fails_every_waiting_entry_and_then_at_once_until_it_is_tried_again(
    make_house,
) -> None:
    house = make_house(capacity=100)
    heard: list[AuditError | None] = []

    async def main(loop) -> None:
        subject = Recorder(house.journals, SimClock(loop), worker=1, on_fault=heard.append)
        errors: list[object] = []
        subject.submit(bytes(200), errors.append)
        await asyncio.sleep(0)
        subject.submit(b"behind it", errors.append)
        await asyncio.sleep(0.1)
        assert [type(error) for error in errors] == [UnavailableError] * 2
        assert "no space left" in errors[0].what
        assert subject.fault is errors[0]
        steps = house.steps
        subject.submit(b"at once", errors.append)
        assert errors[2] is subject.fault
        assert house.steps == steps
        house.journals.capacity = None
        await asyncio.sleep(RETRY_AFTER_S)
        subject.submit(b"tried again", errors.append)
        await asyncio.sleep(0.1)
        assert errors[3] is None
        assert subject.fault is None
        await subject.close()

    house.run(main)
    assert [type(fault) for fault in heard] == [UnavailableError, type(None)]
    log = house.open()
    log.integrate()
    assert b"tried again" in house.entries()
    house.check_all_there_once()


def test_a_disk_that_hangs_is_a_fault(make_house) -> None:
    house = make_house(delay_s=(3600.0, 3600.0))

    async def main(loop) -> None:
        subject = Recorder(house.journals, SimClock(loop), worker=1)
        done = loop.create_future()
        subject.submit(b"entry", done.set_result)
        error = await done
        assert isinstance(error, UnavailableError)
        assert "30 s" in error.what
        house.journals.delay_s = (0.0, 0.0)
        await subject.close()

    house.run(main)


def test_one_callback_that_raises_does_not_rob_the_others(house) -> None:
    raised: list[object] = []

    async def main(loop) -> None:
        loop.set_exception_handler(lambda _loop, context: raised.append(context["exception"]))
        subject = Recorder(house.journals, SimClock(loop), worker=1)
        done = loop.create_future()
        subject.submit(b"bad", lambda error: 1 / 0)
        subject.submit(b"good", done.set_result)
        assert await done is None
        await subject.close()

    house.run(main)
    assert [type(each) for each in raised] == [ZeroDivisionError]


def test_closing_writes_what_waits_and_takes_no_more(house) -> None:
    async def main(loop) -> None:
        subject = Recorder(house.journals, SimClock(loop), worker=1)
        errors: list[object] = []
        subject.submit(b"entry", errors.append)
        await subject.close()
        await subject.close()
        assert errors == [None]
        subject.submit(b"late", errors.append)
        assert isinstance(errors[1], RecorderClosedError)

    house.run(main)


def test_a_large_journal_is_sealed_and_a_new_one_begun(house, words) -> None:
    house.run(lambda loop: spread(house, loop, words.entries(300)))
    assert len(house.journals.names()) > 5
    log = house.open()
    log.integrate()
    assert log.recovery == ()
    house.check_all_there_once()


async def spread(house, loop, entries: list[bytes]) -> None:
    subject = Recorder(house.journals, SimClock(loop), worker=1, journal_bytes_max=1000)
    for entry in entries:
        subject.submit(entry, lambda error, entry=entry: house.acknowledged.append(entry))
        await asyncio.sleep(0.001)
    await subject.close()


def test_a_new_journal_sorts_after_the_old_ones_even_when_the_clock_went_back(house) -> None:
    house.write([b"one"])
    (first,) = house.journals.names()
    house._now = 0.0
    house.write([b"two"])
    assert house.journals.names()[0] == first
    assert len(house.journals.names()) == 2


def test_a_worker_number_out_of_range_is_refused(house) -> None:
    with pytest.raises(AuditError, match="10000"):
        Recorder(house.journals, None, worker=10_000)


def test_what_became_durable_no_longer_counts_as_waiting(house) -> None:
    async def main(loop) -> None:
        subject = Recorder(house.journals, SimClock(loop), worker=1)
        errors: list[object] = []
        for _ in range(3):
            for _ in range(recorder.PENDING_BYTES_MAX // ENTRY_BYTES_MAX // 2):
                subject.submit(bytes(ENTRY_BYTES_MAX), errors.append)
            await asyncio.sleep(1.0)
        await subject.close()
        assert set(errors) == {None}

    house.run(main)
