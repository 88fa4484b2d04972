"""What the forms are made of: kinds of values as people write them, with their bounds.

Every kind has a JSON Schema, so that an editor knows what ``load`` knows.
"""

from typing import Annotated, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    WithJsonSchema,
)

from holdfast.blueprint import amounts, spelling
from holdfast.blueprint import controls as settled

NAME_MAX = 200
TEXT_MAX = 4000
LIST_MAX = 1000

Name: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=NAME_MAX)]
Text: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_MAX)]
Id: TypeAlias = Annotated[
    str, AfterValidator(spelling.check_id), WithJsonSchema(spelling.ID_SCHEMA)
]
TrustDomain: TypeAlias = Annotated[
    str,
    AfterValidator(spelling.check_trust_domain),
    WithJsonSchema({"type": "string", "pattern": spelling.TRUST_DOMAIN_PATTERN}),
]
NodeType: TypeAlias = Annotated[
    str, AfterValidator(spelling.check_node_type), WithJsonSchema(spelling.NODE_TYPE_SCHEMA)
]
Url: TypeAlias = Annotated[
    str,
    AfterValidator(spelling.check_url),
    WithJsonSchema({"type": "string", "pattern": "^https?://"}),
]
Secret: TypeAlias = Annotated[
    str,
    AfterValidator(spelling.check_secret),
    WithJsonSchema({"type": "string", "pattern": spelling.SECRET_PATTERN}),
]
PolicyName: TypeAlias = Annotated[
    str,
    AfterValidator(spelling.check_policy_name),
    WithJsonSchema({"type": "string", "pattern": r"\.(cedar|rego|hfpolicy)$"}),
]
PolicyKey: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
EnvName: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=NAME_MAX)
]
Value: TypeAlias = Annotated[str, StringConstraints(max_length=TEXT_MAX)]
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=settled.TIMEOUT_S_MAX)]
Size: TypeAlias = Annotated[
    int, BeforeValidator(spelling.read_size), WithJsonSchema(spelling.SIZE_SCHEMA)
]
Metadata: TypeAlias = Annotated[
    JsonValue,
    AfterValidator(spelling.check_metadata),
    WithJsonSchema(spelling.METADATA_SCHEMA),
]
Count: TypeAlias = Annotated[
    int, BeforeValidator(amounts.read_count), WithJsonSchema(amounts.COUNT_SCHEMA)
]
MoneyMicro: TypeAlias = Annotated[
    int, BeforeValidator(amounts.read_money), WithJsonSchema(amounts.MONEY_SCHEMA)
]
PriceMicro: TypeAlias = Annotated[
    int, BeforeValidator(amounts.read_price), WithJsonSchema(amounts.PRICE_SCHEMA)
]
HeaderName: TypeAlias = Annotated[
    str,
    AfterValidator(spelling.check_header_name),
    WithJsonSchema({"type": "string", "pattern": spelling.HEADER_NAME_PATTERN}),
]
HealthPath: TypeAlias = Annotated[
    str,
    AfterValidator(spelling.check_health_path),
    WithJsonSchema({"type": "string", "pattern": spelling.HEALTH_PATH_PATTERN}),
]


class Form(BaseModel):
    """What all forms have in common: unknown fields are errors, nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
