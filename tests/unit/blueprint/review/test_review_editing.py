"""A patch changes the lines it must and no other; comments and layout stay."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdfast.blueprint import read_yaml
from holdfast.blueprint.review import Patch, PatchError, difference, patched
from holdfast.blueprint.review.fixing.differing import same
from holdfast.blueprint.review.fixing.proposing import text_with

TEXT = """\
# top
holdfast: 1
nodes:
  a: {type: service}   # inline
  b:
    type: service
    description: |
      long

      text

  # about c
  c:
    facts:
      zone: dmz   # the zone
relationships:
  - id: ab
    connects: [a, b]   # hello
  - {id: bc, connects: [b, c]}

# end
review:
"""


def changed(*patches, text=TEXT):
    data = read_yaml(text, source="f").data
    written = text_with(text, data, [Patch(path=p, value=v) for p, v in patches], source="f")
    lines = difference(text, written, source="f").splitlines()[2:]
    return [line for line in lines if line[0] in "+-"]


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        (("nodes", "a", "facts", "zone"), "core",
         ["-  a: {type: service}   # inline", "+  a: {type: service, facts: {zone: core}}   # inline"]),
        (("nodes", "b", "facts", "bounds"), {"steps": 3}, ["+    facts: {bounds: {steps: 3}}"]),
        (("nodes", "c", "facts", "zone"), "in",
         ["-      zone: dmz   # the zone", "+      zone: in   # the zone"]),
        (("nodes", "c", "facts", "owner"), "x: y", ['+      owner: "x: y"']),
        (("nodes", "c", "facts"), {"zone": "in"},
         ["-      zone: dmz   # the zone", "+      zone: in   # the zone"]),
        (("nodes", "c", "facts"), "text",
         ["-    facts:", "-      zone: dmz   # the zone", "+    facts: text   # the zone"]),
        (("relationships", "ab", "facts", "encrypted"), True, ["+    facts: {encrypted: true}"]),
        (("relationships", "bc", "connects", 1), "a",
         ["-  - {id: bc, connects: [b, c]}", "+  - {id: bc, connects: [b, a]}"]),
        (("relationships", "ca"), {"id": "ca", "connects": ["c", "a"]},
         ["+  - {id: ca, connects: [c, a]}"]),
        (("review", "levels", "TB-*"), "warn", ["-review:", '+review: {levels: {"TB-*": warn}}']),
        (("name",), "off", ['+name: "off"']),
        (("relationships", "bc"), None, ["-  - {id: bc, connects: [b, c]}"]),
        (("nodes", "c", "facts", "zone"), None, ["-  c:", "-    facts:", "-      zone: dmz   # the zone"]),
    ],
)  # fmt: skip
def test_only_the_lines_of_the_patch_change(path, value, lines):
    assert changed((path, value)) == lines


def test_patches_of_one_place_are_written_together():
    found = changed(
        (("nodes", "a", "facts", "zone"), "core"), (("nodes", "a", "facts", "owner"), "me")
    )
    assert found[1] == "+  a: {type: service, facts: {zone: core, owner: me}}   # inline"


def test_what_is_long_becomes_a_block():
    value = {"type": "service", "description": "d" * 90, "metadata": {"x": 1}}
    assert changed((("nodes", "d"), value)) == [
        "+  d:",
        "+    type: service",
        f"+    description: {'d' * 90}",
        "+    metadata: {x: 1}",
    ]


def test_json_stays_json():
    text = '{"a": {"b": [1, 2], "c": {}}, "d": {"e": 1, "f": 2}}'
    patches = [
        Patch(path=("a", "b", 2), value="z"),
        Patch(path=("a", "c", "q"), value=True),
        Patch(path=("d", "f"), value=None),
    ]
    written = text_with(text, json.loads(text), patches, source="f")
    assert json.loads(written) == {"a": {"b": [1, 2, "z"], "c": {"q": True}}, "d": {"e": 1}}


def test_what_several_places_share_is_left_alone():
    text = "a: &x {b: 1}\nc: *x\n"
    with pytest.raises(PatchError, match="used in several places"):
        changed((("c", "b"), 2), text=text)


@pytest.mark.parametrize("path", [("nodes", 3), ("nodes", "a", "type", "x"), ("relationships", 9)])
def test_a_patch_without_a_place_is_refused(path):
    with pytest.raises(PatchError):
        changed((path, "x"))


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 99), st.text("ab: #'\"é\n-", max_size=8)
)
KEYS = st.text("abc", min_size=1, max_size=2)
DATA = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=8,
    ),
    min_size=1,
    max_size=4,
)


def block(value, indent=0):
    """As people lay it out: blocks where something is in them, quoted scalars else."""
    lead = " " * indent
    if isinstance(value, dict) and value:
        return "".join(
            f"{lead}{key}:{inline(each, indent)}\n"
            if not (isinstance(each, dict | list) and each)
            else f"{lead}{key}:   # c\n{block(each, indent + 2)}"
            for key, each in value.items()
        )
    if isinstance(value, list) and value:
        return "".join(f"{lead}- {json.dumps(each)}   # i\n" for each in value)
    return f"{lead}{json.dumps(value)}\n"


def inline(value, indent):
    return "" if value is None else f" {json.dumps(value)}   # v"


@settings(max_examples=60, deadline=None)
@given(data=DATA, path=st.lists(KEYS, min_size=1, max_size=3), value=SCALARS | DATA)
@example(data={"a": {"aa": None}}, path=["a"], value={"a": None})
@example(data={"a": {}}, path=["a"], value={"a": None, "b": None})
@example(data={"aa": {"a": None, "b": None}}, path=["aa"], value={"a": None, "aa": None})
def test_any_patch_is_written_into_any_layout_as_it_is_meant(data, path, value):
    text = block(data)
    read = read_yaml(text, source="f").data
    assert same(read, data)
    patch = Patch(path=tuple(path), value=value)
    try:
        wanted = patched(read, [patch])
    except PatchError:
        return
    if not wanted:
        return
    assert same(read_yaml(text_with(text, read, [patch], source="f"), source="f").data, wanted)
