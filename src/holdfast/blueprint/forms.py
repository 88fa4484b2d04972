"""The file as people write it: the short form of CALM 1.2, field by field.

These models judge shape only; meaning across fields is judged in ``checks``. Every description
here is what an editor shows on hover and what the reference prints.
"""

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from holdfast.blueprint import controls as settled
from holdfast.blueprint import spelling
from holdfast.blueprint.console_forms import ConsoleForm
from holdfast.blueprint.control_forms import ControlForm
from holdfast.blueprint.demand_forms import IdentityForm
from holdfast.blueprint.facts import FlowFacts, NodeFacts, RelationshipFacts
from holdfast.blueprint.fields import (
    LIST_MAX,
    EnvName,
    Form,
    Id,
    Metadata,
    Name,
    NodeType,
    PolicyKey,
    PolicyName,
    Seconds,
    Secret,
    Size,
    Text,
    TrustDomain,
    Url,
    Value,
)
from holdfast.blueprint.objective_forms import ObjectivesForm
from holdfast.blueprint.people_forms import ProvidersForm
from holdfast.blueprint.resilience import Criticality
from holdfast.blueprint.resilience_forms import (
    PRIORITY_MAX,
    WEIGHT_MAX,
    BreakerForm,
    BudgetForm,
    BulkheadForm,
    CacheForm,
    ConcurrencyForm,
    EjectionForm,
    FallbackForm,
    HealthForm,
    HedgeForm,
    PriceForm,
    RetriesForm,
    RoutingForm,
)
from holdfast.blueprint.review_forms import ReviewForm
from holdfast.blueprint.tool_forms import ToolsForm

Protocol: TypeAlias = Literal[
    "HTTP", "HTTPS", "FTP", "SFTP", "JDBC", "WebSocket", "SocketIO", "LDAP", "AMQP", "TLS", "mTLS",
    "TCP",
]  # fmt: skip


class UpstreamForm(Form):
    """Where the node answers; what makes it callable through Holdfast."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["url"]}, {"required": ["command"]}]},
    )

    url: Url | None = Field(
        default=None,
        description="Base URL of the node's API, up to and including its version: "
        "`http://127.0.0.1:11434/v1` for Ollama; of an MCP server its endpoint, such as "
        "`https://tools.example/mcp`. No user, password, query or fragment.",
    )
    dialect: settled.Dialect = Field(
        default="openai",
        description="The API the node speaks. `openai`: chat completions, completions, embeddings. "
        "`mcp`: the Model Context Protocol.",
    )
    command: Annotated[list[Name], Field(min_length=1, max_length=LIST_MAX)] | None = Field(
        default=None,
        description="In place of `url`: how an MCP server on this machine is started, as a program "
        "and its arguments, by no shell. Only in a signed blueprint.",
    )
    env: Annotated[dict[EnvName, Value], Field(max_length=LIST_MAX)] | None = Field(
        default=None,
        description="The whole environment of the program that `command` starts: text, or "
        "`env:NAME` and `file:PATH` for secrets.",
    )
    cwd: Name | None = Field(
        default=None,
        description="The folder in which `command` runs, relative to the blueprint. Default: the "
        "blueprint's own.",
    )
    model: Name | None = Field(
        default=None,
        description="The name the upstream knows the model by; the node's id when left out.",
    )
    api_key: Secret | None = Field(
        default=None,
        description="Where the upstream's key is kept: `env:NAME` (an environment variable) or "
        "`file:PATH`. Never the key itself.",
    )
    insecure_plain_http: bool = Field(
        default=False,
        description="Allow unencrypted http to another machine. Prompts and answers can then be "
        "read and changed on the way.",
    )
    weight: Annotated[int, Field(ge=0, le=WEIGHT_MAX)] = Field(
        default=1,
        description="Its part of the calls among the upstreams of one node; with 0 it is used only "
        "when the others are out.",
    )
    priority: Annotated[int, Field(ge=0, le=PRIORITY_MAX)] = Field(
        default=0,
        description="Upstreams of the lowest number come first; the next take what these cannot.",
    )


class TimeoutsForm(Form):
    """How long to wait, in seconds, more than 0 and at most 86400."""

    connect_s: Seconds | None = Field(
        default=None, description="Seconds for the connection to stand. Default 5."
    )
    first_byte_s: Seconds | None = Field(
        default=None,
        description="Seconds from the sent request to the answer's first byte. Default 60.",
    )
    idle_s: Seconds | None = Field(
        default=None, description="Seconds between two pieces of an answer. Default 30."
    )
    total_s: Seconds | None = Field(
        default=None,
        description="Seconds for the whole call. Default 600. The other timeouts, where not "
        "written beside it, never exceed it.",
    )


class LimitsForm(Form):
    """How much may pass. Sizes are bytes, or text such as `512KiB` or `10MB`."""

    request_bytes: Size | None = Field(
        default=None, description="The largest request body. Default 10MiB."
    )
    answer_bytes: Size | None = Field(
        default=None, description="The largest answer body. Default 32MiB."
    )
    max_tokens: Annotated[int, Field(ge=1, le=settled.MAX_TOKENS_MAX)] | None = Field(
        default=None, description="The most tokens one call may ask for. Default: no limit."
    )
    connections: Annotated[int, Field(ge=1, le=settled.CONNECTIONS_MAX)] | None = Field(
        default=None,
        description="The most connections to the upstream, per worker process. Default 2048.",
    )


class _ControlsForm(Form):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, ControlForm]  # pyright: ignore[reportIncompatibleVariableOverride]

    timeouts: TimeoutsForm | None = Field(
        default=None,
        description="How long a call may wait. What a relationship does not set, its destination "
        "node sets; what neither sets has a default.",
    )
    limits: LimitsForm | None = Field(
        default=None,
        description="How much a call may carry; settled like timeouts.",
    )
    retries: RetriesForm | None = Field(
        default=None,
        description="When a call may be tried again. Settled field by field, like timeouts, as "
        "are `fallback`, `hedge` and `cache`.",
    )
    fallback: FallbackForm | None = Field(
        default=None, description="Whom to ask when the node cannot answer. Default: nobody."
    )
    hedge: HedgeForm | None = Field(
        default=None,
        description="When a second upstream is asked beside a slow one. Default: never.",
    )
    cache: CacheForm | None = Field(
        default=None, description="Give the same answer to the same request. Default: never."
    )
    identity: IdentityForm | None = Field(
        default=None,
        description="How callers prove who they are and what they may do. A relationship may demand "
        "more than its destination node does, never less.",
    )
    budget: BudgetForm | None = Field(
        default=None,
        description="What may be spent: on a relationship by its calls, on a node by the calls it "
        "makes and takes. Every budget that a call comes under counts. Default: no limit.",
    )
    bulkhead: BulkheadForm | None = Field(
        default=None,
        description="How many calls may be under way; counts like `budget`. Default: no limit.",
    )
    objectives: ObjectivesForm | None = Field(
        default=None,
        description="What calls are held to: on a relationship its calls, on a node the calls to "
        "it. Nothing is handed down. Default: nothing is promised.",
    )
    tools: ToolsForm | None = Field(
        default=None,
        description="Which tools of an MCP server may be used, and how. A relationship narrows "
        "what the server's node says. Default: all that are approved.",
    )


class NodeControlsForm(_ControlsForm):
    """What holds for every call to the node. Other keys are CALM controls."""

    upstream: UpstreamForm | None = Field(
        default=None,
        description="Where the node answers. A model that is called needs one, or is "
        "`composed-of` nodes that have one each.",
    )
    routing: RoutingForm | None = Field(
        default=None, description="How a call chooses among the upstreams of the node."
    )
    breaker: BreakerForm | None = Field(
        default=None,
        description="When the upstream is left alone. Like `health`, `concurrency`, `price`, "
        "`timeouts.connect_s` and `limits.connections`, it also holds for the nodes this one is "
        "`composed-of`, as far as they do not write their own.",
    )
    ejection: EjectionForm | None = Field(
        default=None, description="When one of several upstreams is left out."
    )
    health: HealthForm | None = Field(
        default=None,
        description="How the upstream is asked whether it is well. Default: it is not asked.",
    )
    concurrency: ConcurrencyForm | None = Field(
        default=None, description="How many calls may be under way at an upstream, and who waits."
    )
    price: PriceForm | None = Field(
        default=None, description="What a million tokens cost. Budgets of money need it."
    )


class RelationshipControlsForm(_ControlsForm):
    """What holds for calls over the relationship. Other keys are CALM controls."""

    criticality: Criticality | None = Field(
        default=None,
        description="How dear its calls are: under overload `sheddable` go first, `critical` last. "
        "Default `standard`.",
    )


class InterfaceForm(Form):
    """A way in to the node. Any further fields are kept as they are."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]  # pyright: ignore[reportIncompatibleVariableOverride]

    url: Name | None = Field(default=None, description="Its address, for people to read.")


class DetailsForm(Form):
    """What is drawn of a node elsewhere, in CALM's words."""

    detailed_architecture: Text | None = Field(
        default=None,
        alias="detailed-architecture",
        description="URL of the architecture of what is inside.",
    )
    required_pattern: Text | None = Field(
        default=None,
        alias="required-pattern",
        description="URL of the pattern that this architecture must meet; reviews check that it does.",
    )


class NodeForm(Form):
    """A part of the system: a person, service, agent, model, tool, store. The key is its id."""

    type: NodeType = Field(
        description="What it is: a CALM node type, an AI one (`ai:llm`, `ai:agent`, ...), or one "
        "of your own that starts with `x-`."
    )
    name: Name | None = Field(
        default=None, description="What people call it. Default: made from the id."
    )
    description: Text = Field(description="What it does, in a sentence.")
    interfaces: dict[str, InterfaceForm] | None = Field(
        default=None,
        description="Its ways in, by id. Ids are unique across the whole blueprint.",
        json_schema_extra={"propertyNames": spelling.ID_SCHEMA},
    )
    details: DetailsForm | None = Field(
        default=None, description="The architecture inside it, and what that must be."
    )
    controls: NodeControlsForm | None = Field(
        default=None, description="What must hold for every call to it."
    )
    facts: NodeFacts = Field(
        default=NodeFacts(),
        description="What is known of it, for reviews, drift and blast radius.",
    )
    metadata: Metadata = Field(
        default=None,
        description="Anything else worth keeping. Plain values become `labels` that policies see.",
    )


class _EndpointForm(Form):
    """A node, and which of its interfaces."""

    node: Name = Field(description="The node's id.")
    interfaces: Annotated[list[Name], Field(max_length=LIST_MAX)] | None = Field(
        default=None, description="Ids of the interfaces used, all of that node."
    )


EndpointForm: TypeAlias = Annotated[
    _EndpointForm, BeforeValidator(spelling.read_endpoint), WithJsonSchema(spelling.ENDPOINT_SCHEMA)
]
Nodes: TypeAlias = Annotated[list[Name], Field(min_length=1, max_length=LIST_MAX)]


class InteractsForm(Form):
    """A person (or other actor) uses nodes."""

    actor: Name = Field(description="Id of the node that acts.")
    nodes: Nodes = Field(description="Ids of the nodes it uses.")


class ContainerForm(Form):
    """A container and what is in it."""

    container: Name = Field(description="Id of the node that contains.")
    nodes: Nodes = Field(description="Ids of the nodes inside.")


class ChoiceForm(Form):
    """One way a decision may go."""

    description: Text = Field(description="What this choice means.")
    nodes: Annotated[list[Name], Field(max_length=LIST_MAX)] = Field(
        description="Ids of the nodes it brings; may be empty."
    )
    relationships: Annotated[list[Name], Field(max_length=LIST_MAX)] = Field(
        description="Ids of the relationships it brings; may be empty."
    )
    controls: Annotated[list[Name], Field(max_length=LIST_MAX)] | None = Field(
        default=None, description="Names of the controls it brings."
    )


class RelationshipForm(Form):
    """How nodes stand to each other: exactly one of connects, interacts, deployed-in, composed-of,
    options."""

    LINKS: ClassVar = ("connects", "interacts", "deployed-in", "composed-of", "options")
    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [link]} for link in LINKS]},
    )

    id: Id = Field(description="Unique across nodes, relationships and interfaces.")
    connects: Annotated[list[EndpointForm], Field(min_length=2, max_length=2)] | None = Field(
        default=None,
        description="`[source, destination]`: the source may call the destination. Each is a "
        "node's id, or `{node: id, interfaces: [id]}`. Calls nobody declared are refused.",
    )
    interacts: InteractsForm | None = Field(default=None, description="Who uses what.")
    deployed_in: ContainerForm | None = Field(
        default=None, alias="deployed-in", description="What runs where."
    )
    composed_of: ContainerForm | None = Field(
        default=None, alias="composed-of", description="What is made of what."
    )
    options: Annotated[list[ChoiceForm], Field(min_length=1, max_length=LIST_MAX)] | None = Field(
        default=None, description="A decision left open, with its choices."
    )
    protocol: Protocol | None = Field(
        default=None, description="How they talk, in CALM's words. For people to read."
    )
    description: Text | None = Field(default=None, description="What passes, and why.")
    controls: RelationshipControlsForm | None = Field(
        default=None,
        description="What must hold for calls over it; all but CALM controls are for `connects`.",
    )
    facts: RelationshipFacts = Field(
        default=RelationshipFacts(),
        description="What is known of it, for reviews, drift and blast radius.",
    )
    metadata: Metadata = Field(default=None, description="Anything else worth keeping.")


class StepForm(Form):
    """One step of a flow."""

    over: Name = Field(description="Id of the relationship (`connects` or `interacts`) it takes.")
    description: Text = Field(description="What happens in this step.")
    back: bool = Field(default=False, description="Goes from destination to source: an answer.")


class FlowForm(Form):
    """A journey through the system, step by step."""

    id: Id = Field(description="Unique among flows and nodes.")
    name: Name = Field(description="What people call it.")
    description: Text = Field(description="What it achieves.")
    steps: Annotated[list[StepForm], Field(min_length=1, max_length=LIST_MAX)] = Field(
        description="In order. Each starts at a node the flow has reached."
    )
    facts: FlowFacts = Field(
        default=FlowFacts(), description="What is known of it, for reviews and blast radius."
    )
    controls: Annotated[dict[Name, ControlForm], Field(max_length=LIST_MAX)] | None = Field(
        default=None, description="CALM controls: carried, shown and reviewed."
    )
    metadata: Metadata = Field(default=None, description="Anything else worth keeping.")


class BlueprintForm(Form):
    """A Holdfast blueprint: an AI system declared once, as nodes and the relationships over which
    calls may pass. A short form of FINOS CALM 1.2."""

    holdfast: Literal[1] = Field(description="The format's version: 1.")
    name: Name = Field(description="The system's name.")
    description: Text = Field(default="", description="What the system is for.")
    tenant: Id = Field(
        default="default", description="Whose system it is; part of every principal's name."
    )
    trust_domain: TrustDomain = Field(
        default="holdfast.local",
        description="The SPIFFE trust domain of its principals: "
        "`spiffe://<trust_domain>/t/<tenant>/<kind>/<node>`.",
    )
    nodes: Annotated[dict[str, NodeForm], Field(min_length=1)] = Field(
        description="The parts of the system, by id: lower-case letters, digits and dashes.",
        json_schema_extra={"propertyNames": spelling.ID_SCHEMA},
    )
    relationships: list[RelationshipForm] | None = Field(
        default=None, description="How they stand to each other; who may call whom."
    )
    flows: list[FlowForm] | None = Field(
        default=None, description="Journeys through the system, for people and reviews."
    )
    policies: Annotated[list[PolicyName], Field(max_length=LIST_MAX)] | None = Field(
        default=None,
        description="Cedar files (`.cedar`), Rego files (`.rego`) and bundles (`.hfpolicy`), "
        "relative to the blueprint. They narrow what is declared; none can allow a call over an "
        "undeclared relationship.",
    )
    policy_keys: Annotated[list[PolicyKey], Field(max_length=LIST_MAX)] | None = Field(
        default=None,
        description="Thumbprints (RFC 7638) of the keys one of which must have signed each file of "
        "`policies`; then all must be bundles. Default: no signature is asked for.",
    )
    people: ProvidersForm | None = Field(
        default=None, description="Where people log in. Default: nowhere; then nobody can."
    )
    console: ConsoleForm | None = Field(
        default=None, description="Who may do what at the console. Default: nobody of `people`."
    )
    budget: BudgetForm | None = Field(
        default=None,
        description="What the tenant may spend: all calls of this file. Default: no limit.",
    )
    bulkhead: BulkheadForm | None = Field(
        default=None,
        description="How many calls of the tenant may be under way at once. Default: no limit.",
    )
    objectives: ObjectivesForm | None = Field(
        default=None,
        description="What all calls of the system are held to. Default: nothing is promised.",
    )
    facts: FlowFacts = Field(
        default=FlowFacts(),
        description="What is known of the system as a whole; flows that say nothing inherit it.",
    )
    review: ReviewForm = Field(
        default=ReviewForm(), description="What reviews of this system take into account."
    )
    controls: Annotated[dict[Name, ControlForm], Field(max_length=LIST_MAX)] | None = Field(
        default=None, description="CALM controls of the whole system: carried, shown and reviewed."
    )
    metadata: Metadata = Field(default=None, description="Anything else worth keeping.")
    adrs: Annotated[list[Name], Field(max_length=LIST_MAX)] | None = Field(
        default=None, description="Links to architecture decision records."
    )
