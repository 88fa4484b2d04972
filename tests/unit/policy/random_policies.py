"""Random policies over a small system, for properties; well typed, so that each passes the schema."""

import json

from hypothesis import strategies as st

from holdfast.blueprint import PROOFS, load
from holdfast.policy import ACTIONS, ATTESTED, Facts

NODES = {
    "desk": ("service", {"region": "eu", "size": 3, "open": True}),
    "shelf": ("service", {"region": "us", "size": 40}),
    "model": ("ai:llm", {"region": "eu"}),
    "other": ("ai:llm", {}),
}
PAIRS = [("desk", "model"), ("shelf", "model"), ("desk", "other")]
WORDS = ("alpha", "beta", "r0", "key", "wpt", "none", "warning")


def system(policies, *, name="own.cedar", pairs=PAIRS, **more):
    """A blueprint of the small system whose one file of policies has this text."""
    upstream = {"upstream": {"url": "http://127.0.0.1:1/v1"}}
    data = {
        "holdfast": 1,
        "name": "x",
        "nodes": {
            node: {"type": kind, "description": "d", "controls": upstream, "metadata": labels}
            for node, (kind, labels) in NODES.items()
        },
        "relationships": [{"id": f"r{i}", "connects": list(pair)} for i, pair in enumerate(pairs)],
        "policies": [name],
        **more,
    }
    return load(json.dumps(data), source="f.yaml", read=lambda _: policies)


FACTS = st.builds(
    Facts,
    stream=st.booleans(),
    tools=st.booleans(),
    max_tokens=st.none() | st.integers(-2, 12) | st.sampled_from([2**63 - 1, -(2**63)]),
    relationship=st.none() | st.sampled_from(["r0", "r1"]),
    tool=st.none() | st.sampled_from(WORDS),
    proof=st.sampled_from(PROOFS),
    depth=st.integers(0, 4),
    tier=st.none() | st.integers(0, 4),
    attested=st.sampled_from(ATTESTED),
    on_behalf_of=st.none() | st.sampled_from(WORDS),
)
CALLS = st.tuples(st.sampled_from(PAIRS), st.sampled_from(ACTIONS))

SCOPES = st.sampled_from(
    [
        "principal, action, resource",
        'principal == Holdfast::Service::"desk", action, resource',
        'principal, action == Holdfast::Action::"embed", resource',
        'principal, action in [Holdfast::Action::"call", Holdfast::Action::"list"], resource',
        'principal, action, resource == Holdfast::Model::"model"',
        "principal is Holdfast::Service, action, resource is Holdfast::Model",
        'principal, action, resource in Holdfast::Callees::"shelf"',
        'principal is Holdfast::Service, action, resource in Holdfast::Model::"other"',
    ]
)
TEXTS = st.sampled_from(WORDS).map(json.dumps)
LONGS = st.integers(-1, 11).map(str)
FAILING = "(context has max_tokens && context.max_tokens + 9223372036854775807 > 5)"
ATOMS = st.one_of(
    st.sampled_from(
        [
            "context.stream",
            "context.tools",
            "true",
            "false",
            "context has tool",
            "context has tier",
            'principal.labels has region && principal.labels.region == "eu"',
            'resource.labels has region && resource.labels.region == "eu"',
            "principal.labels has size && principal.labels.size < 10",
            "resource in principal.callees",
            'principal == Holdfast::Service::"shelf"',
            'resource in [Holdfast::Callees::"shelf", Holdfast::Callees::"desk"]',
            'action == Holdfast::Action::"embed"',
            'principal.name like "d*"',
            FAILING,
        ]
    ),
    TEXTS.map(lambda text: f"(context has tool && context.tool == {text})"),
    TEXTS.map(lambda text: f"context.proof == {text}"),
    TEXTS.map(lambda text: f"{text} == context.attested"),
    TEXTS.map(
        lambda text: f'(context has on_behalf_of && context.on_behalf_of like {text[:-2]}*")'
    ),
    st.lists(TEXTS, min_size=1, max_size=3).map(
        lambda texts: f"(context has tool && [{', '.join(texts)}].contains(context.tool))"
    ),
    LONGS.map(lambda long: f"(context has max_tokens && context.max_tokens > {long})"),
    LONGS.map(lambda long: f"context.depth <= {long}"),
    LONGS.map(lambda long: f"context.depth - {long} == 1"),
    LONGS.map(lambda long: f"(context has tier && context.tier * 2 >= {long})"),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
            lambda three: f"({three[0]}) {three[1]} ({three[2]})"
        ),
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, inner, inner).map(
            lambda three: f"if ({three[0]}) then ({three[1]}) else ({three[2]})"
        ),
    ),
    max_leaves=5,
)
CLAUSES = st.one_of(
    st.just(""),
    CONDITIONS.map(lambda one: f"when {{ {one} }}"),
    CONDITIONS.map(lambda one: f"unless {{ {one} }}"),
    st.tuples(CONDITIONS, CONDITIONS).map(lambda two: f"when {{ {two[0]} }} unless {{ {two[1]} }}"),
)
MARKS = st.sampled_from(
    ["", "", "", '@mode("trial") ', '@cap_tokens("7") ', '@redact("ip,email") @sample("0.5") ']
)


@st.composite
def statements(draw, marks=MARKS, scopes=SCOPES):
    effect, mark = draw(st.sampled_from(["permit", "forbid"])), draw(marks)
    if effect == "forbid" and "trial" not in mark:
        mark = ""
    return f"{mark}{effect} ({draw(scopes)}) {draw(CLAUSES)};"


def texts(min_size=0, max_size=6, marks=MARKS, scopes=SCOPES):
    return st.lists(statements(marks, scopes), min_size=min_size, max_size=max_size).map("\n".join)
