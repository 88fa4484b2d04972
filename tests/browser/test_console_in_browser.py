"""The console in a real browser: everything there, live, within its own policy."""

import msgspec
import pytest

pytestmark = pytest.mark.browser

LIVE = "document.querySelector('#feed').dataset.state === 'live'"
SPILT = """
[...document.querySelectorAll(".node")].filter(node => {
  const box = node.querySelector("rect").getBBox();
  return [...node.querySelectorAll(":scope > text")].some(text => {
    const own = text.getBBox();
    return own.x < box.x || own.x + own.width > box.x + box.width - 4;
  });
}).map(node => node.dataset.node)
"""


def test_the_map_shows_every_node_and_edge_and_every_name_fits_its_box(browser, serve, fakes):
    system = fakes.busy_system()
    browser.open(serve(system).url)
    nodes = browser.evaluate("[...document.querySelectorAll('.node')].map(n => n.dataset.node)")
    assert set(nodes) == set(system.declared.nodes) - {"laptop"}
    assert browser.evaluate("document.querySelectorAll('.group').length") == 1
    edges = browser.evaluate("[...document.querySelectorAll('.line')].map(n => n.dataset.edge)")
    assert {r.id for r in system.declared.connections().values()} <= set(edges)
    assert browser.evaluate(SPILT) == []


def test_sixty_nodes_fit_their_boxes(browser, serve, fakes):
    browser.open(serve(fakes.FakeSystem(fakes.large_system(60))).url)
    assert browser.evaluate("document.querySelectorAll('.node').length") == 60
    assert browser.evaluate(SPILT) == []


def test_calls_arrive_and_move_on_without_a_reload(browser, serve, fakes):
    served = serve(fakes.FakeSystem())
    browser.open(served.url)
    browser.until(LIVE)
    assert "No calls yet" in browser.html()
    call = fakes.in_flight(20)
    row = f"document.getElementById('call-{call.call}')"

    def begin(system) -> None:
        system.in_flight = (call,)

    def end(system) -> None:
        system.in_flight = ()
        done = {"outcome": "answered", "status": 200, "marks_us": (1, 2, 3, 4, 5, 6, 7)}
        system.recent = (msgspec.structs.replace(call, **done),)
        system.totals.calls = 1234

    served.do(begin)
    browser.until(f"{row}?.querySelector('.row.running')")
    browser.until("document.querySelector('.line.busy')?.dataset.edge === 'desk-asks-reviewer'")
    browser.evaluate(f"{row}.querySelector('details').open = true; true")
    served.do(end)
    browser.until(f"{row}?.querySelector('.row.answered')")
    browser.until("document.querySelector('#totals').textContent.includes('1,234')")
    assert browser.evaluate(f"{row}.querySelector('details').open")
    assert browser.evaluate("document.querySelector('.line.busy')") is None
    assert (browser.said, browser.evaluate("window.violations")) == ([], [])


def test_an_upstream_that_fails_and_a_budget_that_fills_show_without_a_reload(
    browser, serve, fakes
):
    system = fakes.busy_system()
    served = serve(system)
    browser.open(served.url)
    browser.until(LIVE)
    state = "document.querySelector('#upstreams .upstream .state')"
    assert browser.evaluate(f"{state}.textContent.trim().split(/\\s+/)[1]") == "up"

    def fail(changed) -> None:
        first = msgspec.structs.replace(changed.upstreams[0], state="open", failed=777)
        changed.upstreams = (first, *changed.upstreams[1:])
        changed.budgets = (fakes.budget("node:clause-reviewer", limit=10, spent=9),)

    served.do(fail)
    browser.until(f"{state}.textContent.includes('breaker open')")
    browser.until("document.querySelector('#upstreams').textContent.includes('777')")
    browser.until("document.querySelector('#budgets').textContent.includes('nearly used up')")
    bar = "document.querySelector('#budgets .bar')"
    spent = browser.evaluate(
        f"{bar}.querySelector('.spent').getBoundingClientRect().width"
        f" / {bar}.getBoundingClientRect().width"
    )
    assert spent == pytest.approx(0.9, abs=0.01)
    assert (browser.said, browser.evaluate("window.violations")) == ([], [])


def test_a_restart_is_noticed_and_overcome_without_a_reload(browser, serve, fakes):
    served = serve(fakes.FakeSystem())
    browser.open(served.url)
    browser.until(LIVE)
    served.close()
    browser.until("document.querySelector('#feed').dataset.state === 'waiting'")
    later = fakes.FakeSystem()
    later.totals.calls = 4321
    serve(later, port=served.port)
    browser.until("document.querySelector('#totals').textContent.includes('4,321')")
    browser.until(LIVE)


def test_an_undeclared_attempt_shows_in_red_with_its_rule(browser, serve, fakes):
    served = serve(fakes.FakeSystem())
    browser.open(served.url)
    browser.until(LIVE)

    def attempt(system) -> None:
        system.recent = (fakes.undeclared(1),)

    served.do(attempt)
    browser.until("document.querySelector('.row.refused .rule')")
    shown = browser.evaluate("document.querySelector('.row.refused .rule').textContent")
    assert shown == "relationship.undeclared"
    browser.until("document.querySelector('.line.stray .stroke')")
    browser.until("document.querySelector('.verdict').textContent.includes('Look here: 1 thing')")


def test_nothing_breaks_the_policy_and_the_console_stays_silent(browser, serve, fakes):
    served = serve(fakes.busy_system())
    browser.open(served.url)
    browser.until(LIVE)
    served.do(lambda system: None)
    browser.evaluate("document.querySelector('.row').click(); true")
    assert browser.evaluate("window.violations") == []
    assert browser.said == []


def test_the_page_shows_the_state_with_scripts_off(browser, serve, fakes):
    system = fakes.busy_system()
    served = serve(system)
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(served.url)
        html = browser.html()
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
    assert all(f"call-{call.call}" in html for call in (*system.in_flight, *system.recent))
    assert all(f"<bdi>{each.upstream}</bdi>" in html for each in system.upstreams)
    assert all(f"<bdi>{each.account}</bdi>" in html for each in system.budgets)
    assert "Reload for the newest state" in html


@pytest.mark.parametrize("width", [360, 390, 768, 1024, 1440, 3840])
def test_no_width_makes_the_page_scroll_sideways(width, browser, serve, fakes):
    browser.size(width)
    browser.open(serve(fakes.busy_system(fakes.large_system(60))).url)
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [360, 768, 1100, 3840])
def test_no_figure_of_an_upstream_or_budget_is_out_of_sight(width, browser, serve, fakes):
    browser.size(width)
    browser.open(serve(fakes.busy_system()).url)
    hidden = """
    [...document.querySelectorAll("#upstreams .scroller, #budgets .budgets")]
      .filter(each => each.scrollWidth > each.clientWidth).length
    """
    assert browser.evaluate(hidden) == 0
    shown = browser.evaluate("document.querySelector('#upstreams .upstream').innerText")
    assert "6 / 12" in shown
    assert "212 ms" in shown


def test_the_keyboard_reaches_and_opens_a_call(browser, serve, fakes):
    browser.open(serve(fakes.busy_system()).url)
    browser.evaluate("document.querySelector('.rows summary').focus(); true")
    for kind in ("keyDown", "keyUp"):
        browser.send(
            "Input.dispatchKeyEvent",
            type=kind,
            key="Enter",
            code="Enter",
            windowsVirtualKeyCode=13,
            text="\r" if kind == "keyDown" else "",
        )
    browser.until("document.querySelector('.rows details').open")
