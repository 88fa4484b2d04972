"""The tour that `make demo` takes, as a newcomer sees it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "examples" / "document-review" / "demo.py"
DEADLINE_S = 100
AGENT = "spiffe://holdfast.local/t/legal/agent"


def take(folder: Path) -> list[tuple[str, str]]:
    """What one whole tour printed: each row's name and value, in order."""
    done = subprocess.run(
        [sys.executable, str(DEMO), "--once", "--data", str(folder / "data")],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        env={**os.environ, "XDG_STATE_HOME": str(folder / "state")},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) <= 80, "it is to be read in two screens"
    return [(line[3:16].strip(), line[16:]) for line in done.stdout.splitlines()]


def told(toured: list[tuple[str, str]], name: str) -> list[str]:
    return [value for each, value in toured if each == name]


@pytest.mark.slow
def test_the_tour_shows_each_step(tmp_path: Path) -> None:
    """One test, since every part of a test run would take a tour of its own."""
    toured = take(tmp_path)
    rows = dict(toured)
    tools_are_approved_after_they_were_shown(toured)
    each_agent_has_a_passport(toured)
    a_person_sends_the_agent(rows)
    documents_come_over_mcp_and_less_is_delegated(toured)
    an_answer_streams_in_and_a_finding_is_filed(rows)
    a_grave_finding_waits_for_somebody_else(rows)
    a_plain_client_is_served_and_what_is_undeclared_refused(rows)
    it_ends_with_the_record_the_proof_and_the_console(rows)


def tools_are_approved_after_they_were_shown(toured: list[tuple[str, str]]) -> None:
    shown = told(toured, "documents") + told(toured, "findings")
    for tool in ("list_documents", "read_clause", "file_finding", "escalate_finding"):
        assert any(value.startswith(tool) and "sha256:" in value for value in shown)


def each_agent_has_a_passport(toured: list[tuple[str, str]]) -> None:
    assert told(toured, "passport") == [f"{AGENT}/review-agent", f"{AGENT}/clause-extractor"]
    widest = told(toured, "at most")
    assert "escalate_finding" in widest[0]
    assert widest[1] == "documents: read_clause"
    details = " ".join(told(toured, ""))
    for part in ("controller Alder Clinics", "risk tier 2", "of model, system prompt, tools"):
        assert part in details


def a_person_sends_the_agent(rows: dict[str, str]) -> None:
    assert rows["analyst"].startswith("user:")
    assert rows["analyst"].endswith(":anna of analysts")
    assert rows["mandate"].startswith("for review-agent, until ")
    assert rows["delegable"].startswith("1 time, never wider")


def documents_come_over_mcp_and_less_is_delegated(toured: list[tuple[str, str]]) -> None:
    rows = dict(toured)
    assert rows["shown"].count("__") == 4
    assert "licence-agreement, supply-agreement" in told(toured, "documents")
    assert "7 days' written notice" in rows["clause 3"]
    assert rows["another one"] == "refused, authority.exceeded:"
    assert rows["a finding"] == "refused, authority.exceeded:"
    details = " ".join(told(toured, ""))
    assert "[authority.argument]" in details
    assert "[authority.location]" in details


def an_answer_streams_in_and_a_finding_is_filed(rows: dict[str, str]) -> None:
    assert rows["answer"].startswith("TERM-1: ")
    assert rows["summary"]
    assert rows["finding"].startswith("file_finding(")
    assert rows["filed"] == "F-1"


def a_grave_finding_waits_for_somebody_else(rows: dict[str, str]) -> None:
    assert rows["high risk"] == "DATA-1, data-protection"
    assert rows["waits"].endswith(":anna")
    assert rows["for"].startswith("one of: owners; ")
    assert rows["Anna"] == "says yes; refused, approval.own"
    assert rows["Olaf"].endswith(":olaf of owners")
    assert rows["escalated"] == "F-2"


def a_plain_client_is_served_and_what_is_undeclared_refused(
    rows: dict[str, str],
) -> None:
    assert rows["type"] == "termination"
    assert rows["undeclared"] == "refused, relationship.undeclared:"


def it_ends_with_the_record_the_proof_and_the_console(rows: dict[str, str]) -> None:
    assert rows["principal"] == f"{AGENT}/review-agent"
    assert (rows["proof"], rows["decision"]) == ("session", "allow")
    assert (rows["resource"], rows["tool"]) == ("findings", "escalate_finding")
    assert "escalations-need-an-owner" in rows["policies"]
    assert rows["approver"].endswith(":olaf")
    assert rows["outcome"].startswith("answered (200)")
    assert (rows["verified"], rows["whole log"]) == ("true", "verified: true")
    assert rows["address"].startswith("http://127.0.0.1:")
