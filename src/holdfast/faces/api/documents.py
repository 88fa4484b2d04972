"""``/.well-known``: where others look for the keys of this instance."""

from collections.abc import Callable

from fastapi import APIRouter
from starlette.responses import Response

from holdfast.faces.documents import IssuerDocuments
from holdfast.faces.replies import ErrorReply

JWKS_PATH = "/.well-known/jwks.json"
BUNDLE_PATH = "/.well-known/spiffe-bundle"
FRESH_S = 300
"""How long a reader may keep them: the bundle's refresh hint. Keys are published a day ahead."""

_JWKS_TYPE = "application/jwk-set+json"
_BUNDLE_TYPE = "application/json"


def documents_router(documents: IssuerDocuments) -> APIRouter:
    """Both documents; they are asked for anew each time, for keys rotate."""
    router = APIRouter(tags=["identity"])

    def jwks() -> Response:
        """The keys that sign mandates and exchanged tokens, the next one too."""
        return _reply(documents.jwks(), _JWKS_TYPE)

    def bundle() -> Response:
        """The keys and authorities of this trust domain's workload identities."""
        return _reply(documents.bundle(), _BUNDLE_TYPE)

    _add(router, JWKS_PATH, jwks, summary="JWK set", kind=_JWKS_TYPE)
    _add(router, BUNDLE_PATH, bundle, summary="SPIFFE bundle", kind=_BUNDLE_TYPE)
    return router


def _reply(document: bytes, kind: str) -> Response:
    return Response(
        document, media_type=kind, headers={"cache-control": f"public, max-age={FRESH_S}"}
    )


def _add(
    router: APIRouter, path: str, endpoint: Callable[[], Response], *, summary: str, kind: str
) -> None:
    router.add_api_route(
        path,
        endpoint,
        summary=summary,
        response_class=Response,
        responses={
            200: {"content": {kind: {"schema": {"type": "object"}}}},
            **{status: {"model": ErrorReply} for status in (421, 500)},
        },
    )
