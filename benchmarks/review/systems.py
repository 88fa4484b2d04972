"""Systems made up for measuring: teams of agents, tools, models and stores that call each other.

Like real ones they have structure: most calls stay within a team, some go to shared services, few cross
teams; most facts are stated, some are not. The same seed gives the same system.
"""

import random
from typing import Any

TEAM = ("service", "ai:agent", "ai:agent", "ai:tool", "ai:tool", "ai:mcp-server", "ai:llm",
        "database", "ai:vector-store", "service")  # fmt: skip
DATA = {"database": "confidential", "ai:vector-store": "internal"}


def system(nodes: int, relationships: int, *, seed: int = 1) -> dict[str, Any]:
    """A blueprint as plain data."""
    chance = random.Random(seed)
    names = [f"n{number}" for number in range(nodes)]
    made = {name: _node(number, chance) for number, name in enumerate(names)}
    return {
        "holdfast": 1,
        "name": f"made up, {nodes} nodes",
        "nodes": made,
        "relationships": list(_relationships(names, relationships, chance)),
        "flows": _flows(relationships, chance),
    }


def _node(number: int, chance: random.Random) -> dict[str, Any]:
    kind = TEAM[number % len(TEAM)]
    team = number // len(TEAM)
    facts: dict[str, Any] = {
        "zone": f"zone-{team % 23}",
        "trust": "third-party" if chance.random() < 0.05 else "owned",
        "criticality": chance.choice(("low", "medium", "high")),
        "replicas": chance.randint(1, 4),
        "failure_domains": [f"zone:eu-{number % 3}", f"zone:eu-{(number + 1) % 3}"],
        "availability": 99.9,
    }
    if chance.random() < 0.9:
        facts["owner"] = f"team-{team}"
    if kind in DATA:
        facts["data"] = [{"name": "records", "class": DATA[kind], "tenant_scoped": True}]
        facts |= {"encrypted_at_rest": True, "partitioned": True, "retention_days": 90}
    if kind == "ai:agent":
        facts |= {"bounds": {"steps": 20, "tokens": 50_000, "spend": 5, "time_s": 300}}
        facts |= {"acts_as": "caller", "data": []}
    if kind == "ai:tool":
        facts |= {"effect": chance.choice(("read", "write")), "egress": "none", "data": []}
    node: dict[str, Any] = {"type": kind, "description": "Made up.", "facts": facts}
    if kind == "ai:llm":
        node["controls"] = {"upstream": {"url": f"http://127.0.0.1:{1024 + number % 60000}/v1"}}
    return node


def _relationships(names: list[str], count: int, chance: random.Random) -> Any:
    """Calls lead from lower to higher ranks within a team, and now and then to another's service."""
    taken: set[tuple[int, int]] = set()
    while len(taken) < count:
        source = chance.randrange(len(names))
        team = source // len(TEAM)
        if chance.random() > 0.7:
            team = min(int(chance.expovariate(0.05)) + team, (len(names) - 1) // len(TEAM))
        destination = min(team * len(TEAM) + chance.randrange(len(TEAM)), len(names) - 1)
        if destination <= source or (source, destination) in taken:
            if chance.random() < 0.98:
                continue
            destination = chance.randrange(len(names))
        if destination == source or (source, destination) in taken:
            continue
        taken.add((source, destination))
        yield {
            "id": f"r{len(taken) - 1}",
            "connects": [names[source], names[destination]],
            "protocol": "HTTPS" if chance.random() < 0.95 else "HTTP",
            "facts": {
                "strength": chance.choice(("hard", "soft", "async")),
                "auth": "mtls",
                "carries": "internal",
                "timeout_s": 10,
                "retries": 1,
                "retry_budget": True,
            },
        }


def _flows(relationships: int, chance: random.Random) -> list[dict[str, Any]]:
    """One step each, so that every step follows from the one before."""
    return [
        {
            "id": f"flow-{number}",
            "name": f"Flow {number}",
            "description": "Made up.",
            "steps": [{"over": f"r{chance.randrange(relationships)}", "description": "goes"}],
            "facts": {"criticality": "high", "owner": "team-0", "purpose": "measuring"},
        }
        for number in range(max(relationships // 100, 1))
    ]
