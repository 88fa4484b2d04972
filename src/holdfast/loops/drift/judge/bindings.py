"""What people say about identities: which node one is, which count for nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.blueprint import Plain, suggestion
from holdfast.core import NodeId
from holdfast.loops.drift.errors import BindingsError

BINDINGS_MAX = 10_000
KINDS = (
    "address",
    "agent-id",
    "agent-name",
    "db",
    "ip",
    "k8s",
    "model",
    "queue",
    "service",
    "spiffe",
    "store",
    "tool",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """``nodes``: claims (``service=shop/cart``) to nodes, surer than any other evidence.
    ``ignored``: claims of probes and synthetic traffic, whose contacts count for nothing.
    ``environment``: parties that say they are of another one belong to another system."""

    nodes: Mapping[str, NodeId] = field(default_factory=dict[str, NodeId])
    ignored: frozenset[str] = frozenset()
    environment: str | None = None


NO_BINDINGS = Bindings()


def read_bindings(written: Plain, known: Mapping[NodeId, object]) -> Bindings:
    """From a document with the keys ``bindings``, ``ignore`` and ``environment``."""
    if not isinstance(written, dict) or not written.keys() <= {"bindings", "ignore", "environment"}:
        raise BindingsError(
            "a bindings file has other keys than `bindings`, `ignore`, `environment`",
            fix="write `bindings: {service=shop/cart: cart}`",
        )
    nodes, ignored = written.get("bindings") or {}, written.get("ignore") or []
    environment = written.get("environment")
    if not isinstance(nodes, dict) or not isinstance(ignored, list) or len(nodes) > BINDINGS_MAX:
        raise BindingsError(
            "`bindings` is no mapping, `ignore` is no list, or there are too many",
            fix=f"write claims as keys and node ids as values, at most {BINDINGS_MAX}",
        )
    return Bindings(
        nodes={_claim(str(claim)): _node(str(node), known) for claim, node in nodes.items()},
        ignored=frozenset(_claim(str(claim)) for claim in ignored),
        environment=str(environment) if environment is not None else None,
    )


def _claim(text: str) -> str:
    kind, _, value = text.partition("=")
    if kind not in KINDS or not value:
        fix = suggestion(kind, KINDS, noun="kind of claim")
        raise BindingsError(f"`{text[:80]}` is no claim", fix=fix or "write it `service=shop/cart`")
    return text


def _node(name: str, known: Mapping[NodeId, object]) -> NodeId:
    if NodeId(name) not in known:
        fix = suggestion(name, known, noun="node")
        raise BindingsError(f"the blueprint declares no node `{name[:80]}`", fix=fix)
    return NodeId(name)
