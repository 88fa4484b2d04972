"""Small blueprints and manifests for the tests of this folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from holdfast.blueprint import load
from holdfast.blueprint.graph import System
from holdfast.blueprint.kubernetes import Manifests, read_manifests

FIXTURES = Path(__file__).parent / "fixtures"


def system_of(
    nodes: Mapping[str, Mapping[str, Any]], relationships: Sequence[Mapping[str, Any]] = ()
) -> System:
    """A system; each node and relationship needs only what a test is about."""
    written = {
        "holdfast": 1,
        "name": "shop",
        "nodes": {
            name: {"type": "service", "description": "A node.", **node}
            for name, node in nodes.items()
        },
        "relationships": [
            {"id": f"r{number}", **each} for number, each in enumerate(relationships)
        ],
    }
    return System(load(json.dumps(written), source="holdfast.yaml", read=_nothing))


def _nothing(name: str) -> str:
    raise FileNotFoundError(name)


def connects(source: str, destination: str, port: int | None = None) -> dict[str, Any]:
    facts = {} if port is None else {"facts": {"port": port}}
    return {"connects": [source, destination], **facts}


def pod(name: str, namespace: str = "shop", **labels: str) -> dict[str, Any]:
    marks = labels or {"app.kubernetes.io/name": name}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": marks},
        "spec": {"containers": [{"name": "main", "image": "x"}]},
    }


def policy(name: str, spec: Mapping[str, Any], namespace: str = "shop") -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": dict(spec),
    }


def manifests_of(*objects: Mapping[str, Any]) -> Manifests:
    return read_manifests({"all.json": json.dumps({"kind": "List", "items": objects})})


def folder(name: str) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((FIXTURES / name).glob("*.yaml"))}
