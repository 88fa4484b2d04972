"""Descriptors: one digest for one meaning, and what changed told in full."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import JsonObject, sha256_digest
from holdfast.registry import Descriptor, DescriptorError, differences

TOOL: JsonObject = {
    "name": "search",
    "description": "Search the documents.",
    "inputSchema": {"type": "object", "properties": {"q": {"type": "string", "maxLength": 1e2}}},
}


def tool(**more: object) -> Descriptor:
    return Descriptor.of("tool", {**TOOL, **more})  # type: ignore[dict-item]


def test_the_digest_is_that_of_the_canonical_bytes() -> None:
    found = tool()
    assert found.digest == sha256_digest(found.body)
    assert found.body == (
        b'{"description":"Search the documents.","inputSchema":{"properties":{"q":'
        b'{"maxLength":100,"type":"string"}},"type":"object"},"name":"search"}'
    )


def test_order_spacing_and_spelling_of_numbers_do_not_count() -> None:
    other = (
        b' {"inputSchema": {"type":"object","properties":{"q":{"maxLength":100.0,'
        b'"type":"str\\u0069ng"}}}, "name":"search", "description":"Search the documents."}'
    )
    assert Descriptor.read("tool", other) == tool()


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Search the documents"},
        {"title": "x"},
        {"annotations": {"readOnlyHint": True}},
        {"_meta": {"a/b": 1}},
        {"unheard-of": None},
        {"inputSchema": {"type": "object"}},
        {"icons": [{"src": "https://example.com/i.png"}]},
    ],
)
def test_one_change_anywhere_changes_the_digest(change: JsonObject) -> None:
    assert tool(**change).digest != tool().digest


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": "", "inputSchema": {}},
        {"name": 7, "inputSchema": {}},
        {"name": "x" * 2000, "inputSchema": {}},
        {"name": "x"},
        {"name": "x", "inputSchema": []},
        {"name": "x", "inputSchema": {}, "description": "x" * 200_000},
    ],
)
def test_what_cannot_be_pinned_is_refused(fields: JsonObject) -> None:
    with pytest.raises(DescriptorError):
        Descriptor.of("tool", fields)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"name":"a","name":"b","inputSchema":{}}', b"{" * 99]
)
def test_bytes_that_are_no_description_are_refused(body: bytes) -> None:
    with pytest.raises(DescriptorError):
        Descriptor.read("tool", body)


def test_resources_templates_and_prompts_are_named_as_clients_name_them() -> None:
    assert Descriptor.of("resource", {"uri": "file:///a", "name": "A"}).name == "file:///a"
    assert (
        Descriptor.of("template", {"uriTemplate": "file:///{p}", "name": "A"}).name == "file:///{p}"
    )
    assert Descriptor.of("prompt", {"name": "review"}).name == "review"


@pytest.mark.parametrize(
    ("annotations", "told"),
    [
        ({"readOnlyHint": True}, True),
        ({"readOnlyHint": False}, False),
        ({}, None),
        ({"readOnlyHint": "yes"}, None),
        ([], None),
    ],
)
def test_a_hint_is_read_only_where_it_is_a_plain_word(
    annotations: object, told: bool | None
) -> None:
    assert tool(annotations=annotations).is_read_only is told


def test_differences_name_every_place_with_its_text_before_and_after() -> None:
    new = tool(
        description="Search the documents.\u200b",
        inputSchema={"type": "object", "properties": {"a/b": {"type": "string"}}},
        title="T",
    )
    found = {each.where: (each.old, each.new) for each in differences(tool(), new)}
    assert found["/description"] == ('"Search the documents."', '"Search the documents.\\u200b"')
    assert found["/title"] == (None, '"T"')
    assert found["/inputSchema/properties/a~1b"] == (None, '{"type":"string"}')
    assert found["/inputSchema/properties/q"][1] is None


texts = st.text(max_size=20).filter(lambda t: t.isprintable() or True)
objects = st.recursive(
    st.none() | st.booleans() | st.integers(-100, 100) | st.text("ab\u200b\n", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab/~", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(objects, objects)
def test_there_are_differences_exactly_where_digests_differ(old: object, new: object) -> None:
    one, two = tool(x=old), tool(x=new)
    found = differences(one, two)
    assert bool(found) == (one.digest != two.digest)
    for each in found:
        assert (each.old or "").isascii()
        assert (each.new or "").isprintable()
