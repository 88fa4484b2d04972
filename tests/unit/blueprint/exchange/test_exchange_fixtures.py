"""Every architecture that CALM publishes and holds valid, and every blueprint that stands here."""

import ast
import json
import re
from pathlib import Path

import pytest

from holdfast.blueprint import BlueprintError, load, starter
from holdfast.blueprint.exchange import export_calm, import_calm

ROOT = Path(__file__).parents[4]
DATA = ROOT / "tests/conformance/calm/data"
FIXTURES = json.loads((DATA / "index.json").read_text())["fixtures"]
ARCHITECTURES = sorted(
    {
        each["file"]
        for each in FIXTURES
        if each["kind"] == "architecture" and each["should_validate"]
    }
)


def loaded(text):
    return load(text, source="holdfast.yaml", read=lambda name: f"// {name}", signed=True)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_published_architecture_is_taken_over_and_given_back_the_same(name):
    document = json.loads((DATA / name).read_text())
    blueprint = loaded(import_calm(document).text)
    given = export_calm(blueprint)
    assert json.dumps(given, sort_keys=True) == json.dumps(document, sort_keys=True)


def _texts():
    """Whatever in the repository begins like a blueprint."""
    yield starter()
    for file in sorted(ROOT.glob("examples/*/*.yaml")):
        yield file.read_text()
    for file in sorted(ROOT.glob("docs/**/*.md")):
        yield from re.findall(r"```yaml[^\n]*\n(.*?)```", file.read_text(), re.DOTALL)
    for folder in ("blueprint", "gateway", "app"):
        for file in sorted(ROOT.glob(f"tests/unit/{folder}/*.py")):
            for part in ast.walk(ast.parse(file.read_text())):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def _blueprints():
    for text in dict.fromkeys(_texts()):
        if "\nholdfast: 1\n" not in f"\n{text}":
            continue
        try:
            yield loaded(text)
        except BlueprintError:
            continue  # a part of one, or one that is wrong on purpose


def test_every_blueprint_here_is_given_and_taken_back_with_its_digest():
    blueprints = list(_blueprints())
    assert len(blueprints) > 15
    for blueprint in blueprints:
        assert loaded(import_calm(export_calm(blueprint)).text).digest == blueprint.digest
