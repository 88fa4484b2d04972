"""Between CALM and blueprint nothing is lost, whichever way one goes first."""

import json

from exchanged_things import blueprints, documents, values
from hypothesis import given, settings

from holdfast.blueprint import load, read_yaml
from holdfast.blueprint.exchange import export_calm, import_calm
from holdfast.blueprint.exchange.values import is_writable
from holdfast.blueprint.exchange.writing import yaml_text

FEW = settings(max_examples=30, deadline=None)


def loaded(text):
    return load(text, source="holdfast.yaml", read=lambda name: f"// {name}")


def canonical(value):
    return json.dumps(value, sort_keys=True)


@FEW
@given(documents())
def test_a_document_taken_over_and_given_back_is_the_same(document):
    blueprint = loaded(import_calm(document).text)
    assert canonical(export_calm(blueprint)) == canonical(document)


@FEW
@given(documents())
def test_a_document_taken_over_twice_is_the_same_blueprint(document):
    blueprint = loaded(import_calm(document).text)
    again = loaded(import_calm(export_calm(blueprint)).text)
    assert again.digest == blueprint.digest


@FEW
@given(blueprints())
def test_a_blueprint_given_and_taken_back_keeps_its_digest(plain):
    blueprint = loaded(json.dumps(plain, ensure_ascii=False))
    document = export_calm(blueprint)
    again = loaded(import_calm(document).text)
    assert again.digest == blueprint.digest
    assert canonical(export_calm(again)) == canonical(document)


@FEW
@given(values.filter(is_writable))
def test_what_is_written_as_yaml_reads_back_the_same(value):
    form = {"name": "x", "nodes": {"a": value}, "relationships": [value], "metadata": value}
    assert canonical(read_yaml(yaml_text(form), source="x").data) == canonical(form)
