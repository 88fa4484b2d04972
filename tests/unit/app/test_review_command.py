"""``holdfast review``: its exit code is its verdict, and it writes only what it was asked to."""

import json
import subprocess

import pytest
from click.testing import CliRunner

from holdfast.cli import main

SOUND = """# our shop
holdfast: 1
name: shop
facts: {owner: ada}
nodes:
  site: {type: service, description: Shows things, facts: {zone: dmz}}   # in front
  desk: {type: service, description: Answers, facts: {zone: core}}
relationships:
  - {id: asks, connects: [site, desk], protocol: HTTPS}
"""
PLAIN = SOUND.replace("HTTPS", "HTTP")
ONE = ("--rule", "TB-01")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "holdfast.yaml"
    path.write_text(SOUND)
    return path


def run(*words, code=0):
    done = CliRunner().invoke(main, ["review", *map(str, words)])
    assert done.exit_code == code, done.output
    return done.output


def test_a_sound_system_passes_and_a_broken_one_fails(file):
    assert "nothing broken" in run(file, *ONE)
    file.write_text(PLAIN)
    assert "relationships.asks" in run(file, *ONE, code=1)


def test_a_waiver_of_drift_is_not_unknown_here_and_its_end_is_seen(file):
    entry = '{rule: "DRIFT-*", at: site->desk, owner: ada, reason: known, expires: "%s"}'
    file.write_text(SOUND + "review: {waivers: [" + entry % "9999-01-01" + "]}\n")
    assert "nothing broken" in run(file, "--rule", "GV-03")
    assert "is about no rule" not in run(file, *ONE)
    file.write_text(SOUND + "review: {waivers: [" + entry % "2020-01-01" + "]}\n")
    assert "accepted DRIFT-*" in run(file, "--rule", "GV-03", "--fail-on", "advise", code=1)


def test_the_level_that_fails_is_chosen(file):
    file.write_text(PLAIN + "review: {levels: {TB-01: warn}}\n")
    run(file, *ONE)
    run(file, *ONE, "--fail-on", "warn", code=1)
    undecided = SOUND.replace("protocol: HTTPS", "facts: {carries: secret}")
    file.write_text(undecided)
    run(file, *ONE)
    run(file, *ONE, "--fail-on", "undecided", code=1)


@pytest.mark.parametrize(
    "words",
    [
        ("--rule", "XX-99"),
        ("--evidence", "dreams=x.json"),
        ("--evidence", "changes=nowhere.jsonl"),
        ("--pack", "nowhere.yaml"),
        ("--since", "--output=x"),
    ],
)
def test_what_keeps_it_from_judging_is_2(file, words):
    run(file, *words, code=2)


def test_a_file_that_is_no_blueprint_is_2_and_told(file):
    file.write_text("holdfast: 1\n")
    assert "`name` is missing" in run(file, code=2)


def test_programs_read_errors_too(file):
    file.write_text("holdfast: 1\n")
    assert json.loads(run(file, "--json", code=2))["error"]["code"] == "blueprint.invalid"


@pytest.mark.parametrize("form", ["text", "json", "sarif", "markdown", "html"])
def test_every_format_is_written_into_a_file(file, tmp_path, form):
    run(file, *ONE, "--format", form, "-o", tmp_path / "out")
    assert "TB-01" in (tmp_path / "out").read_text() or form in {"text", "markdown", "html"}


def test_fix_shows_a_diff_and_writes_only_when_told(file):
    file.write_text(PLAIN)
    shown = run(file, *ONE, "--fix")
    assert "+  - {id: asks, connects: [site, desk], protocol: HTTPS}" in shown
    assert file.read_text() == PLAIN
    run(file, *ONE, "--fix", "--write")
    assert file.read_text() == SOUND
    assert [path.name for path in file.parent.iterdir()] == ["holdfast.yaml"]


def test_an_organisations_pack_goes_before_the_teams_levels(file, tmp_path):
    file.write_text(PLAIN + 'review: {levels: {"TB-*": off}}\n')
    run(file, *ONE)
    (tmp_path / "ours.yaml").write_text("pack: 1\nname: ours\nlevels: {TB-01: block}\n")
    run(file, *ONE, "--pack", tmp_path / "ours.yaml", code=1)


def test_own_rules_in_cedar_are_asked(file, tmp_path):
    (tmp_path / "own.cedar").write_text(
        '@id("OWN-01") @title("No dmz") @severity("high") @why("w") @mend("move it")\n'
        'forbid (principal, action == Review::Action::"node", resource)'
        ' when { resource.facts.zone == "dmz" };'
    )
    file.write_text(SOUND + "review: {rules: [own.cedar]}\n")
    assert "nodes.site" in run(file, "--rule", "OWN-01", code=1)


def test_evidence_of_changes_is_read(file, tmp_path):
    (tmp_path / "c.jsonl").write_text('{"day": "2026-05-01", "subject": "desk", "kind": "zone"}\n')
    words = (file, "--rule", "GV-02", "--evidence", f"changes={tmp_path / 'c.jsonl'}", "--json")
    found = json.loads(run(*words))
    assert found["evidence"] == ["changes"]
    assert found["counts"]["warn"] == 1


def git(folder, *words):
    subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *words],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def test_only_what_is_new_since_a_revision_fails(file):
    file.write_text(PLAIN)
    git(file.parent, "init", "-q")
    git(file.parent, "add", ".")
    git(file.parent, "commit", "-q", "-m", "x")
    assert "1 from before HEAD" in run(file, *ONE, "--since", "HEAD")
    more = "  - {id: back, connects: [desk, site], protocol: HTTP}\n"
    file.write_text("# moved down\n\n" + PLAIN + more)
    shown = run(file, *ONE, "--since", "HEAD", code=1)
    assert "relationships.back" in shown
    assert "relationships.asks" not in shown
    assert "git knows no revision" in run(file, "--since", "nowhere", code=2)


def test_a_calm_architecture_is_reviewed(tmp_path):
    path = tmp_path / "arch.json"
    node = {"node-type": "service", "name": "A", "description": "d"}
    document = {
        "$schema": "https://calm.finos.org/release/1.2/meta/calm.json",
        "nodes": [{"unique-id": "a", **node}, {"unique-id": "b", **node}],
        "relationships": [
            {
                "unique-id": "ab",
                "relationship-type": {
                    "connects": {"source": {"node": "a"}, "destination": {"node": "b"}}
                },
            }
        ],
    }
    path.write_text(json.dumps(document))
    assert json.loads(run(path, "--json"))["rules"] != []


def test_findings_in_calm_stand_on_the_lines_of_the_document(tmp_path):
    path = tmp_path / "arch.json"
    path.write_text(
        """{
  "$schema": "https://calm.finos.org/release/1.2/meta/calm.json",
  "nodes": [
    {"unique-id": "The Site", "node-type": "service", "name": "A", "description": "d"},
    {"unique-id": "desk", "node-type": "service", "name": "B", "description": "d"}
  ],
  "relationships": [
    {"unique-id": "asks",
     "protocol": "HTTP",
     "relationship-type": {
       "connects": {"source": {"node": "The Site"}, "destination": {"node": "desk"}}}}
  ]
}"""
    )
    found = json.loads(run(path, "--json", "--rule", "TB-01", "--rule", "GV-01"))["findings"]
    lines = {each["at"]: each["line"] for each in found}
    assert lines == {
        "nodes.the-site.facts.owner": 4,
        "nodes.desk.facts.owner": 5,
        "relationships.asks.protocol": 9,
    }
    result = json.loads(run(path, "--format", "sarif", "--rule", "GV-01"))["runs"][0]["results"]
    regions = [each["locations"][0]["physicalLocation"]["region"] for each in result]
    assert [region["startLine"] for region in regions] == [4, 5]


def test_findings_in_a_blueprint_of_json_stand_on_its_lines(tmp_path):
    path = tmp_path / "shop.json"
    path.write_text(
        """{"holdfast": 1, "name": "shop",
	"nodes": {"site": {"type": "service", "description": "d"},
		"desk": {"type": "service", "description": "d"}},
	"relationships": [
		{"id": "asks", "connects": ["site", "desk"]}]}"""
    )
    found = json.loads(run(path, "--json", "--rule", "GV-01"))["findings"]
    assert [each["line"] for each in found] == [2, 3]


RULES = """
from holdfast.blueprint.review import Rule, broken

def judge(case):
    for name in case.system.nodes:
        yield broken(name, f"nodes.{name}", what="x", fix="f")

RULE = Rule(
    id="OUR-01", title="t", severity="low", why="w", mend="m", sources=("s",), judge=judge
)
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Installs a package that gives rules."""

    def install(value):
        about = tmp_path / "site" / "our_rules-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: our-rules\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[holdfast.review_rules]\nours = {value}\n")
        (about.parent / "our_rules_of_a_test.py").write_text(RULES)
        monkeypatch.syspath_prepend(about.parent)

    return install


def test_rules_of_installed_packages_are_asked(file, plugin):
    plugin("our_rules_of_a_test:RULE")
    found = json.loads(run(file, "--rule", "OUR-01", "--json"))
    assert [row["at"] for row in found["findings"]] == ["nodes.site", "nodes.desk"]


@pytest.mark.parametrize("value", ["no.such.module:RULES", "json:loads", "string:digits"])
def test_a_plugin_that_gives_no_rules_is_told_by_name(file, plugin, value):
    plugin(value)
    assert "`ours` of holdfast.review_rules" in run(file, code=2)
