"""The log for other people's tools: C2SP tlog-tiles, served strictly."""

import gzip

import pytest

from holdfast.audit import (
    Checkpoint,
    Cosigner,
    Verifier,
    leaf_hash,
    root_of,
    verify_log,
)
from holdfast.audit.tiles import decode_bundle, split_hashes
from holdfast.core import Instant

WITNESS = Cosigner.ed25519("witness.example", bytes(32), now=lambda: Instant(1_800_000_000_000_000))


class Served:
    """``Blobs`` as a client of the log has them."""

    def __init__(self, client, prefix: str = "/log") -> None:
        self._client = client
        self._prefix = prefix

    def get(self, name: str) -> bytes | None:
        response = self._client.get(f"{self._prefix}/{name}")
        assert response.status_code in (200, 404)
        return response.content if response.status_code == 200 else None


def witness(system) -> Checkpoint:
    newest = system.log().checkpoint()
    text = Verifier.parse(system.log()._verifier.vkey).open(newest.note)
    signed = newest.with_signatures([WITNESS.cosign(text)])
    system._blobs.put("witnessed", signed.note)
    return signed


def test_whoever_has_the_key_verifies_the_whole_log_from_what_is_served(client, fakes, system):
    found = verify_log(Served(client), None, fakes.vkey)
    assert found.verified
    assert found.size == system.log().checkpoint().size > 0


def test_the_checkpoint_is_text_that_is_asked_for_anew_each_time(client, fakes, system):
    response = client.get("/log/checkpoint")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    size = Checkpoint.open(response.content, Verifier.parse(fakes.vkey)).size
    again = client.get("/log/checkpoint", headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    system.write(fakes.record_of(fakes.seen(999)))
    system.integrate()
    later = client.get("/log/checkpoint", headers={"if-none-match": response.headers["etag"]})
    assert later.status_code == 200
    assert Checkpoint.open(later.content, Verifier.parse(fakes.vkey)).size == size + 1


def test_tiles_and_bundles_are_bytes_that_may_be_kept_for_ever(client, system):
    size = system.log().checkpoint().size
    tile = client.get(f"/log/tile/0/000.p/{size}")
    bundle = client.get(f"/log/tile/entries/000.p/{size}")
    for response in (tile, bundle):
        assert response.headers["content-type"] == "application/octet-stream"
        assert response.headers["cache-control"] == "max-age=31536000, immutable"
        known = {"if-none-match": f'"other", W/{response.headers["etag"]}'}
        assert client.get(response.url.path, headers=known).status_code == 304
    entries = decode_bundle(bundle.content, number=0, width=size)
    assert [leaf_hash(each) for each in entries] == split_hashes(tile.content)
    assert root_of(split_hashes(tile.content)) == system.log().checkpoint().root


def test_bundles_are_compressed_for_those_who_can_read_it(client, system):
    path = f"/log/tile/entries/000.p/{system.log().checkpoint().size}"
    plain = client.get(path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with client.stream("GET", path, headers={"accept-encoding": "gzip"}) as zipped:
        raw = b"".join(zipped.iter_raw())
    assert zipped.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert zipped.headers["etag"] != plain.headers["etag"]
    assert plain.headers["vary"] == zipped.headers["vary"] == "accept-encoding"


def test_head_says_what_get_would(client):
    for path in ("/log/checkpoint", "/log/tile/0/999"):
        head, get = client.head(path), client.get(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers.get("etag") == get.headers.get("etag")


@pytest.mark.parametrize(
    "path",
    [
        "/log/tile/0/000",
        "/log/tile/0/001",
        "/log/tile/0/000.p/255",
        "/log/tile/1/000.p/1",
        "/log/tile/0/x000/000",
        "/log/tile/0/0",
        "/log/tile/0/%30%30%30.p/13",
        "/log/tile/0/000.p%2F13",
        "/log/tile/entries/..%2f..%2fcheckpoint",
        "/log/tile/entries/000.p/13/",
        "/log/tile//0/000.p/13",
        "/log/tile/",
        "/log/tile/0/000.p/13%00",
        "/log/tile/0/\u0660\u0660\u0660.p/13",
        "/log/witnessed/checkpoint",
        "/log/journal",
        "/log/tile",
    ],
)
def test_what_is_not_there_is_not_found_and_not_kept(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["error"]["code"] == "faces.path-unknown"


def test_the_log_is_only_read(client):
    for path in ("/log/checkpoint", "/log/tile/0/000"):
        assert client.post(path).status_code == 405


def test_a_witnessed_checkpoint_is_served_with_its_tiles_and_under_the_newest(client, system):
    signed = witness(system)
    for path in ("/log/checkpoint", "/log/witnessed/checkpoint", "/log/witnessed"):
        assert client.get(path).content == signed.note
    size = signed.size
    one, other = (
        client.get(f"{prefix}/tile/0/000.p/{size}") for prefix in ("/log", "/log/witnessed")
    )
    assert one.content == other.content


def test_the_proof_of_an_entry_bears_the_cosignatures_of_its_checkpoint(client, system):
    signed = witness(system)
    assert signed.note.decode() in client.get("/api/log/3/proof").text
