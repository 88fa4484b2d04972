"""Calls and the log in a real browser: found, followed, and verified by the browser itself, which a
server that lies does not get past."""

import base64
import json

import pytest

from holdfast.audit import (
    LogSigner,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    range_hash_of,
    root_of,
)

pytestmark = pytest.mark.browser

LIVE = "document.querySelector('#feed').dataset.state === 'live'"
PANEL = "document.querySelector('[data-verify]')"
READY = f"{PANEL} && !document.querySelector('[data-run]').parentElement.hidden"
STEPS = f"[...{PANEL}.querySelectorAll('.steps li')].map(s => s.className + ' ' + s.innerText)"
OTHER = LogSigner.from_seed("holdfast.example/log", bytes(32))
HONEST = ["Entry", "Leaf", "Proof", "Key", "Signature", "Inclusion"]


def lying(lies):
    """A server that changes what it answers: ``lies`` say what becomes of the bytes of an ``entry``,
    its ``proof``, the ``page`` of it, or the ``log``'s page. They are looked up at each request."""
    names = {
        "/api/log/12": "entry",
        "/api/log/12/proof": "proof",
        "/log/12": "page",
        "/log": "log",
    }

    def around(app):
        async def liar(scope, receive, send):
            change = lies.get(names.get(scope.get("path")))
            if change is None:
                await app(scope, receive, send)
                return
            await app(scope, receive, _changing(send, change))

        return liar

    return around


def _changing(send, change):
    begun, body = [], bytearray()

    async def changed(message):
        if message["type"] == "http.response.start":
            begun.append(message)
            return
        body.extend(message.get("body", b""))
        if message.get("more_body"):
            return
        made = change(bytes(body))
        head = [(n, v) for n, v in begun[0]["headers"] if n.lower() != b"content-length"]
        await send(begun[0] | {"headers": [*head, (b"content-length", b"%d" % len(made))]})
        await send({"type": "http.response.body", "body": made})

    return changed


def altered_line(text: bytes, number: int) -> bytes:
    """Another hash, or signature, where a line of base64 ends with one."""
    lines = text.split(b"\n")
    head, _, value = lines[number].rpartition(b" ")
    data = bytearray(base64.b64decode(value))
    data[-1] ^= 1
    lines[number] = (head + b" " if head else b"") + base64.b64encode(data)
    return b"\n".join(lines)


def verify(browser, url: str) -> list[tuple[str, str, str]]:
    """Open a page of an entry and press its button: each step's state, name and words."""
    browser.open(url)
    browser.until(READY)
    browser.evaluate("document.querySelector('[data-run]').click(); true")
    return steps(browser)


def steps(browser) -> list[tuple[str, str, str]]:
    browser.until(f"{PANEL}.dataset.result")
    found = [each.split(" ", 3) for each in browser.evaluate(STEPS)]
    return [(state, name, rest) for state, _glyph, name, rest in found]


def outcome(found) -> dict[str, str]:
    return {name: state for state, name, _ in found}


def expected(broken: str | None) -> dict[str, str]:
    """Every step holds up to the broken one, and none is reached after it."""
    at = HONEST.index(broken) if broken is not None else len(HONEST)
    states = ["held"] * at + ["broken"] * (at < len(HONEST)) + ["unreached"] * len(HONEST)
    return dict(zip(HONEST, states, strict=False))


# -- an entry -------------------------------------------------------------------------------------


def test_the_browser_verifies_an_entry_step_by_step(browser, serve, fakes):
    system = fakes.busy_system()
    call = system.recent[0].call
    found = verify(browser, serve(system).url + f"calls/{call}")
    assert outcome(found) == expected(None)
    told = " ".join(rest for _, _, rest in found)
    head = system.log().checkpoint()
    assert head.root.hex() in told
    assert leaf_hash(system.log().entry(12).data).hex() in told
    assert (browser.said, browser.evaluate("window.violations")) == ([], [])


ENTRY = b"desk-asks-reviewer"
FORGED = b"desk-asks-reviewez"


LIES = (
    ("Entry", {"entry": lambda body: body.replace(ENTRY, FORGED)}),
    ("Entry", {"page": lambda body: body.replace(ENTRY, FORGED)}),
    ("Inclusion", {n: lambda body: body.replace(ENTRY, FORGED) for n in ("entry", "page")}),
    ("Proof", {"proof": lambda body: body.replace(b"index 12", b"index 11")}),
    ("Proof", {"proof": lambda _body: b"trust me"}),
    ("Inclusion", {"proof": lambda body: altered_line(body, 2)}),
    ("Signature", {"proof": lambda body: body.replace(b"\n13\n", b"\n14\n")}),
    ("Signature", {"proof": lambda body: altered_line(body, -2)}),
    ("Signature", {"proof": lambda body: body.partition(b"\n\xe2\x80\x94")[0] + b"\n"}),
)


def test_each_lie_fails_at_the_step_that_it_is_told_to(browser, serve, fakes):
    lies = {}
    served = serve(fakes.busy_system(), around=lying(lies))
    for number, (broken, told) in enumerate(LIES):
        lies.clear()
        lies.update(told)
        found = verify(browser, served.url + "log/12")
        assert outcome(found) == expected(broken), (number, found)
    lies.clear()
    assert outcome(verify(browser, served.url + "log/12")) == expected(None)


def test_a_field_that_the_page_shows_otherwise_than_the_entry_has_it_is_found(
    browser, serve, fakes
):
    shown = b'data-field="status">200<'
    around = lying({"page": lambda body: body.replace(shown, shown.replace(b"200", b"403"))})
    found = verify(browser, serve(fakes.busy_system(), around=around).url + "log/12")
    assert outcome(found) == expected("Entry")
    assert "the page shows another status" in found[0][2]


def test_the_key_that_somebody_holds_counts_and_is_remembered(browser, serve, fakes):
    served = serve(fakes.busy_system())
    browser.open(served.url + "log/12")
    browser.until(READY)
    for key, broken in ((OTHER.vkey, "Signature"), (OTHER.vkey[:-8], "Key"), ("", "Key")):
        browser.evaluate(f"document.querySelector('[data-vkey]').value = {json.dumps(key)}; true")
        browser.evaluate(f"delete {PANEL}.dataset.result; true")
        browser.evaluate("document.querySelector('[data-run]').click(); true")
        assert outcome(steps(browser)) == expected(broken)
    assert outcome(verify(browser, served.url + "log/12")) == expected(None)


def test_a_server_that_changes_its_key_is_found_by_whoever_came_before(browser, serve, fakes):
    served = serve(fakes.busy_system())
    assert outcome(verify(browser, served.url + "log/12")) == expected(None)
    served.close()
    impostor = fakes.busy_system()
    impostor.vkey = OTHER.vkey
    found = verify(browser, serve(impostor, port=served.port).url + "log/12")
    assert outcome(found) == expected(None)
    assert "remembers another key" in browser.evaluate(
        "document.querySelector('[data-remembered]').textContent"
    )


@pytest.mark.parametrize(
    ("missing", "word"),
    [
        ("crypto.subtle.generateKey = () => Promise.reject(new Error('no'))", "cannot do Ed25519"),
        ("Object.defineProperty(window, 'isSecureContext', {value: false})", "plain HTTP"),
    ],
)
def test_a_browser_that_cannot_verify_says_so_and_offers_no_button(
    missing, word, browser, serve, fakes
):
    browser.send("Page.addScriptToEvaluateOnNewDocument", source=missing)
    browser.open(serve(fakes.busy_system()).url + "log/12")
    note = "document.querySelector('[data-unable]')"
    browser.until(f"!{note}.hidden")
    assert word in browser.evaluate(f"{note}.textContent")
    assert browser.evaluate("document.querySelector('[data-run]').parentElement.hidden")


def test_without_scripts_the_command_and_the_files_are_there_and_no_button(browser, serve, fakes):
    served = serve(fakes.busy_system())
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(served.url + "log/12")
        html = browser.html()
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
    assert "holdfast audit verify-receipt" in html
    assert 'href="/api/log/12/proof"' in html
    assert '<p class="run" hidden="">' in html


# -- proofs of any shape --------------------------------------------------------------------------

LEAVES = [leaf_hash(b"entry %d" % number) for number in range(33)]


def judged(browser, script: str, cases) -> list[bool]:
    """What the page's own functions say to each case."""
    browser.evaluate(f"window.cases = {json.dumps(cases)}; window.verdicts = null; true")
    browser.evaluate(
        "(async () => { const found = []; for (const c of cases) "
        f"found.push(await (async () => {{ {script} }})().then(v => v !== false, () => false));"
        "window.verdicts = found; })(); true"
    )
    browser.until("window.verdicts")
    return browser.evaluate("window.verdicts")


def test_every_inclusion_proof_holds_and_none_does_for_another_entry(browser, serve, fakes):
    browser.open(serve(fakes.busy_system()).url + "log/12")
    browser.until(READY)
    cases = []
    for size in range(1, len(LEAVES) + 1):
        tree = range_hash_of(LEAVES[:size])
        for index in range(size):
            path = [each.hex() for each in inclusion_proof(index, size, tree)]
            root = root_of(LEAVES[:size]).hex()
            for leaf in (LEAVES[index].hex(), leaf_hash(b"other").hex()):
                cases.append({"leaf": leaf, "at": index, "of": size, "path": path, "root": root})
    script = "return hex(await rootOf(unhex(c.leaf), c.at, c.of, c.path.map(unhex))) === c.root"
    assert judged(browser, script, cases) == [True, False] * (len(cases) // 2)


def test_every_consistency_proof_holds_and_none_does_for_another_past(browser, serve, fakes):
    browser.open(serve(fakes.busy_system()).url + "log/12")
    browser.until(READY)
    cases, expected_of = [], []
    for new in range(1, len(LEAVES) + 1):
        tree = range_hash_of(LEAVES[:new])
        for old in range(1, new + 1):
            path = [each.hex() for each in consistency_proof(old, new, tree)]
            past = [leaf_hash(b"other"), *LEAVES[1:old]]
            for leaves, holds in ((LEAVES[:old], True), (past, False)):
                before = {"size": old, "root": root_of(leaves).hex()}
                now = {"size": new, "root": root_of(LEAVES[:new]).hex()}
                cases.append({"old": before, "now": now, "path": path})
                expected_of.append(holds)
    script = "await checkContinues(c.old, c.now, c.path.map(unhex)); return true"
    assert judged(browser, script, cases) == expected_of


# -- the log's continuity -------------------------------------------------------------------------


def history_of(fakes, *numbers):
    system = fakes.FakeSystem()
    system.write(*(fakes.record_of(fakes.seen(number)) for number in numbers))
    system.integrate()
    return system


def continuity(browser, url: str) -> tuple[str, str]:
    browser.open(url + "log")
    browser.until(f"{PANEL}?.dataset.result")
    state, name, rest = steps(browser)[-1]
    assert name == "Continuity"
    return state, rest


def test_a_log_that_grew_continues_what_the_browser_saw(browser, serve, fakes):
    system = history_of(fakes, 1, 2, 3, 4, 5)
    served = serve(system)
    assert "had not seen this log before" in continuity(browser, served.url)[1]
    system.write(*(fakes.record_of(fakes.seen(number)) for number in range(6, 40)))
    system.integrate()
    state, told = continuity(browser, served.url)
    assert state == "held"
    assert "continues what this browser saw" in told
    assert ": 5 entries" in told


@pytest.mark.parametrize(
    "other", [range(10, 20), (2, 2, 3, 4, 5, 6, 7), (1, 2, 3)], ids=["all", "one", "shorter"]
)
def test_a_log_that_is_another_than_the_browser_saw_is_found(other, browser, serve, fakes):
    served = serve(history_of(fakes, 1, 2, 3, 4, 5))
    assert continuity(browser, served.url)[0] == "held"
    served.close()
    forked = serve(history_of(fakes, *other), port=served.port)
    assert continuity(browser, forked.url)[0] == "broken"
    # What was seen stays remembered: looking again does not make it true.
    assert continuity(browser, forked.url)[0] == "broken"


def test_a_checkpoint_that_the_key_did_not_sign_is_not_remembered(browser, serve, fakes):
    lie = lying({"log": lambda body: body.replace(b"\n5\n", b"\n6\n")})
    served = serve(history_of(fakes, 1, 2, 3, 4, 5), around=lie)
    browser.open(served.url + "log")
    assert outcome(steps(browser)) == {
        "Checkpoint": "held", "Key": "held", "Signature": "broken", "Continuity": "unreached",
    }  # fmt: skip
    kept = browser.evaluate("Object.keys(localStorage).filter(k => k.includes('head'))")
    assert kept == []


# -- the list -------------------------------------------------------------------------------------


def test_the_list_follows_calls_that_fit_and_only_those(browser, serve, fakes):
    system = history_of(fakes, 50)
    served = serve(system)
    browser.open(served.url + "calls?caller=intake")
    browser.until(LIVE)
    assert "Nothing fits" in browser.html()

    def begin(changed) -> None:
        changed.in_flight = (fakes.in_flight(20),)
        changed.recent = (fakes.undeclared(10),)

    served.do(begin)
    browser.until(f"document.getElementById('call-{fakes.undeclared(10).call}')")
    assert f"call-{fakes.in_flight(20).call}" not in browser.html()
    assert (browser.said, browser.evaluate("window.violations")) == ([], [])


def test_the_form_finds_calls_and_a_pasted_id_its_call(browser, serve, fakes):
    system = fakes.busy_system()
    url = serve(system).url
    browser.open(url + "calls")
    browser.evaluate(
        "document.querySelector('select[name=outcome]').value = 'refused';"
        "document.querySelector('form[aria-label^=Filter] button').click(); true"
    )
    browser.until("location.search.includes('outcome=refused')")
    browser.until("document.querySelectorAll('.calls-table tbody tr').length === 2")
    call = system.recent[1].call
    browser.evaluate(
        f"document.querySelector('input[name=find]').value = '{call.lower()}';"
        "document.querySelector('form.find button').click(); true"
    )
    browser.until(f"location.pathname === '/calls/{call}'")


def test_no_width_makes_a_page_scroll_sideways(browser, serve, fakes):
    system = fakes.busy_system()
    url = serve(system).url
    for path in ("calls", f"calls/{system.recent[1].call}", "log", "log/12"):
        browser.open(url + path)
        for width in (360, 768, 1440, 3840):
            browser.size(width)
            assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
