"""Strategies: documents of CALM as anybody may write them, and blueprints as ours may be."""

from hypothesis import strategies as st

WORDS = [
    "Payments",
    "the desk",
    "PII: no",
    "yes",
    "1.5",
    "naïve — text",
    "#",
    "a\nb",
    "\u2028x",
    "x" * 210,
]
IDS = ["desk", "Desk", "desk.api", "DESK-2", "modèle", "模型", "a" * 80, "node 1", "n-1", "x", "7"]
TYPES = [
    "service",
    "ai:agent",
    "ai:llm",
    "ai:mcp-server",
    "actor",
    "x-own",
    "aws:Lambda",
    "模",
    "database",
]
KEYS = [
    "data-classification",
    "run-as",
    "facts",
    "calm",
    "holdfast",
    "metadata",
    "original",
    "naïve key",
]
PROTOCOLS = ["HTTP", "HTTPS", "mTLS", "AMQP"]

texts = st.sampled_from(WORDS)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 10**18, -(10**30), 2**63, 0.5, 1.0, 1e22, 1e-7, -0.0]),
    texts,
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=2)
    ),
    max_leaves=4,
)
deep = st.just({"a": [[[[[[[[[[[[[[[[[[[[[["deep"]]]]]]]]]]]]]]]]]]]]]]})
extras = st.dictionaries(st.sampled_from(KEYS[:2] + KEYS[-1:]), values, max_size=1)
holdfast = st.sampled_from([
    {"facts": {"owner": "desk"}},
    {"facts": {"unheard-of": 1}},
    {"facts": {}},
    {},
    {"metadata": {}},
    {"metadata": {"calm": {"original": {"node-type": "old"}}}},
    {"id": "other-id"},
    {"id": "Not usable"},
    "text",
])  # fmt: skip
calm = st.sampled_from([
    {"original": {"node-type": "foreign", "protocol": "gRPC"}},
    {"id": "Another"},
    {"assumed": {"controls": {"upstream": {"url": "http://127.0.0.1:8000/v1"}}}},
    {"without": ["description", "$schema"]},
    {"controls": [{"name": "x", "is": 5}]},
    {"interfaces": {"x": "Y"}},
    "text",
])  # fmt: skip
mappings = st.fixed_dictionaries(
    {}, optional={"tier": values, "note": texts, "holdfast": holdfast, "calm": calm, "deep": deep}
)
metadata = mappings | st.lists(mappings, max_size=2)


def _sometimes(**fields):
    return st.fixed_dictionaries({}, optional=fields)


requirements = st.builds(
    lambda url, met, extra: {"requirement-url": url, **met, **extra},
    st.sampled_from(["https://example.org/r", "urn:holdfast:control:timeouts"]),
    st.sampled_from([
        {"config": {"total_s": 5}},
        {"config": {"holdfast": "timeouts"}},
        {"config": {"value": "critical"}},
        {"config-url": "https://example.org/c"},
    ]),
    extras,
)  # fmt: skip
controls = st.dictionaries(
    st.sampled_from(["timeouts", "limits", "encryption", "Odd_Name", "upstream", "criticality"]),
    st.builds(
        lambda text, listed, extra: {"description": text, "requirements": listed, **extra},
        texts,
        st.lists(requirements, max_size=2),
        extras | st.sampled_from([{"implemented-by": ["timeouts"]}, {"implemented-by": []}]),
    ),
    max_size=2,
)
interfaces = st.sampled_from([
    {"url": "https://model.example/v1"},
    {"host": "model.internal", "port": 8443},
    {"url": "http://plain.example"},
    {"definition-url": "https://example.org/i", "config": {"host": "h", "port": 1}},
    {"url": 5},
    {"port": -1, "url": "[[ URL ]]"},
])  # fmt: skip
details = st.sampled_from([
    {"required-pattern": "p"},
    {"detailed-architecture": "d", "required-pattern": "p"},
    {"detailed-architecture": "d", "naïve key": 1},
    {"required-pattern": 5},
    {"required-pattern": ""},
    {},
])  # fmt: skip


@st.composite
def documents(draw):
    """An architecture that CALM's schema and lint let pass."""
    names = draw(st.lists(st.sampled_from(IDS), min_size=0, max_size=4, unique=True))
    nodes = [_node(draw, name) for name in names]
    relationships = []
    if names:
        kinds = draw(
            st.lists(
                st.sampled_from(["connects", "interacts", "composed-of", "options"]), max_size=4
            )
        )
        relationships = [_relationship(draw, f"r {number}" if number % 2 else f"r-{number}", kind, names)
                         for number, kind in enumerate(kinds)]  # fmt: skip
    flows = [_flow(draw, relationships, names) for _ in range(draw(st.integers(0, 2)))]
    found = {"nodes": nodes, "relationships": relationships}
    if flows or draw(st.booleans()):
        found["flows"] = [flow for flow in flows if flow]
    found |= draw(
        _sometimes(
            **{
                "$schema": st.sampled_from(
                    ["https://calm.finos.org/release/1.2/meta/calm.json", "https://example.org/p"]
                )
            },
            title=texts | st.just(5),
            description=texts,
            metadata=metadata,
            controls=controls,
            adrs=st.lists(texts, max_size=2),
            extra=values,
        )
    )
    return found


def _node(draw, name):
    found = {
        "unique-id": name,
        "node-type": draw(st.sampled_from(TYPES)),
        "name": draw(texts),
        "description": draw(texts),
    }
    more = draw(_sometimes(metadata=metadata, controls=controls, details=details))
    if draw(st.booleans()):
        found["interfaces"] = [{"unique-id": f"{name} i", **draw(interfaces)}]
    return found | more | draw(extras)


def _relationship(draw, name, kind, names):
    one, other = draw(st.sampled_from(names)), draw(st.sampled_from(names))
    link = {
        "connects": {"source": {"node": one}, "destination": {"node": other, **draw(extras)}},
        "interacts": {"actor": one, "nodes": [other]},
        "composed-of": {"container": one, "nodes": [other]},
        "options": [
            {
                "description": "d",
                "nodes": [one, "gone"][: draw(st.integers(1, 2))],
                "relationships": [],
            }
        ],
    }[kind]
    found = {"unique-id": name, "relationship-type": {kind: link}}
    more = _sometimes(
        description=texts, protocol=st.sampled_from(PROTOCOLS), metadata=metadata, controls=controls
    )
    return found | draw(more) | draw(extras)


def _flow(draw, relationships, names):
    if not relationships:
        return None
    used = draw(st.lists(st.sampled_from(relationships), min_size=1, max_size=3))
    numbers = draw(st.permutations(range(draw(st.integers(0, 2)), 6)))
    way = st.sampled_from(
        [{}, {"direction": "source-to-destination"}, {"direction": "destination-to-source"}]
    )
    steps = [
        {
            "relationship-unique-id": item["unique-id"],
            "sequence-number": number,
            "description": draw(texts),
            **draw(way),
        }
        for item, number in zip(
            used, sorted(numbers[: len(used)]) if draw(st.booleans()) else numbers, strict=False
        )
    ]
    name = draw(st.sampled_from([*names, "journey", "Journey"]))
    found = {
        "unique-id": name,
        "name": draw(texts),
        "description": draw(texts),
        "transitions": steps,
    }
    return (
        found
        | draw(_sometimes(metadata=metadata, controls=controls))
        | draw(_sometimes(**{"requirement-url": texts}))
    )


facts = st.sampled_from(
    [
        {},
        {"owner": "desk"},
        {"data": [], "exposed": False},
        {"restore_hours": 2.5, "retention_days": None},
    ]
)
own_controls = st.sampled_from([
    None,
    {},
    {"timeouts": {"total_s": 20}, "limits": {"request_bytes": "64KiB", "max_tokens": 100}},
    {"identity": {"proofs": ["mtls"], "mandate": True}},
    {"objectives": {"availability": "99.9%", "duration": {"within_ms": 0.5, "share": 0.9}}},
    {"timeouts": None},
])  # fmt: skip
written_controls = st.dictionaries(
    st.sampled_from(["encryption", "calm-x"]),
    st.sampled_from([
        {"description": "d", "requirements": []},
        {"description": "d", "requirements": [{"requirement-url": "u", "config": {"a": None, "f": 0.5}}]},
        {"description": "d", "requirements": [{"requirement-url": "u", "config": {"holdfast": "timeouts"}}]},
        {"description": "d", "requirements": [{"requirement-url": "u", "config-url": "c", "config": None}]},
    ]),
    max_size=2,
)  # fmt: skip
NAMES = ["desk", "model-a", "model-b", "notes"]


@st.composite
def blueprints(draw):
    """The plain values of a blueprint that ``load`` takes."""
    writable = metadata.filter(
        lambda value: (
            "10000000" not in repr(value)
            and "deep" not in repr(value)
            and str(2**63) not in repr(value)
        )
    )
    rest = _sometimes(metadata=writable | st.none())
    nodes = {
        name: {
            "type": "ai:llm" if name.startswith("model") else "ai:agent",
            "description": draw(st.sampled_from(WORDS)),
            "facts": draw(facts),
            **draw(rest),
        }
        for name in NAMES
    }
    for name in ("model-a", "model-b"):
        nodes[name]["controls"] = {
            "upstream": {"url": "http://127.0.0.1:8000/v1", "api_key": "env:KEY"},
            **(draw(own_controls) or {}),
            **draw(written_controls),
        }
    nodes["desk"]["interfaces"] = draw(
        st.sampled_from(
            [{}, {"desk-in": {"url": None}}, {"desk-in": {"port": 5, "x": [0.5, None]}}]
        )
    )
    links = [
        {"id": "asks-a", "connects": ["desk", {"node": "model-a"}], "protocol": "HTTP"},
        {"id": "asks-b", "connects": ["desk", "model-b"], "controls": draw(own_controls), "description": None},
        {"id": "uses", "interacts": {"actor": "notes", "nodes": ["desk"]}},
        {"id": "open", "options": [{"description": "d", "nodes": ["desk"], "relationships": ["asks-a"], "controls": ["c"]}]},
    ]  # fmt: skip
    for link in links:
        link.update(draw(rest))
    whole = {
        "holdfast": 1,
        "name": draw(st.sampled_from(["Desk", "yes", "a: b"])),
        "nodes": nodes,
        "relationships": links,
    }
    if draw(st.booleans()):
        steps = [{"over": "uses", "description": "a"}, {"over": "asks-a", "description": "b", "back": False},
                 {"over": "asks-a", "description": "c", "back": True}]  # fmt: skip
        flow = {
            "id": "journey",
            "name": "n",
            "description": "d",
            "steps": steps,
            "facts": draw(facts.filter(lambda f: f.keys() <= {"owner"})),
        }
        whole["flows"] = [flow | draw(rest)]
    system = _sometimes(
        tenant=st.just("legal"),
        trust_domain=st.just("example.org"),
        description=texts,
        facts=st.sampled_from([{}, {"owner": "desk"}]),
        review=st.sampled_from(
            [{}, {"levels": {"TB-*": "block"}, "limits": {"delegation_depth": 2}}]
        ),
        people=st.just(
            [{"issuer": "https://login.example", "client_id": "c", "client_secret": "file:s"}]
        ),
        bulkhead=st.sampled_from([None, {"calls": 5}]),
        objectives=st.sampled_from(
            [None, {"duration": {"within_ms": 5, "share": "9%", "days": 3}}]
        ),
        controls=written_controls,
        adrs=st.sampled_from([None, [], ["https://example.org/adr/1"]]),
        policies=st.sampled_from([None, [], ["a.cedar"]]),
    )
    return whole | draw(system) | draw(rest)
