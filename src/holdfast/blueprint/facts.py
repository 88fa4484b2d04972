"""What is known of the parts of a system beyond the calls that Holdfast carries.

Reviews, drift, blast radius and proofs reason from these facts. Nothing here changes how a call is
carried. A fact that is left out is *unknown*, never false: what depends on it cannot be decided.
"""

from datetime import date
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from holdfast.blueprint import spelling
from holdfast.blueprint.fields import LIST_MAX, Form, Id, Name, Seconds, Text

DataClass: TypeAlias = Literal["public", "internal", "confidential", "secret"]
DATA_CLASSES: tuple[DataClass, ...] = ("public", "internal", "confidential", "secret")
"""From the least to the most sensitive."""
Trust: TypeAlias = Literal["owned", "partner", "third-party", "untrusted"]
Importance: TypeAlias = Literal["low", "medium", "high", "critical"]
IMPORTANCES: tuple[Importance, ...] = ("low", "medium", "high", "critical")
RiskTier: TypeAlias = Literal["minimal", "limited", "high", "unacceptable"]
Effect: TypeAlias = Literal["none", "read", "write", "irreversible", "exec"]
EFFECTS: tuple[Effect, ...] = ("none", "read", "write", "irreversible", "exec")
"""From what changes nothing to what runs code."""
Strength: TypeAlias = Literal["hard", "soft", "async", "optional"]
Auth: TypeAlias = Literal["none", "key", "oauth", "mtls", "mandate"]
Purpose: TypeAlias = Literal[
    "call", "delegate", "approve", "stop", "deploy", "administer", "audit", "restore"
]
Check: TypeAlias = Literal["input", "output", "tool-call", "provenance", "sanitise", "egress"]
Failing: TypeAlias = Literal["open", "closed"]

HOURS_MAX = 1_000_000.0
COUNT_MAX = 1_000_000


def _check_day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise spelling.wrong(f"`{text}` is not a day", "write it like `2027-03-31`") from None
    return text


Day: TypeAlias = Annotated[
    str, AfterValidator(_check_day), WithJsonSchema({"type": "string", "format": "date"})
]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Percent: TypeAlias = Annotated[float, Field(ge=0, le=100)]
Hours: TypeAlias = Annotated[float, Field(gt=0, le=HOURS_MAX)]
Rate: TypeAlias = Annotated[float, Field(ge=0, le=1_000_000_000.0)]
Number: TypeAlias = Annotated[int, Field(ge=0, le=COUNT_MAX)]
Positive: TypeAlias = Annotated[int, Field(ge=1, le=COUNT_MAX)]
Names: TypeAlias = Annotated[list[Name], Field(max_length=LIST_MAX)]
NodeNames: TypeAlias = Annotated[list[Id], Field(max_length=LIST_MAX)]
Digest: TypeAlias = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class DataFact(Form):
    """Data that a node holds."""

    name: Name = Field(description="What people call it.")
    data_class: DataClass = Field(
        alias="class", description="How sensitive it is, from `public` to `secret`."
    )
    personal: bool | None = Field(default=None, description="Whether it is about people.")
    tenant_scoped: bool | None = Field(
        default=None, description="Whether each part of it belongs to one tenant."
    )
    residency: Names | None = Field(
        default=None, description="Regions where it may lie. Default: anywhere."
    )


class ToolFact(Form):
    """A tool that a node offers."""

    name: Name = Field(description="The tool's name.")
    effect: Effect | None = Field(
        default=None, description="The gravest thing that a call of it can do."
    )
    scopes: Names | None = Field(default=None, description="What a caller must be granted.")
    digest: Digest | None = Field(
        default=None, description="The approved definition, as `sha256:` and 64 hex digits."
    )


class ModelFact(Form):
    """Which model a node is."""

    provider: Name | None = Field(default=None, description="Who runs it.")
    id: Name | None = Field(default=None, description="Its full name, with version.")
    digest: Digest | None = Field(default=None, description="Its weights.")
    pinned: bool | None = Field(
        default=None,
        description="Whether the name stands for one version for ever. Default: judged by `digest` "
        "and `id`.",
    )


class BoundsFact(Form):
    """Where an agent's run ends by itself."""

    steps: Positive | None = Field(default=None, description="The most steps of one run.")
    tokens: Positive | None = Field(default=None, description="The most tokens of one run.")
    spend: Rate | None = Field(default=None, description="The most money of one run.")
    time_s: Seconds | None = Field(default=None, description="The longest run, in seconds.")


class NodeFacts(Form):
    """What is known of a node. All may be left out; what is left out is unknown."""

    owner: Name | None = Field(default=None, description="Who answers for it.")
    purpose: Text | None = Field(default=None, description="What it is meant for.")
    criticality: Importance | None = Field(
        default=None, description="How bad its loss is for the business."
    )
    risk_tier: RiskTier | None = Field(
        default=None, description="Its risk tier, as in the EU AI Act."
    )
    zone: Id | None = Field(
        default=None,
        description="The trust zone it runs in: what is in one zone reaches each other freely.",
    )
    trust: Trust | None = Field(default=None, description="Who runs it.")
    exposed: bool | None = Field(
        default=None, description="Whether it can be reached from the internet."
    )
    region: Name | None = Field(default=None, description="Where it runs.")
    data: Annotated[list[DataFact], Field(max_length=LIST_MAX)] | None = Field(
        default=None, description="Data it holds. An empty list says that it holds none."
    )
    clearance: DataClass | None = Field(
        default=None, description="The most sensitive class of data it may be given."
    )
    untrusted_content: bool | None = Field(
        default=None,
        description="Whether what it gives may be written by outsiders: web pages, mail, documents.",
    )
    sends_outside: bool | None = Field(
        default=None, description="Whether what it is given can leave the organisation."
    )
    executes: Literal["code", "sql", "shell", "browser"] | None = Field(
        default=None,
        description="What it runs of what it is given; `null` says that it runs nothing.",
    )
    effect: Effect | None = Field(
        default=None, description="The gravest thing that a call of it can do."
    )
    tools: Annotated[list[ToolFact], Field(max_length=LIST_MAX)] | None = Field(
        default=None, description="Tools it offers."
    )
    model: ModelFact | None = Field(default=None, description="Which model it is.")
    bounds: BoundsFact | None = Field(
        default=None,
        description="Where its runs end by themselves. What is left out in it has no bound; `null` "
        "says that nothing has.",
    )
    acts_as: Literal["self", "caller"] | None = Field(
        default=None,
        description="In whose name it calls on: with its own standing credential, or with its "
        "caller's.",
    )
    credentials: NodeNames | None = Field(
        default=None, description="Names of the credentials it holds; never the secrets."
    )
    stopped_by: NodeNames | None = Field(
        default=None, description="Nodes that can stop it, whatever it does itself."
    )
    checks: Annotated[list[Check], Field(max_length=LIST_MAX)] | None = Field(
        default=None, description="What a guard checks on what passes it."
    )
    fails: Failing | None = Field(
        default=None, description="Whether it lets calls pass when it cannot judge them."
    )
    bypass_rate: Share | None = Field(
        default=None, description="The share of attacks that a guard misses, as measured."
    )
    reviewers: Number | None = Field(default=None, description="How many people decide here.")
    approvals_per_hour: Rate | None = Field(
        default=None, description="How many approvals they can consider in an hour."
    )
    sandboxed: bool | None = Field(
        default=None, description="Whether what it runs is shut in: no secrets, no way out."
    )
    egress: Literal["none", "proxy", "open"] | None = Field(
        default=None, description="How it reaches the internet: not, by an allow-list, or freely."
    )
    encrypted_at_rest: bool | None = Field(
        default=None, description="Whether what it stores is encrypted."
    )
    partitioned: bool | None = Field(
        default=None, description="Whether each tenant's (for a memory: each user's) data is apart."
    )
    source_acl: bool | None = Field(
        default=None, description="Whether a reader sees only what he may see at the source."
    )
    append_only: bool | None = Field(
        default=None, description="Whether nothing written can be changed or removed."
    )
    retention_days: Number | None = Field(
        default=None,
        description="After how many days what it stores is removed; `null` says that it never is.",
    )
    stateful: bool | None = Field(default=None, description="Whether its loss loses data.")
    restore_tested: Day | None = Field(
        default=None, description="The day on which a backup was last restored."
    )
    restore_hours: Hours | None = Field(default=None, description="How long a restore takes.")
    replicas: Positive | None = Field(default=None, description="How many of it run.")
    replicas_needed: Positive | None = Field(
        default=None, description="How many of them must run. Default 1."
    )
    failure_domains: Names | None = Field(
        default=None,
        description="What it shares its fate with, as `zone:eu-1a`, `host:7`, `provider:acme`, "
        "`quota:team`, `ca:internal`. Replicas spread over all of one kind.",
    )
    capacity: Rate | None = Field(
        default=None, description="The most calls a second that one replica bears."
    )
    cold_start_needs: NodeNames | None = Field(
        default=None, description="Nodes that must be up for it to start, beside those it calls."
    )
    availability: Percent | None = Field(
        default=None, description="Its objective for availability, in percent of time."
    )
    logs_to: NodeNames | None = Field(default=None, description="Where what it does is recorded.")
    log_class: DataClass | None = Field(
        default=None, description="The most sensitive class that reaches those records."
    )
    alerts: Annotated[list[Literal["cost", "tokens", "errors", "latency"]], Field(max_length=4)] | (
        None
    ) = Field(default=None, description="What somebody is told of when it grows.")
    contract: Name | None = Field(
        default=None, description="With a third party: where the contract is."
    )
    exit_plan: Text | None = Field(
        default=None, description="With a third party: what is done when it goes."
    )
    repository: Name | None = Field(default=None, description="Where it is built from.")
    release: Name | None = Field(default=None, description="The version that is declared to run.")


class RelationshipFacts(Form):
    """What is known of a relationship. All may be left out; what is left out is unknown."""

    purpose: Purpose | None = Field(
        default=None, description="What passes over it. Default `call`."
    )
    strength: Strength | None = Field(
        default=None,
        description="How the source depends on the destination: `hard` fails with it, `soft` has a "
        "substitute, `async` waits in a queue, `optional` does without. Default `hard`.",
    )
    effect: Effect | None = Field(
        default=None, description="The gravest thing the source may do over it."
    )
    carries: DataClass | None = Field(
        default=None, description="The most sensitive class of data that passes, either way."
    )
    auth: Auth | None = Field(default=None, description="How the source proves who it is.")
    encrypted: bool | None = Field(
        default=None, description="Whether it is encrypted on the way. Default: by `protocol`."
    )
    scopes: Names | None = Field(default=None, description="What the source is granted.")
    scopes_needed: Names | None = Field(
        default=None, description="What of it the declared flows need."
    )
    acts_as: Literal["self", "caller"] | None = Field(
        default=None, description="In whose name it is used; goes before the node's own."
    )
    revalidates: bool | None = Field(
        default=None, description="Whether the destination judges anew what it is handed."
    )
    alternative_to: Id | None = Field(
        default=None, description="The relationship that it stands in for: a fallback, a bypass."
    )
    timeout_s: Seconds | None = Field(
        default=None,
        description="Where Holdfast does not carry it: how long the source waits. `null`: for ever.",
    )
    retries: Number | None = Field(
        default=None, description="Where Holdfast does not carry it: how often it tries again."
    )
    retry_budget: bool | None = Field(
        default=None, description="Whether those retries have a budget or a circuit breaker."
    )
    buffer_hours: Hours | None = Field(
        default=None, description="Of an `async` one: how long its queue bears an outage."
    )
    calls_per_hour: Rate | None = Field(default=None, description="How often it is used.")
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, description="The destination's port. Default: its upstream's or interface's."
    )


class FlowFacts(Form):
    """What is known of a flow. All may be left out; what is left out is unknown."""

    owner: Name | None = Field(default=None, description="Who answers for it.")
    criticality: Importance | None = Field(
        default=None, description="How bad it is when it does not work."
    )
    purpose: Text | None = Field(default=None, description="What it is for.")
    risk_tier: RiskTier | None = Field(
        default=None, description="Its risk tier, as in the EU AI Act."
    )
    availability: Percent | None = Field(
        default=None, description="Its objective for availability, in percent of time."
    )
    runs_per_hour: Rate | None = Field(default=None, description="How often it runs.")
