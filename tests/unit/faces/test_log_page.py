"""The log's page: what vouches for the log, and what does not."""

import re

import pytest
from starlette.testclient import TestClient

from holdfast.audit import WITNESSED, ChangeRecord, Cosigner, LogSigner, verify_consistency
from holdfast.core import Instant
from holdfast.faces import WitnessSeen
from holdfast.faces.service import make_app
from holdfast.faces.web.log.routes import FRAGMENTS, ROWS
from holdfast.faces.web.log.views import ago, growth_view
from holdfast.history import Point

NOW = Instant(1_795_250_000_000_000)
OTHER = LogSigner.from_seed("holdfast.example/log", bytes(32))


@pytest.fixture(scope="module")
def pages(fakes):
    """A client of a busy system that nobody changes."""
    return client_of(fakes.busy_system())


class Kept:
    """A log's custody as a test tells it."""

    def __init__(self, *keys, witnesses=(), quorum=0, mended=()) -> None:
        self._keys, self._mended = keys, mended
        self._witnesses = (tuple(witnesses), quorum)

    def keys(self):
        return self._keys

    def witnesses(self):
        return self._witnesses

    def mended(self):
        return self._mended


def client_of(system) -> TestClient:
    app = make_app(system, version="9.9.9", vkey=system.vkey, windows=system.windows())
    return TestClient(app, base_url="http://localhost", follow_redirects=False)


def witness(number: int) -> Cosigner:
    return Cosigner.ed25519(f"witness{number}.example", bytes([number]) * 32, now=lambda: NOW)


def seen(cosigner: Cosigner, **changes) -> WitnessSeen:
    name = cosigner.verifier.name
    fields = {"name": name, "url": f"{name}:443", "keys": (cosigner.verifier.vkey,)}
    return WitnessSeen(**fields | changes)


def cosign(system, *cosigners: Cosigner) -> None:
    """Keep the newest checkpoint with these cosignatures."""
    head = system.log().checkpoint()
    text = head.note.decode().partition("\n\n")[0] + "\n"
    lines = [cosigner.cosign(text) for cosigner in cosigners]
    system.keep(WITNESSED, head.with_signatures(lines).note)


def test_the_page_shows_the_checkpoint_and_whose_signatures_hold(fakes):
    system = fakes.busy_system()
    text = client_of(system).get("/log").text
    head = system.log().checkpoint()
    assert head.root.hex() in text
    assert "Ed25519, by the log" in text
    assert text.count("holds</span>") == 1
    assert head.note.decode().splitlines()[0] in text


def test_a_signature_by_an_unknown_key_counts_for_nothing(fakes):
    system = fakes.busy_system()
    system.custody = Kept(OTHER.vkey)
    text = client_of(system).get("/log/fragments/head").text
    assert "by a key that is not known here" in text
    assert "holds</span>" not in text


def test_witnesses_are_told_with_their_age_and_whether_they_are_enough(fakes):
    system = fakes.busy_system()
    one, two = witness(1), witness(2)
    cosign(system, one)
    refused = seen(two, trouble="it answered 403")
    system.custody = Kept(system.vkey, witnesses=[seen(one), refused], quorum=2)
    client = client_of(system)
    text = client.get("/log/fragments/witnesses").text
    assert "1 of 2 cosigned it, 2 must" in text
    assert "has not cosigned it" in text
    assert "it answered 403" in text
    cosign(system, one, two)
    text = client.get("/log/fragments/witnesses").text
    assert "2 of 2 cosigned it, 2 must" in text
    assert "pill good" in text


def test_a_witnessed_checkpoint_says_how_far_it_is_behind(fakes):
    system = fakes.busy_system()
    one = witness(1)
    cosign(system, one)
    system.custody = Kept(system.vkey, witnesses=[seen(one)], quorum=1)
    system.write(*(fakes.record_of(fakes.seen(200 + i)) for i in range(4)))
    system.integrate()
    assert "4 fewer than the newest" in client_of(system).get("/log/fragments/witnesses").text


def test_a_cosignature_that_does_not_hold_is_said_to_be_none(fakes):
    system = fakes.busy_system()
    one = witness(1)
    head = system.log().checkpoint()
    cosign(system, one)
    forged = system.log().witnessed().note.decode()
    line = forged.splitlines()[-1]
    broken = line[:-8] + ("AAAA" if line[-8:-4] != "AAAA" else "BBBB") + line[-4:]
    system.keep(WITNESSED, forged.replace(line, broken).encode())
    system.custody = Kept(system.vkey, witnesses=[seen(one)], quorum=1)
    text = client_of(system).get("/log/fragments/witnesses").text
    assert "its cosignature does not hold" in text
    assert "0 of 1 cosigned it" in text
    assert head.size


@pytest.mark.parametrize("name", FRAGMENTS)
def test_every_fragment_has_its_address_and_is_part_of_the_page(name, pages):
    squeeze = lambda text: re.sub(r"\s+", " ", text)  # noqa: E731
    fragment = pages.get(f"/log/fragments/{name}").text
    assert fragment.startswith(f'<section id="log-{name}"')
    assert squeeze(fragment) in squeeze(pages.get("/log").text)


def test_entries_lead_to_their_calls_and_changes_and_on_to_older_ones(fakes):
    system = fakes.FakeSystem()
    system.write(*(fakes.record_of(fakes.seen(100 - i)) for i in range(ROWS + 5)))
    change = ChangeRecord(
        at=fakes.now, by="ada", change="01CHANGE", kind="agent.revoked", subject="agent:x", v=1
    )
    system.write(change)
    system.integrate()
    client = client_of(system)
    first = client.get("/log").text
    places = re.findall(r'id="entry-(\d+)" class', first)
    assert places == [str(i) for i in range(ROWS + 5, 5, -1)]
    assert "agent.revoked" in first
    assert f'href="/calls/{fakes.seen(100 - ROWS).call}"' in first
    second = client.get("/log?before=6").text
    assert re.findall(r'id="entry-(\d+)" class', second) == ["5", "4", "3", "2", "1", "0"]


def test_an_entry_has_a_page_with_its_neighbours_and_what_checks_it(pages):
    text = pages.get("/log/5").text
    assert 'href="/log/4"' in text
    assert 'href="/log/6"' in text
    assert 'data-verify="entry" data-index="5"' in text


@pytest.mark.parametrize("place", ["/log/13", "/log/99999999999999999999999999"])
def test_an_entry_that_is_not_there_is_said_to_be_missing(place, pages):
    response = pages.get(place, headers={"accept": "text/html"})
    assert response.status_code == 404
    assert "This cannot be shown" in response.text


def test_alarms_and_mended_things_are_told(fakes):
    system = fakes.busy_system()
    system.custody = Kept(system.vkey, mended=("journal x: 12 bytes were torn",))
    text = client_of(system).get("/log").text
    assert 'href="/calls/01LOST"' in text
    assert "journal x: 12 bytes were torn" in text


def test_a_destroyed_salt_is_told_with_its_record(fakes):
    system = fakes.busy_system()
    system.write(
        ChangeRecord(
            at=fakes.now, by="ada", change="01M7YKWY2V000000000000CHNG", kind="salt.destroyed",
            reason="asked to", subject="tenant:default", v=1,
        )
    )  # fmt: skip
    system.integrate()
    text = client_of(system).get("/log").text
    assert re.search(r'href="/log/13">tenant:default</a>', text)


def test_a_log_that_cannot_be_read_and_one_that_is_not_begun_say_so(fakes):
    damaged = fakes.busy_system()
    damaged.damage()
    assert "The log cannot be read" in client_of(damaged).get("/log").text
    text = client_of(fakes.FakeSystem()).get("/log").text
    assert "None covers a record yet" in text
    assert "Nobody outside watches this log" in text
    assert "No call was recorded in the last 24 hours" in text


def test_growth_is_drawn_in_proportion():
    view = growth_view([Point(0, 10.0), Point(3_600_000_000, 0.0), Point(7_200_000_000, 5.0)])
    assert view is not None
    assert [bar.height for bar in view.bars] == [40.0, 20.0]
    assert view.total == "15"
    assert growth_view([Point(0, 0.0)]) is None


@pytest.mark.parametrize(
    ("us", "text"),
    [(-5, "0 s ago"), (119_000_000, "119 s ago"), (120_000_000, "2 min ago"), (10**12, "11 d ago")],
)
def test_an_age_is_told_in_the_unit_that_fits(us, text):
    assert ago(us) == text


def test_the_consistency_proof_shows_that_the_log_only_grew(fakes):
    system = fakes.FakeSystem()
    heads = []
    for number in range(7):
        system.write(fakes.record_of(fakes.seen(number)))
        system.integrate()
        heads.append(system.log().checkpoint())
    client = client_of(system)
    for old in heads:
        found = client.get(f"/api/log/consistency?old={old.size}&new={heads[-1].size}").json()
        verify_consistency(
            old=old.size,
            new=heads[-1].size,
            old_root=old.root,
            new_root=heads[-1].root,
            proof=[bytes.fromhex(each) for each in found["hashes"]],
        )


@pytest.mark.parametrize("sizes", ["old=5&new=4", "old=1&new=999", "old=-1&new=2", "old=1"])
def test_a_consistency_that_cannot_be_shown_is_refused(sizes, pages):
    assert pages.get(f"/api/log/consistency?{sizes}").status_code in (404, 422)
