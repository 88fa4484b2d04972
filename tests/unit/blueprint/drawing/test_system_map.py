"""A map says everything in words too, folds before it becomes a tangle, and lets no markup through."""

import re
import xml.etree.ElementTree as ET

import pytest

from holdfast.blueprint import load
from holdfast.blueprint.drawing import MAP_STYLE, Mark, Tone, draw, folded
from holdfast.blueprint.graph import System


def system_of(nodes, relationships=()):
    text = {"holdfast": 1, "name": "x", "nodes": nodes, "relationships": list(relationships)}
    return System(load(str(text), source="f", read=lambda name: ""))


def node(**facts):
    return {"type": "service", "description": "d", "facts": facts}


def line(count):
    nodes = {f"n{i}": node(zone=f"z{i % 5}") for i in range(count)}
    calls = [{"id": f"r{i}", "connects": [f"n{i}", f"n{i + 1}"]} for i in range(count - 1)]
    return system_of(nodes, calls)


def shapes(svg, kind):
    return re.findall(rf'<g class="{kind}\b[^"]*">', svg)


def test_every_node_and_relationship_is_drawn_and_named():
    svg = draw(line(5), {})
    assert len(shapes(svg, "node")) == 5
    assert len(shapes(svg, "line")) == 4
    titles = [title.text for title in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}title")]
    assert titles[0] == "x: 5 nodes, 4 relationships"
    assert "N0 (n0, service)" in titles
    assert "N0 to N1 (r0)" in titles


def test_marks_have_a_tone_a_word_and_notes():
    mark = Mark(tone=Tone.ALARM, badge="2", notes=("AG-01: no",), link="#about-n1")
    svg = draw(line(3), {"n1": mark, "r0": Mark(tone=Tone.WAY)})
    assert 'class="node k-service t-alarm"' in svg
    assert 'class="line t-way"' in svg
    assert '<a href="#about-n1">' in svg
    assert "AG-01: no" in svg


def test_the_same_system_gives_the_same_picture():
    assert draw(line(60), {}) == draw(line(60), {})


def test_a_large_system_folds_and_loses_no_node_and_no_mark():
    system = line(500)
    fold = folded(system)
    assert sum(fold.held.values()) == 500
    assert set(fold.box_of.values()) == {f"zone:z{i}" for i in range(5)}
    marks = {f"n{i}": Mark(tone=Tone.NOTICE, badge="1") for i in range(0, 500, 5)}
    svg = draw(system, marks | {"n5": Mark(tone=Tone.ALARM, badge="3")})
    assert "500 nodes, 499 relationships, folded into 5 boxes" in svg
    assert "zone z0 (100)" in svg
    assert ">102<" in svg
    assert 'class="node folded t-alarm"' in svg


def test_containers_fold_first_and_one_that_holds_nearly_all_folds_last():
    nodes = {f"n{i}": node() for i in range(90)} | {"all": node(), "few": node()}
    holds = [
        {
            "id": "h0",
            "deployed-in": {"container": "all", "nodes": [f"n{i}" for i in range(10, 90)]},
        },
        {"id": "h1", "deployed-in": {"container": "few", "nodes": [f"n{i}" for i in range(10)]}},
    ]
    fold = folded(system_of(nodes, holds), most=82)
    assert fold.held["in:few"] == 11
    assert fold.box_of["n50"] == "n50"


def test_whatever_does_not_belong_together_folds_at_last():
    nodes = {f"n{i}": {"type": f"x-{i}", "description": "d"} for i in range(100)}
    assert len(folded(system_of(nodes)).held) <= 80


def test_a_small_system_does_not_fold():
    assert set(folded(line(80)).held.values()) == {1}


@pytest.mark.parametrize("whole", [True, False])
def test_the_picture_brings_its_style_only_when_it_stands_alone(whole):
    assert ("<style>" in draw(line(2), {}, whole=whole)) is whole
    assert "url(" not in MAP_STYLE
    assert "@import" not in MAP_STYLE


def test_names_are_text_and_never_markup():
    nodes = {"a": {**node(), "name": "<script>alert(1)</script>"}, "b": node()}
    svg = draw(
        system_of(nodes, [{"id": "ab", "connects": ["a", "b"]}]),
        {"ab": Mark(tone=Tone.ALARM, badge="<b>", notes=("<i>",), link='#"><x>')},
    )
    ET.fromstring(svg)
    assert not re.search(r"<(script|b|i|x)>", svg)
