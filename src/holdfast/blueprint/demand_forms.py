"""What is demanded of callers, as people write it."""

from typing import Annotated

from pydantic import Field

from holdfast.blueprint.demands import PROOFS, Attested, ProofKind
from holdfast.blueprint.fields import Form


class IdentityForm(Form):
    """What is demanded of whoever calls. Nothing beyond a key where this is not written."""

    proofs: Annotated[list[ProofKind], Field(min_length=1, max_length=len(PROOFS))] | None = Field(
        default=None,
        description="How a caller may prove who it is. `key` is a bearer's: leave it out, and API "
        "keys are refused here. Default: any.",
    )
    mandate: bool | None = Field(
        default=None,
        description="Whether a caller needs a mandate that covers the call. Default: no; one that "
        "is shown counts all the same.",
    )
    attested: Attested | None = Field(
        default=None,
        description="The least that evidence of the caller's platform must have been judged. "
        "Default `none`.",
    )
