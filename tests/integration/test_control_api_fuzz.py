"""The control API under requests made from its own description: no fault of ours, and no answer that
the description does not tell of. Bounded: some hundred requests."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from live import Home, chat, eventually
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from holdfast.core import trace_of

pytestmark = [
    pytest.mark.slow,
    # Its own deprecations are not ours to mend, and no warning of ours passes through here.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

EXAMPLES_MAX = 8
"""Requests per operation and kind (sound, unsound)."""
ENDLESS = {"/api/live"}
"""Streams until the watcher leaves: tests of streams look at it."""
DEAR = {"/api/restart"}
"""Asked without a token: each of some dozen sound requests would restart the workers."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def lived(shared: Home) -> Home:
    """An instance with records in its log: an answer, a refusal, a change."""
    chat(shared.url, shared.keys["desk"])
    chat(shared.url, "no key")
    shared.tell("revoke", "agent", "clerk", "--reason", "tried")

    def is_logged() -> bool:
        return shared.tell("audit", "verify")["size"] >= 3

    eventually(is_logged, "three records are in the log")
    return shared


def operations(home: Home) -> Iterator[Any]:
    schema = schemathesis.openapi.from_url(f"{home.instance.console}/api/openapi.json")
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path not in ENDLESS:
            yield operation


@pytest.fixture(scope="module")
def bearer(lived: Home) -> dict[str, str]:
    """A program that may do everything that programs may."""
    token = lived.tell("console", "token", "--role", "admin", "--name", "fuzz")["token"]
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_whatever_is_asked_is_answered_as_described_and_never_with_a_fault(
    lived: Home, bearer: dict[str, str], mode: GenerationMode
) -> None:
    asked = 0
    for operation in operations(lived):

        @settings(
            max_examples=EXAMPLES_MAX,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            headers = {} if case.operation.path in DEAR else bearer
            response = case.call(base_url=lived.instance.console, headers=headers, timeout=10)
            case.validate_response(response, checks=CHECKS)

        # Nothing may be unsound: no parameters, or any text.
        with contextlib.suppress(*([Unsatisfiable] if mode == GenerationMode.NEGATIVE else [])):
            ask()
    assert asked >= 10


def test_what_is_there_is_as_described_too(lived: Home) -> None:
    """Made-up indices and ids find nothing: these are asked for by the names of what is there."""
    call = chat(lived.url, lived.keys["desk"]).call
    eventually(
        lambda: lived.tell("audit", "show", call)["records"][-1]["index"] is not None,
        "the call is under a checkpoint",
    )
    size = lived.tell("audit", "verify")["size"]
    known: dict[str, list[dict[str, Any]]] = {
        "call_id": [{"call_id": call}],
        "index": [{"index": index} for index in range(size)],
        "trace": [{"trace": trace_of(call, None).trace}],
        "session": [{"session": "a session/that never was"}],
        "path": [{"path": path} for path in ("0/000.p/" + str(size), "entries/000.p/" + str(size))],
    }
    seen: set[str] = set()
    for operation in operations(lived):
        names = [each.name for each in operation.path_parameters]
        if operation.method.upper() != "GET" or (names and names[0] not in known):
            continue
        for values in known[names[0]] if names else [{}]:
            case = operation.Case(path_parameters=values)
            response = case.call(base_url=lived.instance.console, timeout=10)
            case.validate_response(response, checks=CHECKS)
            seen |= {operation.path} if response.status_code == 200 else set()
    assert {"/api/log/{index}", "/api/log/{index}/proof", "/api/calls/{call_id}/proof"} <= seen
