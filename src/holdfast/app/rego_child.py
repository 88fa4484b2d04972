"""The process that evaluates Rego: run as a program, it knows the engine and nothing of Holdfast.

The first line of its input gives modules and queries, each further line one question; each line of
its output answers one. It ends when its input does.
"""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_HIDDEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|#[^\n]*')
_CALL = re.compile(r"([A-Za-z_][\w.]*)\(")
_DEFINED = re.compile(r"^(?:default\s+)?([A-Za-z_]\w*)\(", re.MULTILINE)
_KEYWORDS = frozenset(("as", "contains", "else", "every", "if", "in", "not", "some", "with"))
_SAID_MAX = 300


def _unknown_call(modules: Mapping[str, str], engine: Any) -> str | None:
    """The engine finds an unknown function only when it meets it; a deny behind it would never be."""
    plain = {name: _HIDDEN.sub('""', text) for name, text in modules.items()}
    defined = {name for text in plain.values() for name in _DEFINED.findall(text)}
    for name, text in plain.items():
        for called in _CALL.findall(text):
            is_ours = called.rpartition(".")[2] in defined or called in _KEYWORDS
            if not is_ours and not engine.is_builtin(called):
                return f"{name} calls {called}, which is no function"
    return None


def _load(modules: Mapping[str, str], queries: Sequence[str]) -> list[tuple[Any, Any]]:
    import regopy  # noqa: PLC0415 - an extra  # pyright: ignore[reportMissingTypeStubs]

    engines: Any = regopy
    unknown = _unknown_call(modules, engines.Interpreter())
    if unknown is not None:
        raise ValueError(unknown)
    loaded: list[tuple[Any, Any]] = []
    for query in queries:
        engine = engines.Interpreter()
        engine.strict_built_in_errors = True
        for name, text in modules.items():
            engine.add_module(name, text)
        loaded.append((engine, engine.build(query, [])))
    return loaded


def _values(engine: Any, bundle: Any, question: object) -> object:
    engine.set_input(question)
    found = engine.query_bundle(bundle)
    if not found.ok():
        raise ValueError(str(found))
    said = str(found)
    return json.loads(said).get("expressions", []) if said != "undefined" else []


def _serve() -> None:
    # The engine prints what it thinks of a program; answers have a way of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(line: str) -> None:
        answers.write(line + "\n")
        answers.flush()

    try:
        hello = json.loads(sys.stdin.readline())
        loaded = _load(hello["modules"], hello["queries"])
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        say(json.dumps({"error": " ".join(str(error).split())[:_SAID_MAX]}))
        return
    say("ready")
    for line in sys.stdin:
        try:
            question = json.loads(line)
            say(json.dumps([_values(engine, bundle, question) for engine, bundle in loaded]))
        except Exception as error:  # noqa: BLE001 - the same
            say(json.dumps({"error": str(error)[:_SAID_MAX]}))


if __name__ == "__main__":
    _serve()
