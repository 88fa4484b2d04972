"""Names are the conventions': held against OpenTelemetry's registry, as its packages publish it."""

import importlib
import pkgutil

import pytest
from opentelemetry.semconv import attributes as stable
from opentelemetry.semconv import metrics as stable_metrics
from opentelemetry.semconv._incubating import attributes as incubating
from opentelemetry.semconv._incubating import metrics as incubating_metrics
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes, mcp_attributes
from otlp_things import (
    attributes,
    change,
    events,
    failed,
    metrics,
    record,
    refused,
    spans,
    streamed,
    told,
    tool_call,
)

from holdfast.telemetry.otlp import names
from holdfast.telemetry.otlp.metrics import INSTRUMENTS

OF_THE_SPECIFICATION = {"otel.metric.overflow"}
"""In the metrics SDK's specification ("cardinality limits"), not in the registry."""
TYPES = {
    "error.type": str,
    "gen_ai.agent.name": str,
    "gen_ai.conversation.id": str,
    "gen_ai.operation.name": str,
    "gen_ai.prompt.name": str,
    "gen_ai.provider.name": str,
    "gen_ai.request.model": str,
    "gen_ai.request.stream": bool,
    "gen_ai.response.time_to_first_chunk": float,
    "gen_ai.token.type": str,
    "gen_ai.tool.name": str,
    "gen_ai.usage.input_tokens": int,
    "gen_ai.usage.output_tokens": int,
    "http.request.method": str,
    "http.response.status_code": int,
    "http.route": str,
    "mcp.method.name": str,
    "mcp.resource.uri": str,
    "otel.metric.overflow": bool,
    "server.address": str,
    "server.port": int,
    "url.path": str,
    "url.scheme": str,
}
"""As the conventions' tables give them."""


def published(*packages):
    """Every name that the modules of the packages define."""
    found = set()
    for package in packages:
        for module in pkgutil.iter_modules(package.__path__):
            here = importlib.import_module(f"{package.__name__}.{module.name}")
            found |= {each for each in vars(here).values() if isinstance(each, str)}
    return found


REGISTRY = published(stable, incubating)


def values(enumeration):
    return {each.value for each in enumeration}


@pytest.fixture(scope="module")
def everything():
    """Every attribute of all that can be told."""
    fed = told(
        streamed(session="s"),
        record(2, fallback="r", cached=True, approver="ann", chain=("x",), proof="key"),
        tool_call(3),
        tool_call(4, action="read"),
        tool_call(5, action="prompt"),
        tool_call(6, action="list", tool="tools/list"),
        refused(7, would_refuse=("p",), obligations=("o",), seams=(1,)),
        failed(8),
        change(),
    )
    found = [*spans(fed), *events(fed)]
    for metric in metrics(fed).values():
        found += metric.histogram.data_points or metric.sum.data_points
    return [pair for each in found for pair in attributes(each).items()]


def test_every_attribute_is_in_the_registry_or_ours(everything):
    theirs = {name for name, _ in everything if not name.startswith("holdfast.")}
    assert theirs - REGISTRY - OF_THE_SPECIFICATION == set()
    assert len(theirs) > 15


def test_every_attribute_has_the_type_of_its_convention(everything):
    for name, value in everything:
        if not name.startswith("holdfast."):
            assert type(value) is TYPES[name], name


def test_every_name_in_the_table_is_in_the_registry_or_ours():
    written = {
        value
        for name, value in vars(names).items()
        if name.isupper() and isinstance(value, str) and "." in value
    }
    theirs = {name for name in written if not name.startswith("holdfast.")}
    assert theirs == set(TYPES)
    assert theirs - REGISTRY == OF_THE_SPECIFICATION


def test_every_metric_is_in_the_registry_or_ours():
    theirs = {each.name for each in INSTRUMENTS if not each.name.startswith("holdfast.")}
    assert theirs <= published(stable_metrics, incubating_metrics)


def test_values_that_the_conventions_list_are_theirs():
    operations = values(gen_ai_attributes.GenAiOperationNameValues)
    assert {*names.OPERATIONS.values(), names.EXECUTE_TOOL} <= operations
    assert set(names.METHODS.values()) <= values(mcp_attributes.McpMethodNameValues)
    hosts = ["api.anthropic.com", "x.openai.azure.com", "api.groq.com", "api.x.ai", "api.cohere.ai"]
    hosts += ["api.mistral.ai", "api.perplexity.ai", "generativelanguage.googleapis.com", "other"]
    providers = {names.provider_of(host) for host in hosts}
    assert providers <= values(gen_ai_attributes.GenAiProviderNameValues)
    assert {"input", "output"} <= values(gen_ai_attributes.GenAiTokenTypeValues)
