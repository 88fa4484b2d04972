"""Random authorities and asks over few words, so that they often touch."""

from hypothesis import strategies as st

from holdfast.core import Instant
from holdfast.identity.authority import (
    Allowance,
    ArgumentLimit,
    Ask,
    Authority,
    Classification,
    meet,
    one_of,
)

LOCATIONS = ["https://a.example/mcp", "https://b.example", "spiffe://hf/t/x/tool/docs"]
ACTIONS = ["call", "read", "prompt"]
PINS = ["0" * 64, "1" * 64]
TOOL_NAMES = ["find", "send"]
TOOLS = TOOL_NAMES + [f"{name}@{pin}" for name in TOOL_NAMES for pin in PINS]
MODELS = ["small", "large"]
PATHS = ["/", "/docs", "/docs/a", "/docs/a/b", "/docs/ab", "docs", "s3://x", "s3://x/a"]
SCALARS = ["/docs/a", "/docs/a/b/c", "/docs/../a", "docs/x", "s3://x/a/b", 0, 1, 5, True, None, "1"]
VALUES = [*SCALARS, 1.0, 2.5, -1, [1], {"a": 1}]
ARGUMENTS = ["path", "count"]

limits = st.one_of(
    st.lists(st.sampled_from(SCALARS), min_size=1, max_size=4).map(lambda values: one_of(*values)),
    st.sampled_from(PATHS).map(lambda path: ArgumentLimit(prefix=path)),
    st.integers(0, 6).map(lambda most: ArgumentLimit(most=most)),
)
few = st.sampled_from([None, None, None, 1, 2, 3, 0])


def maybe(strategy):
    """Mostly nothing, so that random authorities often have something in common."""
    return st.one_of(st.none(), st.none(), strategy)


def sets(words):
    """One word, some, or all."""
    return st.one_of(st.just(frozenset(words)), st.frozensets(st.sampled_from(words), min_size=1))


@st.composite
def authorities(draw, *, kinds=("mcp_tool", "mcp_tool", "llm")):
    kind = draw(st.sampled_from(kinds))
    return Authority(
        type=kind,
        locations=draw(sets(LOCATIONS)),
        actions=draw(sets(ACTIONS)),
        tools=draw(maybe(sets(TOOLS))) if kind == "mcp_tool" else None,
        models=draw(maybe(sets(MODELS))) if kind == "llm" else None,
        args=tuple(draw(st.dictionaries(st.sampled_from(ARGUMENTS), limits, max_size=1)).items()),
        max=Allowance(calls=draw(few), tokens=draw(few), usd_micro=draw(few)),
        taint_max=draw(few),
        data_max=draw(maybe(st.sampled_from(Classification))),
        not_after=draw(few),
    )


held = st.lists(authorities(kinds=("mcp_tool",)), min_size=1, max_size=3).map(tuple)


@st.composite
def families(draw):
    """A parent and a child within it."""
    parent = draw(authorities())
    return parent, meet(parent, draw(authorities(kinds=(parent.type,)))) or parent


@st.composite
def asks(draw, near=None):
    """An ask; one that an authority covers but for a member or two, when it is given."""
    told = near is not None and draw(st.integers(0, 4)) > 0
    kind = near.type if told else draw(st.sampled_from(["mcp_tool", "llm"]))
    tool = draw(st.sampled_from(sorted(near.tools) if told and near.tools else [*TOOLS, "other"]))
    return Ask(
        type=kind,
        location=draw(st.sampled_from(sorted(near.locations) if told else LOCATIONS)),
        action=draw(st.sampled_from(sorted(near.actions) if told else ACTIONS)),
        now=Instant(draw(st.integers(0, 1 if told else 4)) * 500_000),
        tool=draw(st.sampled_from([tool.partition("@")[0]] * 4 + [tool, None])),
        descriptor=draw(st.sampled_from([tool.partition("@")[2] or PINS[0], *PINS, None])),
        model=draw(st.sampled_from([*MODELS, "other", None])),
        args=draw(st.fixed_dictionaries({name: st.sampled_from(VALUES) for name in ARGUMENTS})),
        tokens=draw(st.integers(0, 1 if told else 4)),
        usd_micro=draw(st.integers(0, 1 if told else 4)),
        taint=draw(st.integers(0, 1 if told else 3)),
        data=draw(st.sampled_from(Classification)),
    )
