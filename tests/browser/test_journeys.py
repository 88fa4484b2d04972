"""What people do on the console of the running example, in a real browser, as they would.

One test, since every journey would need an instance, a model and two agents of its own. With
HOLDFAST_SCREENSHOTS=FOLDER the pictures of the documentation are taken on the way.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EXAMPLE = Path(__file__).parents[2] / "examples" / "document-review"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 30_000
PAGES = ("/", "/calls", "/agents", "/principals", "/approvals", "/architecture", "/log")
WATCH = """
  window.violations = [];
  document.addEventListener("securitypolicyviolation",
    event => window.violations.push(event.violatedDirective + " " + event.blockedURI));
"""
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; ",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "",
}
pytest.importorskip("playwright")
pytest.importorskip("xllamacpp")


class Desk:
    """One person's browser on the console; everything it complains of is kept."""

    def __init__(self, context, console: str, pictures: Path | None) -> None:
        self.context = context
        self.console = console
        self._pictures = pictures
        self.complaints: list[str] = []
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(WATCH)
        self.page = context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, said) -> None:
        """The identity provider's pages are not ours."""
        is_ours = said.location["url"].startswith(self.console)
        if is_ours and said.type in ("error", "warning"):
            self.complaints.append(f"{said.text} {said.location}")

    def open(self, path: str):
        """A page; its security headers are looked at each time."""
        answer = self.page.goto(self.console + path)
        assert answer is not None
        for name, start in HEADERS.items():
            assert answer.headers.get(name, "").startswith(start), (path, name)
            assert name in answer.headers, (path, name)
        assert "unsafe" not in answer.headers["content-security-policy"]
        return self.page

    def picture(self, name: str) -> None:
        if self._pictures is not None:
            self.page.screenshot(path=self._pictures / f"{name}.png")

    def is_content(self) -> None:
        """No error on the browser's console, nothing that the policy had to stop."""
        assert self.page.evaluate("window.violations") == []
        assert self.complaints == []


def serious(page) -> list[str]:
    """What axe-core finds that keeps somebody from using the page."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.fixture(scope="module")
def chromium():
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def pictures() -> Path | None:
    folder = os.environ.get("HOLDFAST_SCREENSHOTS")
    if not folder:
        return None
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)


@contextlib.contextmanager
def running_example(folder: Path, monkeypatch) -> Iterator[tuple]:
    """The example as `make demo` starts it, its agents registered and sent."""
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    monkeypatch.syspath_prepend(str(EXAMPLE))
    from tour.office import Office
    from tour.parts import started
    from tour.steps import register, send_out

    keys = folder / "keys"
    keys.mkdir()
    with started(folder / "data", console_options=()) as system:
        office = Office(system.data, gateway=system.url, keys=keys)
        agents = register(office)
        _, mandate = send_out(office)
        yield system, office, agents, mandate


@pytest.mark.timeout(300)
def test_people_find_their_way(chromium, tmp_path, monkeypatch, pictures) -> None:
    with running_example(tmp_path, monkeypatch) as (system, office, agents, mandate):
        from agents.review_agent import sent

        with sent(agents.reviewer, mandate, gateway=system.url) as agent:
            desks = [
                Desk(chromium.new_context(viewport={"width": 1440, "height": 900}), url, pictures)
                for url in (system.console, system.console)
            ]
            operator, owner = desks
            nobody_looks_without_signing_in(operator)
            an_operator_signs_in_by_the_link(operator, office)
            calls_are_made(agent, office, system)
            the_refused_call_is_found_with_its_reason(operator)
            its_proof_is_verified_in_the_browser(operator)
            an_owner_signs_in_and_lets_a_held_call_pass(owner, agent)
            an_owner_may_not_operate(owner)
            the_session_tells_what_the_agent_did(operator)
            every_page_can_be_used_by_everybody(operator)
            every_page_can_be_read_without_scripts(chromium, operator)
            a_breaker_opens_and_closes(operator, agent)
            an_agent_is_revoked_and_its_next_call_refused(operator, agent)
            whoever_signs_out_is_out(operator)
            for desk in desks:
                desk.is_content()


def nobody_looks_without_signing_in(desk: Desk) -> None:
    desk.open("/calls")
    assert "/sign-in" in desk.page.url
    assert desk.page.request.get(f"{desk.console}/api/calls").status == 401


def an_operator_signs_in_by_the_link(desk: Desk, office) -> None:
    told = office.tell("console")
    desk.page.goto(told["sign_in"])
    desk.page.get_by_role("button", name="Open the console").click()
    desk.page.wait_for_url(re.compile(r"127\.0\.0\.1:\d+/$"))
    desk.page.get_by_role(
        "heading", name=re.compile("Holds|Look here", re.IGNORECASE)
    ).first.wait_for()
    cookie = next(c for c in desk.context.cookies() if c["name"].startswith("__Host-"))
    assert (cookie["secure"], cookie["httpOnly"], cookie["path"]) == (True, True, "/")


def calls_are_made(agent, office, system) -> None:
    """Some answers, and one attempt at what is not declared."""
    import openai

    assert agent.tools.call("documents__list_documents")
    for number in (1, 2, 3):
        clause = agent.tools.call(
            "documents__read_clause", document="supply-agreement", clause=number
        )
        agent.summary(clause)
    key = office.tell("key", "create", "intake")["key"]
    with (
        openai.OpenAI(base_url=f"{system.url}/v1", api_key=key, max_retries=0) as client,
        pytest.raises(openai.OpenAIError),
    ):
        client.chat.completions.create(
            model="findings", messages=[{"role": "user", "content": "Show me."}]
        )


def the_refused_call_is_found_with_its_reason(desk: Desk) -> None:
    page = desk.open("/calls")
    page.get_by_label("Outcome").select_option("refused")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url(re.compile("outcome=refused"))
    row = page.locator(".calls-table tbody tr", has_text="intake").first
    desk.picture("calls-refused")
    row.locator("th a").click()
    page.wait_for_url(re.compile("/calls/[0-9A-Z]{26}"))
    assert "relationship.undeclared" in page.locator("main").inner_text()
    desk.picture("call-refused")


def its_proof_is_verified_in_the_browser(desk: Desk) -> None:
    page = desk.page
    for _ in range(20):  # a second passes until a checkpoint covers the record
        if page.locator("[data-run]").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    page.locator("[data-run]").first.click()
    page.locator("[data-steps].done li, [data-steps] li:nth-child(4)").first.wait_for()
    page.wait_for_timeout(500)
    steps = page.locator("[data-steps] li")
    assert {step.get_attribute("class") for step in steps.all()} == {"held"}
    steps.last.scroll_into_view_if_needed()
    desk.picture("call-verified")


def an_owner_signs_in_and_lets_a_held_call_pass(desk: Desk, agent) -> None:
    finding = {"item": "DATA-1", "severity": "high"}
    filed: list[str] = []
    filing = threading.Thread(
        target=lambda: filed.append(agent.file(finding, "supply-agreement", 4))
    )
    filing.start()
    page = desk.page
    page.goto(f"{desk.console}/approvals")
    page.get_by_role("link", name=re.compile("Sign in at")).click()
    page.locator("input[name=sub]").fill("olaf")
    page.locator("form button, form input[type=submit]").first.click()
    page.wait_for_url(f"{desk.console}/approvals")
    page.get_by_role("button", name="Approve").wait_for()
    desk.picture("approvals")
    page.get_by_label("Reason").fill("the clause must change")
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("Approved: the call goes on.").wait_for()
    filing.join(30)
    assert filed


def an_owner_may_not_operate(desk: Desk) -> None:
    page = desk.open("/principals/review-agent")
    assert page.get_by_role("button", name="Revoke").count() == 0


def the_session_tells_what_the_agent_did(desk: Desk) -> None:
    page = desk.open("/agents")
    desk.picture("agents")
    page.locator("a[href^='/agents/sessions/']").first.click()
    page.get_by_role("heading", name="Timeline").wait_for()
    said = page.locator("main").inner_text()
    assert "read_clause" in said
    desk.picture("session")


def every_page_can_be_used_by_everybody(desk: Desk) -> None:
    """axe-core, in light and dark, wide and narrow."""
    for path in PAGES:
        for scheme, width in (("light", 1440), ("dark", 360)):
            desk.page.emulate_media(color_scheme=scheme)
            desk.page.set_viewport_size({"width": width, "height": 900})
            page = desk.open(path)
            assert serious(page) == [], (path, scheme, width)
            wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
            assert not wide, f"{path} scrolls sideways at {width} px"
        desk.page.emulate_media(color_scheme="light")
        desk.page.set_viewport_size({"width": 1440, "height": 900})
        desk.open(path)
        desk.picture(path.strip("/") or "now")


def every_page_can_be_read_without_scripts(chromium, desk: Desk) -> None:
    state = desk.context.storage_state()
    with chromium.new_context(java_script_enabled=False, storage_state=state) as context:
        page = context.new_page()
        for path in PAGES:
            answer = page.goto(desk.console + path)
            assert answer is not None
            assert answer.status == 200
            assert len(page.locator("main").inner_text()) > 100, path


def a_breaker_opens_and_closes(desk: Desk, agent) -> None:
    """The model is stopped, asked in vain, and started again."""
    page = desk.open("/")
    state = page.locator("#upstreams tr.upstream", has_text="clause-reviewer").first
    process, command = _model()
    os.kill(process, signal.SIGKILL)

    def ask() -> None:
        import openai

        with contextlib.suppress(openai.OpenAIError):
            agent.summary("The buyer pays within thirty days.")

    for _ in range(30):
        ask()
        if "breaker open" in state.inner_text():
            break
    state.get_by_text("breaker open").wait_for()
    desk.picture("breaker-open")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as model:
        try:
            for _ in range(60):
                ask()
                page.wait_for_timeout(500)
                if re.search(r"\bup\b", state.inner_text()):
                    break
            assert re.search(r"\bup\b", state.inner_text())
        finally:
            model.terminate()


def _model() -> tuple[int, list[str]]:
    """The process of the example's model, and how it was started."""
    mine = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    for child in mine:
        command = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")[:-1]
        if any(word.endswith("model/serve.py") for word in command):
            assert command[0] == sys.executable
            return int(child), command
    raise AssertionError("the example's model does not run")


def an_agent_is_revoked_and_its_next_call_refused(desk: Desk, agent) -> None:
    from agents.toolbox import RefusedError

    page = desk.open("/principals/review-agent")
    page.get_by_label("reason").fill("it went round in circles")
    page.get_by_role("button", name="Revoke").click()
    page.locator(".pill", has_text="revoked").first.wait_for()
    desk.picture("principal-revoked")
    with pytest.raises(RefusedError):
        agent.tools.call("documents__list_documents")
    page = desk.open("/calls?outcome=refused")
    page.get_by_text(re.compile("revoked")).first.wait_for()


def whoever_signs_out_is_out(desk: Desk) -> None:
    desk.open("/")
    desk.page.get_by_role("button", name="Sign out").click()
    desk.page.wait_for_url(re.compile("/sign-in"))
    desk.page.goto(f"{desk.console}/calls")
    assert "/sign-in" in desk.page.url
