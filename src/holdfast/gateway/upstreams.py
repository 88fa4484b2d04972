"""Where calls go: for each callee with an upstream control, its pool and the head of a request."""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from holdfast.blueprint import Blueprint, Node, Program, SecretReference
from holdfast.blueprint import Upstream as UpstreamControl
from holdfast.core import HoldfastError, NodeId
from holdfast.gateway.holding import Hold
from holdfast.gateway.lines.line import Line
from holdfast.gateway.lines.programs import Start, StdioPool, StdioRoad
from holdfast.gateway.lines.roads import HttpRoad
from holdfast.wire import ClientPool, Receiver, Spawn
from holdfast.world.ports import Address, Clock, Network, Programs

Secret = Callable[[SecretReference], str]


class Pool(Protocol):
    """Where messages go. ``settings`` say whether a reload changed it."""

    @property
    def settings(self) -> object: ...

    def send(self, message: bytes, receiver: Receiver, *, fresh: bool = False) -> Hold: ...

    def close(self) -> None: ...


class Upstream(msgspec.Struct, frozen=True, gc=False):
    """One upstream. ``prefix`` is its base path; ``head`` the header fields that never change;
    ``line`` what an MCP server is spoken to over, None for a model's upstream."""

    name: str
    address: Address
    prefix: bytes
    head: bytes
    model: str
    pool: Pool
    line: Line | None = None

    def close(self) -> None:
        """What idles closes now, what is in use when its answers end."""
        if self.line is not None:
            self.line.close()
        else:
            self.pool.close()


class Makings(msgspec.Struct, frozen=True):
    """What upstreams are made with.

    ``secret`` resolves references and raises ``HoldfastError`` when it cannot; ``programs`` is None
    where no program may be started; ``folder`` is the blueprint's own.
    """

    network: Network
    clock: Clock
    spawn: Spawn
    secret: Secret
    programs: Programs | None = None
    folder: str | None = None


def build_upstreams(
    blueprint: Blueprint, makings: Makings, *, previous: Mapping[NodeId, Upstream]
) -> dict[NodeId, Upstream]:
    """An upstream for every node that has one. Pools whose settings did not change live on."""
    built: dict[NodeId, Upstream] = {}
    for node in blueprint.nodes.values():
        if node.upstream is not None:
            made = _over_network(node, node.upstream, makings)
        elif node.program is not None:
            made = _as_program(node, node.program, makings)
        else:
            continue
        old = previous.get(node.id)
        built[node.id] = old if old is not None and _same(old, made) else made
    return built


def _same(old: Upstream, new: Upstream) -> bool:
    return (
        (old.name, old.address, old.prefix, old.head, old.model, old.line is None)
        == (new.name, new.address, new.prefix, new.head, new.model, new.line is None)
    ) and old.pool.settings == new.pool.settings


def _over_network(node: Node, control: UpstreamControl, makings: Makings) -> Upstream:
    address = control.address
    is_default_port = address.port == (443 if address.tls else 80)
    host = address.host if is_default_port else str(address)
    is_mcp = control.dialect == "mcp"
    fields = [
        b"host: " + host.encode("ascii"),
        b"accept-encoding: identity",
        b"user-agent: holdfast",
    ]
    if not is_mcp:
        # Of MCP the protocol's own headers come with each request.
        fields.insert(1, b"content-type: application/json")
    if control.api_key is not None:
        key = makings.secret(control.api_key)
        fields.append(b"authorization: Bearer " + key.encode("ascii"))
    pool = ClientPool(
        address,
        network=makings.network,
        spawn=makings.spawn,
        connections_max=node.limits.connections,
        connect_s=node.timeouts.connect_s,
    )
    head = b"\r\n".join(fields)
    road = HttpRoad(pool, path=control.path.encode("ascii"), head=head)
    return Upstream(
        name=control.url,
        address=address,
        prefix=control.path.rstrip("/").encode("ascii"),
        head=head,
        model=control.model,
        pool=pool,
        line=Line(road, spawn=makings.spawn) if is_mcp else None,
    )


def _as_program(node: Node, program: Program, makings: Makings) -> Upstream:
    if makings.programs is None:
        raise HoldfastError(
            f"'{node.id}' is a program, and this gateway starts none",
            fix="give it a `url`, or run it where programs may be started",
        )
    env = {
        name: value if isinstance(value, str) else makings.secret(value)
        for name, value in program.env.items()
    }
    folder, cwd = makings.folder, program.cwd
    if folder is not None:
        cwd = folder if cwd is None else f"{folder}/{cwd}"
    start = Start(program.command, env, cwd, node.timeouts.connect_s)
    spawn, clock = makings.spawn, makings.clock
    line = Line(StdioRoad(makings.programs, start, spawn=spawn, clock=clock), spawn=spawn)
    pool = line.pool
    assert isinstance(pool, StdioPool)
    return Upstream(
        name=f"stdio:{program.command[0]}",
        address=Address(host="", port=0),
        prefix=b"",
        head=b"",
        model="",
        pool=pool,
        line=line,
    )
