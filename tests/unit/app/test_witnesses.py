"""The keeper's witnesses and the witness service, over loopback."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from holdfast.app.asking import Asker, AskError, Site, UrlError
from holdfast.app.custody import LogCustody
from holdfast.app.remote import RemoteLogError, open_blobs
from holdfast.app.sockets import claim
from holdfast.app.witnesses import (
    Witnesses,
    WitnessOption,
    WitnessOptionError,
    WitnessPlan,
)
from holdfast.audit import (
    Checkpoint,
    Cosigner,
    KnownLog,
    LogSigner,
    Trust,
    Verifier,
    Witness,
    leaf_hash,
    origin_hash,
    root_of,
    verify_log,
)
from holdfast.audit.merkle import consistency_proof, range_hash_of
from holdfast.core import Instant
from holdfast.faces import WITNESS_LIMITS, WitnessService
from holdfast.wire import Server
from holdfast.world.real import SocketNetwork, SystemClock
from holdfast.world.sim import SimBlobs, SimStore

NOW = Instant(1_800_000_000_000_000)
LOG = LogSigner.from_seed("holdfast.example/log", bytes(32))
LEAVES = [leaf_hash(b"entry %d" % number) for number in range(40)]
FORK = [*LEAVES[:7], leaf_hash(b"another"), *LEAVES[8:]]


class Tree:
    """What the keeper reads proofs from."""

    def __init__(self, leaves=LEAVES) -> None:
        self.leaves = leaves

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        return consistency_proof(old, new, range_hash_of(self.leaves))

    def head(self, size: int) -> Checkpoint:
        return Checkpoint.sign(LOG, size=size, root=root_of(self.leaves[:size]))


class Serving:
    """One witness that listens."""

    def __init__(self, number: int) -> None:
        self.cosigner = Cosigner.ed25519(
            f"witness.example/w{number}", bytes([number]) * 32, now=lambda: NOW
        )
        self.witness = Witness(
            store=SimStore(), cosigners=[self.cosigner], logs=[KnownLog.parse(LOG.vkey)]
        )
        self.answers: list[int] = []
        self.url = ""

    @property
    def option(self) -> str:
        return f"{self.url}={self.cosigner.verifier.vkey}"

    @contextlib.asynccontextmanager
    async def running(self, group: asyncio.TaskGroup, handler=None) -> AsyncGenerator[None]:
        (sock,) = claim("127.0.0.1", 0, count=1, flag="--listen")
        service = handler or WitnessService(
            self.witness,
            spawn=group.create_task,
            tell=lambda _what, status: self.answers.append(status),
        )
        server = Server(service, clock=SystemClock(), limits=WITNESS_LIMITS)
        self.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        await server.start(SocketNetwork(), sock=sock)
        try:
            yield
        finally:
            server.abort()


def run(main) -> None:
    asyncio.run(asyncio.wait_for(main(), 60))


def make(group, servings, *, blobs, tree=None, quorum=None) -> Witnesses:
    plan = WitnessPlan.parse([each.option for each in servings], quorum=quorum)
    return Witnesses(
        plan, reader=tree or Tree(), blobs=blobs, network=SocketNetwork(), spawn=group.create_task
    )


def trust(servings, quorum: int) -> Trust:
    keys = [each.cosigner.verifier.vkey for each in servings]
    return Trust.parse(LOG.vkey, witnesses=keys, quorum=quorum)


def test_a_checkpoint_is_kept_with_the_cosignatures_of_all_that_answer() -> None:
    async def main() -> None:
        blobs, servings = SimBlobs(), [Serving(1), Serving(2), Serving(3)]
        async with asyncio.TaskGroup() as group, contextlib.AsyncExitStack() as stack:
            for each in servings:
                await stack.enter_async_context(each.running(group))
            witnesses = make(group, servings, blobs=blobs)
            for size in (0, 5, 20, 20, 40):
                assert await witnesses.hold(Tree().head(size))
                note = blobs.get("witnessed")
                assert trust(servings, 3).open(note).size == size
        assert [each.answers for each in servings] == [[200] * 5] * 3

    run(main)


def test_a_quorum_is_met_without_a_witness_that_is_gone_and_not_without_two() -> None:
    async def main() -> None:
        blobs, servings = SimBlobs(), [Serving(1), Serving(2), Serving(3)]
        async with asyncio.TaskGroup() as group, contextlib.AsyncExitStack() as stack:
            async with contextlib.AsyncExitStack() as first:
                for each in servings[:2]:
                    await first.enter_async_context(each.running(group))
                async with servings[2].running(group):
                    pass  # its port is free again: nobody answers there
                witnesses = make(group, servings, blobs=blobs)
                assert await witnesses.hold(Tree().head(5))
                assert trust(servings, 2).open(blobs.get("witnessed")).size == 5
            await stack.enter_async_context(servings[2].running(group))
            lonely = make(group, servings, blobs=blobs)
            assert not await lonely.hold(Tree().head(9))
            assert trust(servings, 2).open(blobs.get("witnessed")).size == 5

    run(main)


def test_the_console_is_told_of_each_witness_and_why_one_did_not_answer() -> None:
    async def main() -> None:
        servings = [Serving(1), Serving(2)]
        async with asyncio.TaskGroup() as group, servings[0].running(group):
            async with servings[1].running(group):
                pass  # its port is free again: nobody answers there
            witnesses = make(group, servings, blobs=SimBlobs(), quorum=2)
            custody = LogCustody("one\ntwo", witnesses, mended=lambda: ("a torn end",))
            assert not await witnesses.hold(Tree().head(5))
            (up, down), quorum = custody.witnesses()
            assert (up.trouble, up.name, quorum) == (None, "witness.example/w1", 2)
            assert up.keys == (servings[0].cosigner.verifier.vkey,)
            assert servings[0].url.endswith(up.url)
            assert down.trouble is not None
            assert (custody.keys(), custody.mended()) == (("one", "two"), ("a torn end",))

    run(main)


def test_one_that_has_cosigned_is_not_asked_again_over_the_same_checkpoint() -> None:
    async def main() -> None:
        blobs, servings = SimBlobs(), [Serving(1), Serving(2)]
        async with asyncio.TaskGroup() as group, contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(servings[0].running(group))
            async with servings[1].running(group):
                pass
            witnesses = make(group, servings, blobs=blobs)
            head = Tree().head(5)
            for _ in range(3):
                assert not await witnesses.hold(head)
        assert servings[0].answers == [200]
        assert blobs.get("witnessed") is None

    run(main)


def test_a_log_that_starts_anew_is_told_the_size_and_asks_once_more() -> None:
    async def main() -> None:
        serving = Serving(1)
        async with asyncio.TaskGroup() as group, serving.running(group):
            for size in (5, 20):
                witnesses = make(group, [serving], blobs=SimBlobs())
                assert await witnesses.hold(Tree().head(size))
        assert serving.answers == [200, 409, 200]

    run(main)


def test_a_forked_or_rolled_back_log_gets_no_cosignature() -> None:
    async def main() -> None:
        serving, blobs = Serving(1), SimBlobs()
        async with asyncio.TaskGroup() as group, serving.running(group):
            assert await make(group, [serving], blobs=SimBlobs()).hold(Tree().head(20))
            forked = make(group, [serving], blobs=blobs, tree=Tree(FORK))
            assert not await forked.hold(Tree(FORK).head(30))
            rolled_back = make(group, [serving], blobs=blobs)
            assert not await rolled_back.hold(Tree().head(10))
        assert serving.answers == [200, 409, 422, 409]
        assert blobs.get("witnessed") is None

    run(main)


class Stubborn:
    """A witness that answers every request with 409 and a size of its own."""

    def __init__(self) -> None:
        self.asked = 0

    def handle(self, request, exchange) -> None:
        self.asked += 1
        exchange.respond(409, ((b"content-type", b"text/x.tlog.size"),), b"%d\n" % self.asked)


def test_a_witness_that_always_says_409_is_not_asked_in_a_loop() -> None:
    async def main() -> None:
        serving, stubborn = Serving(1), Stubborn()
        async with asyncio.TaskGroup() as group, serving.running(group, stubborn):
            witnesses = make(group, [serving], blobs=SimBlobs())
            assert not await witnesses.hold(Tree().head(20))
            assert stubborn.asked == 2
            assert not await witnesses.hold(Tree().head(21))  # it rests
            assert stubborn.asked == 2

    run(main)


def test_only_the_newest_checkpoint_waits() -> None:
    async def main() -> None:
        serving, blobs = Serving(1), SimBlobs()
        async with asyncio.TaskGroup() as group, serving.running(group):
            witnesses = make(group, [serving], blobs=blobs)
            for size in range(1, 30):
                witnesses.offer(Tree().head(size))
            serving_on = group.create_task(witnesses.serve())
            while blobs.get("witnessed") is None:
                await asyncio.sleep(0.01)
            serving_on.cancel()
        assert serving.answers == [200]
        assert trust([serving], 1).open(blobs.get("witnessed")).size == 29

    run(main)


def test_the_service_answers_monitors_and_refuses_what_it_does_not_serve() -> None:
    async def main() -> None:
        serving = Serving(1)
        async with asyncio.TaskGroup() as group, serving.running(group):
            assert await make(group, [serving], blobs=SimBlobs()).hold(Tree().head(20))
            with open_blobs(f"{serving.url}/{origin_hash(LOG.name)}") as known:
                note = await asyncio.to_thread(known.get, "checkpoint")
            assert Checkpoint.open(note, Verifier.parse(LOG.vkey)).size == 20
            with open_blobs(f"{serving.url}/{'0' * 64}") as absent:
                assert await asyncio.to_thread(absent.get, "checkpoint") is None
            asker = Asker(Site.parse(serving.url), network=SocketNetwork(), spawn=group.create_task)
            for path, body, status in (
                ("/sign-subtree", b"", 404),
                ("/add-checkpoint", b"rubbish", 400),
                ("/add-checkpoint", b"x" * 70_000, 413),
            ):
                reply = await asker.post(path, body, bytes_max=1_000)
                assert reply.status == status
            with pytest.raises(AskError, match="larger than 3 bytes"):
                await asker.post("/sign-subtree", b"", bytes_max=3)
            asker.close()

    run(main)


KEY = Serving(1).cosigner.verifier.vkey


@pytest.mark.parametrize(
    ("texts", "quorum"),
    [
        (["http://127.0.0.1:1"], None),
        (["http://127.0.0.1:1=rubbish"], None),
        ([f"http://127.0.0.1:1={LOG.vkey}"], None),
        ([f"http://127.0.0.1:1={KEY}", f"http://127.0.0.1:2={KEY}"], None),
        ([f"http://127.0.0.1:1={KEY}"], 2),
        ([f"http://127.0.0.1:1={KEY}"], 0),
        (["http://127.0.0.1:1=@/nowhere/keys"], None),
    ],
)
def test_witnesses_that_cannot_be_meant_are_refused(texts: list[str], quorum) -> None:
    with pytest.raises(WitnessOptionError):
        WitnessPlan.parse(texts, quorum=quorum)


def test_more_than_half_must_have_cosigned_when_nothing_else_is_said(tmp_path) -> None:
    keys = [Serving(number).cosigner.verifier.vkey for number in range(1, 5)]
    for count, wanted in ((0, 0), (1, 1), (2, 2), (3, 2), (4, 3)):
        texts = [f"http://127.0.0.1:{n + 1}={key}" for n, key in enumerate(keys[:count])]
        assert WitnessPlan.parse(texts, quorum=None).quorum == wanted
    path = tmp_path / "keys"
    path.write_text(keys[0] + "\n")
    assert WitnessOption.parse(f"http://127.0.0.1:1=@{path}").keys[0].vkey == keys[0]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1",
        "ftp://host/",
        "http://",
        "http://host:0x50/",
        "http://host:99999/",
        "http://user@host/",
        "http://host/?q",
        "http://host/#f",
        "http://host/ x",
        "http://host/\r\nx: y",
        "http://h\u00f6st/",
    ],
)
def test_a_url_that_cannot_be_asked_is_refused(url: str) -> None:
    with pytest.raises(UrlError):
        Site.parse(url)


def test_a_log_is_read_from_a_folder_or_not_at_all(tmp_path) -> None:
    (tmp_path / "checkpoint").write_bytes(b"a note")
    with open_blobs(str(tmp_path)) as near:
        assert near.get("checkpoint") == b"a note"
    with pytest.raises(UrlError), open_blobs(str(tmp_path / "nowhere")):
        pass
    (sock,) = claim("127.0.0.1", 0, count=1, flag="--port")
    port = sock.getsockname()[1]
    sock.close()
    with pytest.raises(RemoteLogError), open_blobs(f"http://127.0.0.1:{port}") as gone:
        gone.get("checkpoint")


class Files:
    """A log served as any web server serves files."""

    def __init__(self, blobs) -> None:
        self.blobs = blobs

    def handle(self, request, exchange) -> None:
        data = self.blobs.get(request.target.decode().removeprefix("/sub/"))
        exchange.respond(200 if data is not None else 404, (), data or b"")


def test_a_whole_log_verifies_from_afar_by_its_tiles_and_its_key_alone() -> None:
    from holdfast.audit.tiles import encode_bundle

    entries = [b"entry %d" % number for number in range(300)]
    leaves = [leaf_hash(each) for each in entries]
    blobs = SimBlobs()
    blobs.put("checkpoint", Checkpoint.sign(LOG, size=300, root=root_of(leaves)).note)
    blobs.put("tile/0/000", b"".join(leaves[:256]))
    blobs.put("tile/0/001.p/44", b"".join(leaves[256:]))
    blobs.put("tile/1/000.p/1", root_of(leaves[:256]))
    blobs.put("tile/entries/000", encode_bundle(entries[:256]))
    blobs.put("tile/entries/001.p/44", encode_bundle(entries[256:]))

    async def main() -> None:
        serving = Serving(1)
        async with asyncio.TaskGroup() as group, serving.running(group, Files(blobs)):
            with open_blobs(f"{serving.url}/sub") as far:
                assert (await asyncio.to_thread(verify_log, far, None, LOG.vkey)).verified
                blobs.flip("tile/entries/000", offset=4)
                found = await asyncio.to_thread(verify_log, far, None, LOG.vkey)
            assert found.problems[0].startswith("entry 0: ")

    run(main)
