"""Where calls go: for each callee with an upstream control, its pool and the head of a request."""

from collections.abc import Callable, Mapping

import msgspec

from holdfast.blueprint import Blueprint, Node, SecretReference
from holdfast.blueprint import Upstream as UpstreamControl
from holdfast.core import NodeId
from holdfast.wire import ClientPool, Spawn
from holdfast.world.ports import Address, Network

Secret = Callable[[SecretReference], str]


class Upstream(msgspec.Struct, frozen=True, gc=False):
    """One upstream. ``prefix`` is its base path; ``head`` the header fields that never change."""

    name: str
    address: Address
    prefix: bytes
    head: bytes
    model: str
    pool: ClientPool


def build_upstreams(
    blueprint: Blueprint,
    *,
    network: Network,
    spawn: Spawn,
    secret: Secret,
    previous: Mapping[NodeId, Upstream],
) -> dict[NodeId, Upstream]:
    """An upstream for every node that has one. Pools whose settings did not change live on.

    ``secret`` resolves references and raises ``HoldfastError`` when it cannot.
    """
    built: dict[NodeId, Upstream] = {}
    for node in blueprint.nodes.values():
        control = node.upstream
        if control is None:
            continue
        made = _make(node, control, network=network, spawn=spawn, secret=secret)
        old = previous.get(node.id)
        built[node.id] = old if old is not None and _same(old, made) else made
    return built


def _same(old: Upstream, new: Upstream) -> bool:
    return (
        (old.address, old.prefix, old.head, old.model)
        == (new.address, new.prefix, new.head, new.model)
    ) and old.pool.settings == new.pool.settings


def _make(
    node: Node,
    control: UpstreamControl,
    *,
    network: Network,
    spawn: Spawn,
    secret: Secret,
) -> Upstream:
    address = control.address
    is_default_port = address.port == (443 if address.tls else 80)
    host = address.host if is_default_port else str(address)
    fields = [
        b"host: " + host.encode("ascii"),
        b"content-type: application/json",
        b"accept-encoding: identity",
        b"user-agent: holdfast",
    ]
    if control.api_key is not None:
        fields.append(b"authorization: Bearer " + secret(control.api_key).encode("ascii"))
    pool = ClientPool(
        address,
        network=network,
        spawn=spawn,
        connections_max=node.limits.connections,
        connect_s=node.timeouts.connect_s,
    )
    return Upstream(
        name=control.url,
        address=address,
        prefix=control.path.rstrip("/").encode("ascii"),
        head=b"\r\n".join(fields),
        model=control.model,
        pool=pool,
    )
