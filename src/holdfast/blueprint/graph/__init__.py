"""The blueprint as a graph: what every analysis of the architecture walks.

Promises: ``System`` is made once of a checked ``Blueprint`` and answers, without further search,
who reaches whom, what contains what, and which nodes and edges a flow takes. It is immutable, and
everything it lists has one order, so that two analyses of one blueprint say the same words.
"""

from holdfast.blueprint.graph.system import Edge, EdgeKind, System
from holdfast.blueprint.graph.walks import (
    avoiding,
    components,
    cycles,
    dominators,
    path_between,
    reached,
)

__all__ = [
    "Edge",
    "EdgeKind",
    "System",
    "avoiding",
    "components",
    "cycles",
    "dominators",
    "path_between",
    "reached",
]
