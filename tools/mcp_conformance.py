"""Runs the official MCP conformance suite against the gateway, with an MCP server behind it.

    python tools/mcp_conformance.py                  both revisions
    python tools/mcp_conformance.py --write-docs     and renew docs/mcp/conformance.md
    python tools/mcp_conformance.py --direct         against the fixture server, without Holdfast
    python tools/mcp_conformance.py --scenario tools-list --revision 2026-07-28

The suite is an npm package; it is installed into ``benchmarks/.work`` by the npm found, once for
each version, and with it a Node.js where the one found is too old. What is expected to fail, and
why, stands in ``tests/conformance/mcp/expected-failures-<revision>.yaml``; anything else that fails,
or passes against expectation, fails this run. What it runs against: ``mcp_conformance_stand.py``.
"""

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mcp_conformance_stand import FIXTURES, ROOT, fixture_alone, through_holdfast

PACKAGE = "@modelcontextprotocol/conformance"
VERSION = "0.2.0-alpha.12"
NODE_MAJOR = 22
WORK = ROOT / "benchmarks" / ".work" / "mcp-conformance"
PAGE = ROOT / "docs" / "mcp" / "conformance.md"
MARKS = ("<!-- conformance: begin -->", "<!-- conformance: end -->")
REVISIONS = ("2026-07-28", "2025-11-25")
INSTALL_S = 600.0
SUITE_S = 900.0
FOLDER_NAME = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")


@dataclass(kw_only=True)
class Outcome:
    """What one run of the suite said, by scenario."""

    code: int
    passed: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    warned: dict[str, int] = field(default_factory=dict)

    def totals(self) -> str:
        warned = sum(self.warned.values())
        more = f", {warned} warned" if warned else ""
        return f"{sum(self.passed.values())} passed, {sum(self.failed.values())} failed{more}"


def main() -> int:
    """Run it; the exit code says whether all went as expected."""
    options = _options()
    suite = Suite(WORK)
    revisions = options.revision or REVISIONS
    if options.direct:
        return max(each.code for each in _run_all(suite, revisions, options, direct=True).values())
    outcomes = _run_all(suite, revisions, options)
    if options.write_docs:
        alone = _run_all(suite, revisions, options, direct=True)
        _write_page(_report(suite, outcomes, alone))
    return max(each.code for each in outcomes.values())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--revision", action="append", choices=REVISIONS)
    parser.add_argument("--scenario", help="one scenario only")
    parser.add_argument("--direct", action="store_true", help="the fixture server, not Holdfast")
    parser.add_argument("--write-docs", action="store_true", help=f"renew {PAGE.name}")
    options = parser.parse_args()
    if options.write_docs and (options.direct or options.scenario or options.revision):
        parser.error("--write-docs reports a whole run")
    return options


class Suite:
    """The suite's own program, installed where it is not yet."""

    def __init__(self, work: Path) -> None:
        program = _installed(work / VERSION, f"{PACKAGE}@{VERSION}", "conformance", scripts=False)
        self._words = [str(_node(work)), str(program)]

    def run(self, url: str, *, revision: str, scenario: str | None, is_direct: bool) -> Outcome:
        words = ["server", "--url", url, "--spec-version", revision]
        words += ["--scenario", scenario, "--verbose"] if scenario else ["--suite", "all"]
        expected = _expected_failures(revision)
        if expected.exists() and not scenario and not is_direct:
            words += ["--expected-failures", str(expected)]
        print(f"== revision {revision}: {' '.join(words)}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            told = [*self._words, *words, "--output-dir", folder]
            ended = subprocess.run(told, check=False, timeout=SUITE_S)
            return _read_outcome(ended.returncode, Path(folder))

    def node_version(self) -> str:
        return _version_of(Path(self._words[0]))


def _expected_failures(revision: str) -> Path:
    return FIXTURES / f"expected-failures-{revision}.yaml"


def _node(work: Path) -> Path:
    """A Node.js that is new enough: the one found, or one installed here."""
    found = shutil.which("node")
    if found and int(_version_of(Path(found)).partition(".")[0]) >= NODE_MAJOR:
        return Path(found)
    # This package fetches the program for this machine by a script of its own.
    name = f"node-{NODE_MAJOR}"
    return _installed(work / name, f"node@{NODE_MAJOR}", "node", scripts=True)


def _version_of(node: Path) -> str:
    ended = subprocess.run([str(node), "--version"], check=True, capture_output=True, text=True)
    return ended.stdout.strip().removeprefix("v")


def _installed(folder: Path, package: str, program: str, *, scripts: bool) -> Path:
    """A package's program; installed by npm unless it is there."""
    link = folder / "node_modules" / ".bin" / program
    if not link.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit("the suite needs npm")
        folder.mkdir(parents=True, exist_ok=True)
        words = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund"]
        words += ["--save-exact", *([] if scripts else ["--ignore-scripts"]), package]
        print(f"installing {package} ...", flush=True)
        subprocess.run(words, check=True, cwd=folder, timeout=INSTALL_S)
    return link.resolve(strict=True)


def _run_all(
    suite: Suite, revisions: tuple[str, ...], options: argparse.Namespace, *, direct: bool = False
) -> dict[str, Outcome]:
    stand = fixture_alone if direct else through_holdfast
    with tempfile.TemporaryDirectory() as folder, stand(Path(folder)) as url:
        return {
            revision: suite.run(url, revision=revision, scenario=options.scenario, is_direct=direct)
            for revision in revisions
        }


def _read_outcome(code: int, folder: Path) -> Outcome:
    outcome = Outcome(code=code)
    for path in sorted(folder.glob("*/checks.json")):
        found = FOLDER_NAME.fullmatch(path.parent.name)
        assert found is not None, path.parent.name
        said = [check["status"] for check in json.loads(path.read_text())]
        outcome.passed[found["scenario"]] = said.count("SUCCESS")
        outcome.failed[found["scenario"]] = said.count("FAILURE")
        outcome.warned[found["scenario"]] = said.count("WARNING")
    return outcome


def _report(suite: Suite, outcomes: dict[str, Outcome], alone: dict[str, Outcome]) -> str:
    taken = datetime.now(UTC).date()
    on = f"Python {platform.python_version()}, Node.js {suite.node_version()}"
    lines = [
        f"Taken on {taken} with version {VERSION} of the suite; {on}.",
        "",
        f"| scenario | {' | '.join(outcomes)} |",
        f"|---|{'---|' * len(outcomes)}",
        *_rows(outcomes),
        f"| **all** | {' | '.join(each.totals() for each in outcomes.values())} |",
        f"| the fixture alone | {' | '.join(each.totals() for each in alone.values())} |",
    ]
    return "\n".join(lines)


def _rows(outcomes: dict[str, Outcome]) -> Iterator[str]:
    expected = {revision: _expected_failures(revision) for revision in outcomes}
    names = {
        revision: set(re.findall(r"^  - (\S+)$", path.read_text(), re.MULTILINE))
        if path.exists()
        else set()
        for revision, path in expected.items()
    }
    for scenario in sorted({name for each in outcomes.values() for name in each.passed}):
        cells = [
            _cell(each, scenario, is_expected=scenario in names[revision])
            for revision, each in outcomes.items()
        ]
        yield f"| `{scenario}` | {' | '.join(cells)} |"


def _cell(outcome: Outcome, scenario: str, *, is_expected: bool) -> str:
    if scenario not in outcome.passed:
        return "not in it"
    parts = [f"{outcome.passed[scenario]} passed"]
    for count, word in ((outcome.failed[scenario], "failed"), (outcome.warned[scenario], "warned")):
        parts += [f"{count} {word}"] if count else []
    return ", ".join(parts) + (" (expected)" if is_expected else "")


def _write_page(text: str) -> None:
    begin, end = MARKS
    page = PAGE.read_text()
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"{PAGE.name} has no '{begin}' and '{end}'")
    PAGE.write_text(pattern.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", page))


if __name__ == "__main__":
    sys.exit(main())
