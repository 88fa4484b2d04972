"""How each target is set up over two models: what its documentation advises, its defaults else."""

import contextlib
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

from peers import LiteLLM, Portkey
from scenarios import ATTEMPT_S, DEADLINE_S
from targets import Holdfast, Running, filled
from upstreams import Upstream

HERE = Path(__file__).parent
PORTKEY_RETRIES = 1
"""On each model; with the other model after it that is four attempts at most."""


class HoldfastOver:
    """A node composed of two members; see ``two.yaml``."""

    name = "holdfast"
    title = "**Holdfast**"

    def __init__(self) -> None:
        self.target = Holdfast()

    @contextlib.contextmanager
    def serving(self, upstreams: tuple[Upstream, Upstream], core: int) -> Generator[Running]:
        with self.target.serving(_filled("two.yaml", upstreams), core) as run:
            yield run


class LiteLLMOver:
    """Two deployments of one model."""

    name = "litellm"
    title = "LiteLLM"

    def __init__(self) -> None:
        self.target = LiteLLM()

    @contextlib.contextmanager
    def serving(self, upstreams: tuple[Upstream, Upstream], core: int) -> Generator[Running]:
        with self.target.serving(_filled("litellm-router.yaml", upstreams), core) as run:
            yield run


class PortkeyOver:
    """Half of the calls ask A and fall back to B, half the other way round; retries on each."""

    name = "portkey"
    title = "Portkey"

    def __init__(self) -> None:
        self.target = Portkey()

    @contextlib.contextmanager
    def serving(self, upstreams: tuple[Upstream, Upstream], core: int) -> Generator[Running]:
        headers = {"x-portkey-config": json.dumps(_portkey_config(upstreams))}
        with self.target.serving(headers, core) as run:
            yield run


def _portkey_config(upstreams: tuple[Upstream, Upstream]) -> dict[str, Any]:
    models = [
        {
            "provider": "openai",
            "api_key": "not-needed",
            "custom_host": f"http://127.0.0.1:{upstream.port}/v1",
            "request_timeout": int(ATTEMPT_S * 1000),
            "retry": {"attempts": PORTKEY_RETRIES},
        }
        for upstream in upstreams
    ]
    ways = [
        {"strategy": {"mode": "fallback"}, "weight": 1, "targets": order}
        for order in (models, models[::-1])
    ]
    return {"strategy": {"mode": "loadbalance"}, "targets": ways}


def _filled(name: str, upstreams: tuple[Upstream, Upstream]) -> Path:
    a, b = upstreams
    words = {"ATTEMPT_S": f"{ATTEMPT_S:g}", "DEADLINE_S": f"{DEADLINE_S:g}"}
    return filled(HERE / name, PORT_A=a.port, PORT_B=b.port, **words)


GATEWAYS = {gateway.name: gateway for gateway in (HoldfastOver, LiteLLMOver, PortkeyOver)}
