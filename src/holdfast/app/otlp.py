"""OpenTelemetry from the keeper's side: the connection to the collector, and what is told of it."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping

import structlog

from holdfast import __version__
from holdfast.app.asking import CONNECT_S, AskError, gathered
from holdfast.app.otlp_plan import OtlpPlan
from holdfast.blueprint import Blueprint
from holdfast.core import RANDOM_BYTES, NodeId, ulid
from holdfast.gateway import RULES
from holdfast.telemetry.otlp import (
    Answer,
    Exporter,
    ExportError,
    Feed,
    Means,
    Sampler,
    Signal,
    Source,
    Telling,
)
from holdfast.wire import ClientPool, Spawn, StaleError, WireError
from holdfast.world.ports import Clock, Entropy, Network

ANSWER_BYTES_MAX = 64 * 1024
CONNECTIONS_MAX = 3
"""One for each signal."""

log = structlog.get_logger("holdfast.otlp")


class Collector:
    """Sends requests to one OTLP/HTTP endpoint (an ``otlp.Post``), over connections that are kept."""

    def __init__(self, plan: OtlpPlan, *, network: Network, spawn: Spawn) -> None:
        self._site = plan.site
        self._fields = "".join(f"{name}: {value}\r\n" for name, value in plan.headers)
        self._pool = ClientPool(
            plan.site.address,
            network=network,
            spawn=spawn,
            connections_max=CONNECTIONS_MAX,
            connect_s=CONNECT_S,
        )

    async def __call__(self, signal: Signal, body: bytes) -> Answer:
        head = (
            f"POST {self._site.prefix}/v1/{signal.value} HTTP/1.1\r\nhost: {self._site.host}\r\n"
            f"user-agent: holdfast/{__version__}\r\ncontent-type: application/x-protobuf\r\n"
            f"content-encoding: gzip\r\n{self._fields}content-length: {len(body)}\r\n\r\n"
        )
        message = head.encode("ascii") + body
        try:
            try:
                reply = await gathered(self._pool, message, bytes_max=ANSWER_BYTES_MAX)
            except StaleError:
                # A kept connection was closed meanwhile. A batch may arrive twice, as OTLP has it.
                reply = await gathered(self._pool, message, bytes_max=ANSWER_BYTES_MAX, fresh=True)
        except (WireError, AskError) as error:
            raise ExportError(error.what) from error
        return Answer(status=reply.status, retry_after=reply.retry_after, body=reply.body)

    def close(self) -> None:
        """Let go of idle connections."""
        self._pool.close()


class _Logged:
    """Tells the operator (an ``otlp.Watcher``)."""

    def lost(self, counts: Mapping[tuple[str, str], int]) -> None:
        log.warning(
            "otlp.dropped",
            traces_full=counts.get(("traces", "full"), 0),
            logs_full=counts.get(("logs", "full"), 0),
            traces_lost=counts.get(("traces", "lost"), 0),
            logs_lost=counts.get(("logs", "lost"), 0),
        )

    def refused(self, signal: Signal, why: str) -> None:
        log.error("otlp.refused", signal=signal.value, reason=why)

    def stuck(self, signal: Signal, why: str) -> None:
        log.warning("otlp.stuck", signal=signal.value, reason=why)

    def recovered(self, signal: Signal) -> None:
        log.info("otlp.recovered", signal=signal.value)


class Telemetry:
    """All of it for one instance: ``feed`` listens, the rest sends."""

    def __init__(
        self,
        plan: OtlpPlan,
        *,
        blueprint: Callable[[], Blueprint],
        scheme: str,
        network: Network,
        clock: Clock,
        entropy: Entropy,
        spawn: Spawn,
    ) -> None:
        began = clock.now()
        self.feed = Feed(
            Sampler(plan.share, follows_callers=plan.follows_callers),
            Telling(model_of=_models(blueprint), scheme=scheme),
            meaning=_meaning,
            began=began,
            signals=plan.signals,
        )
        self._collector = Collector(plan, network=network, spawn=spawn)
        source = Source(
            resource=resource_of(
                plan, blueprint(), instance=ulid(began, entropy.noise(RANDOM_BYTES))
            ),
            version=__version__,
        )
        means = Means(post=self._collector, clock=clock, jitter=entropy.jitter, watcher=_Logged())
        self._exporter = Exporter(self.feed, source, means)

    def dropped(self) -> int:
        """Spans and log records that did not reach the collector."""
        return sum(self.feed.lost().values())

    def start(self, group: asyncio.TaskGroup) -> None:
        """Begin to send."""
        self._exporter.start(lambda work: group.create_task(_harmless(work)))

    async def close(self) -> None:
        """Send what is left, within ``otlp.CLOSE_S``."""
        await self._exporter.close()
        self._collector.close()


async def _harmless(work: Coroutine[None, None, None]) -> None:
    """A fault here ends telemetry, and nothing else of the instance."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - told, and worth no more
        log.error("otlp.ended", reason=repr(error))


def resource_of(plan: OtlpPlan, blueprint: Blueprint, *, instance: str) -> dict[str, str]:
    """Who tells. What the operator says of it goes before what we would."""
    return {
        "service.name": plan.service,
        "service.version": __version__,
        "service.instance.id": instance,
        "telemetry.sdk.name": "holdfast",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": __version__,
        "process.runtime.version": ".".join(map(str, sys.version_info[:3])),
        "holdfast.system": blueprint.name,
        "holdfast.tenant": blueprint.tenant,
        **dict(plan.resource),
    }


def _models(blueprint: Callable[[], Blueprint]) -> Callable[[str], str | None]:
    """The name by which a node's upstream knows its model, by the blueprint in force."""

    def model_of(name: str) -> str | None:
        node = blueprint().nodes.get(NodeId(name))
        return node.upstream.model if node is not None and node.upstream is not None else None

    return model_of


def _meaning(code: str) -> str:
    rule = RULES.get(code)
    return rule.meaning if rule is not None else ""
