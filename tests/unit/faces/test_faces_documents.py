"""What others verify our credentials with is public, current and holds no secret."""

from starlette.testclient import TestClient

from holdfast.core import Instant
from holdfast.faces import Windows
from holdfast.faces.service import make_app
from holdfast.identity import read_bundle
from holdfast.identity.issuer import Issuer
from holdfast.world.sim import SimEntropy

NOW = Instant(1_790_000_000_000_000)


class Documents:
    """An issuer's documents in memory."""

    def __init__(self) -> None:
        self._issuer = Issuer.found("example.org", now=NOW, entropy=SimEntropy(1))

    def jwks(self) -> bytes:
        return self._issuer.jwks()

    def bundle(self) -> bytes:
        return self._issuer.bundle().document()


def test_the_well_known_documents_are_those_of_the_issuer(system) -> None:
    documents = Documents()
    app = make_app(system, version="9.9.9", windows=Windows(documents=documents))
    with TestClient(app, base_url="http://localhost") as client:
        jwks = client.get("/.well-known/jwks.json")
        bundle = client.get("/.well-known/spiffe-bundle")
    assert jwks.headers["content-type"] == "application/jwk-set+json"
    assert jwks.headers["cache-control"] == "public, max-age=300"
    assert [key["use"] for key in jwks.json()["keys"]] == ["sig"]
    assert read_bundle("example.org", bundle.content).document() == documents.bundle()
    assert b'"d"' not in jwks.content + bundle.content
