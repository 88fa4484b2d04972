"""A first look at the upstreams, so that a mistyped URL is said at start and not at the first call."""

import asyncio
from typing import cast

import structlog

from holdfast.blueprint import Blueprint, Node, Upstream
from holdfast.world.ports import Network

PROBES_AT_ONCE = 16

log = structlog.get_logger("holdfast.probing")


async def probe_upstreams(blueprint: Blueprint, network: Network) -> None:
    """Connect to every upstream once; warn of those that cannot be reached. Never fails."""
    gate = asyncio.Semaphore(PROBES_AT_ONCE)
    probes = [
        _probe(node, node.upstream, network, gate)
        for node in blueprint.nodes.values()
        if node.upstream is not None
    ]
    await asyncio.gather(*probes)


async def _probe(node: Node, upstream: Upstream, network: Network, gate: asyncio.Semaphore) -> None:
    try:
        async with gate, asyncio.timeout(node.timeouts.connect_s):
            protocol = await network.connect(_Probe, address=upstream.address)
        assert isinstance(protocol, _Probe)
        protocol.transport.abort()
    except (OSError, TimeoutError) as error:
        log.warning(
            "upstream.unreachable",
            node=node.id,
            url=upstream.url,
            reason=str(error) or f"no connection within {node.timeouts.connect_s:g} s",
            meaning="calls to it will fail until it can be reached",
        )


class _Probe(asyncio.Protocol):
    """Connects and says nothing."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
