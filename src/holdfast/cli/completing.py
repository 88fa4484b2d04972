"""What the shell may offer after a word has begun: only what is known at once, and never an error."""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from holdfast.core import HoldfastError

if TYPE_CHECKING:
    from holdfast.app.datadir import DataDir
    from holdfast.history import Call

OFFERED_MAX = 50


class _Known(click.ParamType[str]):
    """A text of which some values are known."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return value

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        with contextlib.suppress(HoldfastError, OSError):
            known = dict.fromkeys(self.known(_place(ctx)))
            fitting = [each for each in known if each.startswith(incomplete)]
            return [CompletionItem(each) for each in fitting[:OFFERED_MAX]]
        return []

    def known(self, data: "DataDir") -> Iterable[str]:
        """Values, the likeliest first."""
        raise NotImplementedError


class Node(_Known):
    """A node of the blueprint that was in force last."""

    name = "node"

    def known(self, data: "DataDir") -> Iterable[str]:
        return data.nodes()


class Caller(Node):
    name = "caller"


class Callee(Node):
    name = "callee"


class Relationship(_Known):
    """One over which calls went lately."""

    name = "relationship"

    def known(self, data: "DataDir") -> Iterable[str]:
        return (call.relationship for call in _recent(data) if call.relationship is not None)


class CallName(_Known):
    """A call that ended lately."""

    name = "call"

    def known(self, data: "DataDir") -> Iterable[str]:
        return (call.call for call in _recent(data))


class Place(click.Path):
    """A data directory: those of running instances first."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from holdfast.app.instances import running_instances

        with contextlib.suppress(HoldfastError, OSError):
            known = [str(data.path) for data in running_instances()]
            fitting = [CompletionItem(each) for each in known if each.startswith(incomplete)]
            return [*fitting, *super().shell_complete(ctx, param, incomplete)]
        return super().shell_complete(ctx, param, incomplete)


def _place(ctx: click.Context) -> "DataDir":
    from holdfast.app.instances import find_data

    named = ctx.params.get("data")
    return find_data(named if isinstance(named, Path) else None)


def _recent(data: "DataDir") -> "tuple[Call, ...]":
    from holdfast.app.call_search import search
    from holdfast.history import CallQuery

    return search(data, CallQuery(limit=OFFERED_MAX))
