"""The tour, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import httpx2
import openai
from agents.clause_extractor import ClauseExtractor
from agents.review_agent import ReviewAgent, sent
from agents.toolbox import RefusedError, opened

from holdfast.client import Identity
from tour.office import Office, eventually
from tour.parts import HERE, DemoError, System
from tour.people import log_in
from tour.screen import row, streamed, title

DOCUMENT: Final = "supply-agreement"
OTHER: Final = "licence-agreement"
TERMINATION: Final = 3
DATA_PROTECTION: Final = 4
SERVERS: Final = ("documents", "findings")
TOOLS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """The two agents' identities: each with a key of its own."""

    reviewer: Identity
    extractor: Identity


def tour(system: System, office: Office) -> None:
    """All steps in their order."""
    agents = register(office)
    analyst, mandate = send_out(office)
    extractor = ClauseExtractor(agents.extractor, gateway=system.url)
    with sent(agents.reviewer, mandate, gateway=system.url) as agent:
        clauses = extract(agent, extractor)
        review(agent, clauses[TERMINATION])
        call = escalate(office, agent, clauses[DATA_PROTECTION], analyst)
    intake(office, system.url, clauses[TERMINATION])
    evidence(office, call)
    title("The console")
    row("address", f"{system.console}/")


# -- before any call -------------------------------------------------------------------------------


def register(office: Office) -> Agents:
    """Tools are approved as they are now; agents get passports, made of those tools."""
    title("An operator reads what the tools' servers say, and approves it as it is now")
    offered = office.offered(SERVERS, count=TOOLS)
    for tool in offered:
        row(tool["server"], f"{tool['name']:<18}{tool['digest'][:15]}...  {tool['description']}")
    for server in SERVERS:
        office.approve(server, "read them; they do what they say")
    title("The agents get passports: who answers for them, of what they are, the most they may do")
    reading = [tool for tool in offered if tool["name"] == "read_clause"]
    show_passport(office.passport("review-agent", offered))
    show_passport(office.passport("clause-extractor", reading))
    with ThreadPoolExecutor() as pool:
        issued = pool.map(office.identity, ("review-agent", "clause-extractor"))
    reviewer, extractor = issued
    return Agents(reviewer=reviewer, extractor=extractor)


def show_passport(passport: dict[str, Any]) -> None:
    """What stands in a passport."""
    controller, parts = passport["controller"], passport["made_of"]
    made = [name for name in ("model", "system_prompt", "tools") if parts.get(name)]
    row("passport", passport["sub"])
    row("", f"controller {controller['org']}; risk tier {passport['risk_tier']}")
    row("", f"build {passport['build'][:23]}... of {', '.join(made).replace('_', ' ')}")
    row("at most", "; ".join(map(may, passport["max_mandate"])))


def may(authority: dict[str, Any]) -> str:
    """An authority in a few words: where, and what."""
    where = authority["locations"][0].rpartition("/")[2]
    return f"{where}: {', '.join(sorted(authority.get('tools') or authority['actions']))}"


def send_out(office: Office) -> tuple[dict[str, Any], str]:
    """A person lets the agent act for them; who that is, and the mandate."""
    title("The analyst logs in (the tour plays her browser) and sends the agent, for ten minutes")
    analyst = log_in(office, "anna")
    row("analyst", f"{analyst['principal']} of {', '.join(analyst['groups'])}")
    words = ["mandate", "grant", "review-agent", "--authority", str(HERE / "mandates/review.yaml")]
    words += ["--ttl", "10m", "--depth", "1", "--why", f"review of {DOCUMENT}"]
    granted = office.tell(*words, "--identity", str(office.wit_file("review-agent")))
    shown = granted["shown"]
    row("mandate", f"for {shown['holder'].rpartition('/')[2]}, until {shown['expires']}")
    row("may", "; ".join(map(may, shown["authorization_details"])))
    row("delegable", f"{shown['depth_left']} time, never wider; transaction {shown['txn']}")
    return analyst, granted["mandate"]


# -- calls -----------------------------------------------------------------------------------------


def extract(agent: ReviewAgent, extractor: ClauseExtractor) -> dict[int, str]:
    """A sub-agent reads, and can do nothing else."""
    title("The agent finds its tools over MCP, and delegates the reading of one document")
    shown = eventually(agent.tools.names, count=TOOLS, what="the agent is not shown its tools")
    row("shown", ", ".join(shown))
    row("documents", ", ".join(agent.tools.call("documents__list_documents")))
    mandate = agent.delegate(extractor.identity, DOCUMENT)
    row("delegated", f"to clause-extractor, offline: read {DOCUMENT}, for two minutes")
    with extractor.sent_with(mandate) as tools:
        clauses = extractor.extract(tools, DOCUMENT, (TERMINATION, DATA_PROTECTION))
        for number, text in clauses.items():
            row(f"clause {number}", text)
        with refused("another one"):
            extractor.extract(tools, OTHER, (TERMINATION,))
        finding = {"document": DOCUMENT, "clause": 3, "item": "TERM-1", "severity": "low"}
        with refused("a finding"):
            tools.call("findings__file_finding", **finding)
    return clauses


@contextmanager
def refused(name: str) -> Iterator[None]:
    """What happens inside must be refused; a row says by which rule and why."""
    try:
        yield
    except RefusedError as error:
        row(name, f"refused, {error.code}:")
        row("", error.what.rpartition(" (")[0] or error.what)  # without how to mend it
        return
    raise DemoError(f"{name} was not refused")


def review(agent: ReviewAgent, clause: str) -> None:
    """The model is asked with the official client; the agent files what it finds."""
    title("It asks the model about clause 3; the answer streams in, and the finding is filed")
    streamed("answer", agent.check(clause))
    row("summary", agent.summary(clause))
    found = agent.finding(clause)
    if found is None:
        raise DemoError("the model made no tool call")
    row("finding", f"file_finding({', '.join(f'{n}: {v}' for n, v in found.items())})")
    row("filed", agent.file(found, DOCUMENT, TERMINATION))


def escalate(office: Office, agent: ReviewAgent, clause: str, analyst: dict[str, Any]) -> str:
    """A finding of high severity waits for a person; the call that waited."""
    title("Clause 4 is worse: a finding of high severity waits for one of the owners")
    found = agent.finding(clause)
    if found is None or found["severity"] != "high":
        raise DemoError(f"the model found no finding of high severity: {found}")
    row("high risk", f"{found['item']}, {found['clause_type']}")
    pool = ThreadPoolExecutor(1)
    filing = pool.submit(agent.file, found, DOCUMENT, DATA_PROTECTION)
    pool.shutdown(wait=False)  # that one call goes on beside us
    asked = office.waiting()
    row("waits", f"{asked['call']}, on behalf of {asked['on_behalf_of']}")
    row("for", f"one of: {', '.join(asked['groups'])}; by {', '.join(asked['policies'])}")
    own = office.told("approvals", "approve", asked["call"], "--reason", "it is mine")
    row(analyst["name"], f"says yes; refused, {own['error']['code']}")
    owner = log_in(office, "olaf")
    office.tell("approvals", "approve", asked["call"], "--reason", "the clause must change")
    row(owner["name"], f"says yes, as {owner['principal']} of {', '.join(owner['groups'])}")
    row("escalated", filing.result())
    return asked["call"]


def intake(office: Office, gateway: str, clause: str) -> None:
    """Any OpenAI client, with an API key: it may ask the model, and nothing else is declared."""
    title("Intake, a plain OpenAI client with an API key, may ask the model and nothing else")
    key = office.tell("key", "create", "intake")["key"]
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key=key, max_retries=0) as client:
        asked = f"What type of clause is this?\n\n{clause}"
        answer = client.chat.completions.create(
            model="clause-reviewer", messages=[{"role": "user", "content": asked}], max_tokens=16
        )
    row("type", answer.choices[0].message.content)
    headers = {"authorization": f"Bearer {key}"}
    plain = partial(httpx2.AsyncClient, headers=headers)
    with opened(plain, gateway=gateway) as tools, refused("undeclared"):
        tools.call("documents__list_documents")


# -- evidence --------------------------------------------------------------------------------------


def evidence(office: Office, call: str) -> None:
    """The call's record, the proof that it is in the log, and the whole log recomputed."""
    title("The record of the call that waited: everything but what was said")
    show_record(office.tell("audit", "show", call)["records"][-1]["record"])
    title("The proof that it is in the log")
    proven, whole = office.tell("audit", "prove", call), office.tell("audit", "verify")
    row("entries", ", ".join(str(p["index"]) for p in proven["proofs"]))
    row("log", f"{proven['size']} entries, root {proven['root'][:16]}...")
    row("key", proven["key"])
    row("verified", str(proven["verified"]).lower())
    row("whole log", f"verified: {str(whole['verified']).lower()}")
    if not (proven["verified"] and whole["verified"]):
        raise DemoError("the log does not verify")


def show_record(record: dict[str, Any]) -> None:
    """A record, a row a field."""
    names = ("principal", "proof", "txn", "resource", "tool", "decision", "policies", "approver")
    row("call", record["call"])
    for name in names:
        value = record[name]
        row(name, ", ".join(value) if isinstance(value, list) else value)
    row(
        "outcome",
        f"{record['outcome']} ({record['status']}) in {record['duration_us'] / 1e6:.1f} s",
    )
    row("arguments", f"{record['arguments'][:40]}...  (salted digest; no text is kept)")
