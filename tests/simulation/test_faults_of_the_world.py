"""Each fault of the simulated world does what it says, while it lasts and no longer."""

import asyncio

import pytest

from holdfast.world.ports import Address, WorldError
from holdfast.world.sim import (
    CrashError,
    Fault,
    NetworkFaults,
    SimClock,
    SimDisk,
    SimEntropy,
    SimJournals,
    SimNetwork,
    SimProcess,
    simulate,
)

THERE = Address(host="there", port=1)
WELL = NetworkFaults(latency_s=(0.001, 0.001), split_share=0.0)


class End(asyncio.Protocol):
    """Remembers what came, and when."""

    def __init__(self) -> None:
        self.came: list[tuple[float, object]] = []

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.came.append((asyncio.get_running_loop().time(), data))

    def eof_received(self):
        self.came.append((asyncio.get_running_loop().time(), "eof"))
        return False

    def connection_lost(self, exc):
        self.came.append((asyncio.get_running_loop().time(), type(exc).__name__))

    @property
    def said(self):
        return [what for _, what in self.came]


def played(*faults, share=1.0, amount=0.0, seed=1, act=None, wait_s=5.0):
    """Connect in calm, begin the faults, act; what each end saw."""

    async def main(loop):
        network = SimNetwork(loop, faults=WELL)
        ends = []

        def accept():
            ends.append(End())
            return ends[-1]

        await network.listen(accept, sock=THERE)
        near = await network.connect(End, address=THERE)
        for kind, for_s in faults:
            fault = Fault(
                kind=kind, where=str(THERE), at_s=0, for_s=for_s, share=share, amount=amount
            )
            network.begin(fault)
            loop.call_later(for_s, network.end, fault)
        result = await act(network, near, ends[0]) if act else None
        await asyncio.sleep(wait_s)
        return near, ends[0], network, result

    return simulate(seed, main)


async def say_both(network, near, far):
    near.transport.write(b"question")
    far.transport.write(b"an answer")


def test_calm_weather_delivers_everything():
    near, far, _, _ = played(act=say_both)
    assert (near.said, far.said) == ([b"an answer"], [b"question"])


def test_a_black_hole_holds_both_ways_until_it_ends():
    near, far, _, _ = played(("black-hole", 2.0), act=say_both)
    assert (near.said, far.said) == ([b"an answer"], [b"question"])
    assert near.came[0][0] >= 2.0
    assert far.came[0][0] >= 2.0


def test_nobody_connects_into_a_black_hole_until_it_ends():
    async def act(network, near, far):
        await network.connect(End, address=THERE)
        return asyncio.get_running_loop().time()

    *_, connected = played(("black-hole", 2.0), act=act)
    assert connected >= 2.0


def test_a_mute_listener_hears_and_does_not_answer():
    near, far, _, _ = played(("mute", 2.0), act=say_both)
    assert far.came[0][0] < 0.1
    assert near.came[0][0] >= 2.0


def test_a_truncated_write_arrives_in_part_and_ends_in_order():
    async def act(network, near, far):
        far.transport.write(b"an answer")

    near, _, _, _ = played(("truncate", 1.0), act=act)
    assert b"an answer".startswith(b"".join(x for x in near.said if isinstance(x, bytes)))
    assert "eof" in near.said


def test_a_cut_resets_both_ends():
    near, far, _, _ = played(("cut", 1.0), act=say_both)
    assert near.said == far.said == ["ConnectionResetError"]


def test_a_half_close_ends_one_direction_after_all_was_said():
    near, _, _, _ = played(("half-close", 1.0), act=say_both)
    assert near.said[:2] == [b"an answer", "eof"]


def test_only_what_the_listener_says_is_corrupted_and_it_is_known():
    near, far, network, _ = played(("corrupt", 1.0), act=say_both)
    assert far.said == [b"question"]
    damaged = near.said[0]
    assert len(damaged) == len(b"an answer")
    assert sum((a ^ b).bit_count() for a, b in zip(damaged, b"an answer", strict=True)) == 1
    assert network.tainted == {far.transport.number}


def test_a_slow_way_is_as_wide_as_it_says():
    async def act(network, near, far):
        for _ in range(4):
            far.transport.write(b"." * 100)

    near, _, _, _ = played(("slow", 60.0), amount=100.0, act=act)
    assert near.came[-1][0] == pytest.approx(4.0, abs=0.1)


def test_a_refused_connection_is_refused_while_it_lasts():
    async def act(network, near, far):
        with pytest.raises(ConnectionRefusedError):
            await network.connect(End, address=THERE)
        await asyncio.sleep(1.0)
        await network.connect(End, address=THERE)

    played(("refused", 0.5), act=act)


def test_connections_overtake_each_other_and_bytes_of_one_never_do():
    async def act(network, near, far):
        for number in range(50):
            far.transport.write(b"%d " % number)

    for seed in range(5):
        near, _, _, _ = played(("reorder", 9.0), share=0.5, amount=1.0, act=act, seed=seed)
        assert b"".join(near.said) == b"".join(b"%d " % number for number in range(50))


def test_a_reader_that_has_gone_is_told_to_the_writer():
    """Else the writer would believe for ever that its bytes are on their way."""

    async def act(network, near, far):
        near.transport.close()
        far.transport.write(b"too late")

    _, far, network, _ = played(act=act)
    assert "eof" in far.said or "ConnectionResetError" in far.said
    assert not network.open


def test_connections_to_a_shared_address_are_spread():
    async def main(loop):
        network = SimNetwork(loop, shared=(THERE,))
        got = []
        for name in ("one", "two"):
            await network.listen(lambda name=name: got.append(name) or End(), sock=THERE)
        for _ in range(40):
            await network.connect(End, address=THERE)
        return got

    got = simulate(3, main)
    assert 8 < got.count("one") < 32


def test_what_a_killed_process_had_open_is_reset():
    async def main(loop):
        network = SimNetwork(loop, faults=WELL)
        process = SimProcess("server")
        ends = []
        await process.go(network.listen(lambda: ends.append(End()) or ends[-1], sock=THERE))
        near = await network.connect(End, address=THERE)
        loop.kill(process)
        network.kill(process)
        await asyncio.sleep(1)
        with pytest.raises(ConnectionRefusedError):
            await network.connect(End, address=THERE)
        return near.said, ends[0].said

    assert simulate(1, main) == (["ConnectionResetError"], [])


def test_the_wall_clock_jumps_both_ways_and_monotonic_time_goes_on():
    async def main(loop):
        clock = SimClock(loop)
        before = clock.now(), clock.monotonic()
        clock.jump(-3600)
        back = clock.now(), clock.monotonic()
        clock.jump(7200)
        return before, back, (clock.now(), clock.monotonic())

    before, back, on = simulate(1, main)
    assert before[1] == back[1] == on[1]
    assert (back[0] - before[0], on[0] - before[0]) == (-3_600_000_000, 3_600_000_000)


def _append(journals, data):
    async def main(loop):
        writer = journals.create("one.journal")
        await writer.append(data)

    simulate(1, main)


@pytest.mark.parametrize(("kept", "left"), [(0.0, b""), (0.5, b"four"), (1.0, b"fourfour")])
def test_a_torn_append_fails_and_keeps_its_share(kept, left):
    disk = SimDisk()
    disk.begin(Fault(kind="disk-torn", where="disk", at_s=0, amount=kept))
    journals = SimJournals(SimEntropy(1), disk=disk)
    with pytest.raises(WorldError):
        _append(journals, b"fourfour")
    assert journals.read("one.journal", start=0, limit=99) == left
    disk.check()


def test_a_full_disk_refuses_until_it_is_not():
    disk, full = SimDisk(), Fault(kind="disk-full", where="disk", at_s=0)
    disk.begin(full)
    for _ in range(3):
        with pytest.raises(WorldError):
            disk.check()
    disk.end(full)
    disk.check()


def test_a_crash_comes_in_place_of_the_write():
    disk = SimDisk()
    disk.crash_at = 2
    disk.check()
    with pytest.raises(CrashError):
        disk.check()
    disk.check()


def test_a_fault_is_printed_so_that_people_can_read_it():
    fault = Fault(kind="slow", where="there:1", at_s=1.5, for_s=3, share=0.5, amount=200)
    assert str(fault) == "at 1.5 s for 3 s: slow there:1 (share 0.5, amount 200)"
