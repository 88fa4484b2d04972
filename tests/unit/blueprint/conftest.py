import pytest

from holdfast.blueprint import load
from holdfast.blueprint.graph import System

HEAD = "holdfast: 1\nname: t\ndescription: d\ntenant: t\n"


@pytest.fixture(scope="session")
def build():
    """A system from nodes (name to what follows `description`) and relationships, as YAML flow."""

    def make(nodes: dict[str, str], links: list[str], flows: list[str] = ()) -> System:
        lines = [HEAD, "nodes:"]
        for name, more in nodes.items():
            kind, _, rest = more.partition(";")
            lines.append(
                f'  {name}: {{type: "{kind or "service"}", description: d'
                + (f", {rest.strip()}" if rest else "")
                + "}"
            )
        lines.append("relationships:" if links else "relationships: []")
        lines += [f"  - {{{link}}}" for link in links]
        if flows:
            lines.append("flows:")
            lines += [f"  - {{{flow}}}" for flow in flows]
        return System(load("\n".join(lines) + "\n", source="t", read=_none))

    return make


def _none(name):
    raise FileNotFoundError(name)
