"""What may be wrong with a request about CALM documents, before anything can be judged."""

from holdfast.core import HoldfastError


class CalmError(HoldfastError):
    """A CALM document cannot be worked with."""

    code = "calm.unusable"


class CalmDocumentError(CalmError):
    """The text is no CALM document: not JSON, too large, nested too deeply, or of no known kind."""

    code = "calm.document"


class CalmReferenceError(CalmError):
    """A document names another that is neither shipped nor mapped. Nothing is ever fetched."""

    code = "calm.reference"

    def __init__(self, url: str) -> None:
        super().__init__(
            f"nothing is known under {url}",
            fix=f'map it: a file given with `--url-map` may say {{"{url}": "FILE"}}',
        )
        self.url = url


class CalmPatternError(CalmError):
    """No architecture can be made from the pattern, or the choices do not fit it."""

    code = "calm.pattern"


class CalmTimelineError(CalmError):
    """A moment's architecture cannot be found, or the moment itself."""

    code = "calm.timeline"
