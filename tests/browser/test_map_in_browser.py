"""The map in a real browser: zoom, filters, the slider into the past, and what works without scripts."""

import pytest

from holdfast.core import Instant, ulid

pytestmark = pytest.mark.browser

LIVE = "document.querySelector('#feed')?.dataset.state === 'live'"
WIDTH = "document.querySelector('.canvas > svg').getBoundingClientRect().width"
MINUTE_US = 60_000_000


def press(browser, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        text = key if kind == "keyDown" else ""
        browser.send("Input.dispatchKeyEvent", type=kind, key=key, text=text)


def an_hour_ago(fakes, system) -> int:
    """Twelve calls of one minute; returns that minute, in minutes since 1970."""
    minute = fakes.now // MINUTE_US - 60
    calls = []
    for number in range(12):
        at = minute * MINUTE_US + number
        call = ulid(Instant(at), number.to_bytes(10, "big"))
        calls.append(fakes.record_of(fakes.seen(1, at=at, call=call)))
    system.history.tell(*calls)
    return minute


@pytest.fixture
def clean(browser):
    """Whatever a test does, the page broke no policy and said nothing."""
    yield browser
    assert (browser.said, browser.evaluate("window.violations")) == ([], [])


def test_the_keyboard_and_the_buttons_zoom_the_map(clean, serve, fakes):
    clean.open(serve(fakes.busy_system()).url)
    clean.until(LIVE)
    first = clean.evaluate(WIDTH)
    clean.evaluate("document.querySelector('.canvas').focus(); true")
    press(clean, "+")
    larger = clean.evaluate(WIDTH)
    assert larger > first
    press(clean, "-")
    press(clean, "-")
    assert clean.evaluate(WIDTH) < larger
    press(clean, "0")
    assert clean.evaluate(WIDTH) == first
    clean.evaluate("document.querySelector('[data-zoom=in]').click(); true")
    assert clean.evaluate(WIDTH) > first


def test_what_was_zoomed_stays_so_when_something_happens(clean, serve, fakes):
    served = serve(fakes.FakeSystem())
    clean.open(served.url)
    clean.until(LIVE)
    clean.evaluate("document.querySelector('[data-zoom=in]').click(); true")
    zoomed = clean.evaluate(WIDTH)

    def begin(system) -> None:
        system.in_flight = (fakes.in_flight(20),)

    served.do(begin)
    clean.until("document.querySelector('.line.busy')")
    assert clean.evaluate(WIDTH) == zoomed


def test_the_slider_shows_the_past_and_says_the_time(clean, serve, fakes):
    system = fakes.busy_system()
    minute = an_hour_ago(fakes, system)
    clean.open(serve(system).url)
    clean.until(LIVE)
    clean.evaluate(
        f"minute.value = {minute}; minute.dispatchEvent(new Event('input', {{bubbles: true}})); true"
    )
    clean.until("document.querySelector('#feed')?.dataset.state === 'past'")
    clean.until("document.querySelector('.often')?.textContent === '12/min'")
    clean.until("location.search.startsWith('?at=2026-11-21T07')")
    assert clean.evaluate("document.querySelector('#minute').getAttribute('aria-valuetext')") == (
        "2026-11-21 07:34 UTC"
    )
    assert clean.evaluate("document.querySelector('#present').childElementCount") == 0
    address = clean.evaluate("location.href")
    clean.open(address)
    assert clean.evaluate("document.querySelector('.often').textContent") == "12/min"


def test_now_comes_back_live(clean, serve, fakes):
    system = fakes.busy_system()
    minute = an_hour_ago(fakes, system)
    served = serve(system)
    clean.open(f"{served.url}?minute={minute}")
    clean.evaluate("document.querySelector('#shown .button').click(); true")
    clean.until("location.search === ''")
    clean.until(LIVE)


def test_a_form_without_scripts_goes_to_the_past_and_filters(browser, serve, fakes):
    system = fakes.busy_system()
    minute = an_hour_ago(fakes, system)
    served = serve(system)
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(f"{served.url}?minute={minute}")
        past = browser.html()
        browser.open(f"{served.url}?find=intake#found")
        found = browser.html()
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
    assert "12/min" in past
    assert "2026-11-21 07:34 UTC" in past
    assert 'id="found"' in found


def test_a_large_map_unfolds_by_a_click_and_centres_what_is_sought(clean, serve, fakes):
    clean.open(serve(fakes.FakeSystem(fakes.large_system(200))).url)
    boxes = clean.evaluate("document.querySelectorAll('.node').length")
    assert boxes < 60
    clean.evaluate(
        "document.querySelector('.node a').dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true, view: window})); true"
    )
    clean.until(f"document.querySelectorAll('.node').length > {boxes}")
    clean.evaluate(
        "document.querySelector('[name=find]').value = 'node-150';"
        "document.querySelector('.map-filters button').click(); true"
    )
    clean.until("document.querySelector('.node.found')?.dataset.node === 'node-150'")
    inside = """
    (() => {
      const node = document.querySelector('.found').getBoundingClientRect();
      const frame = document.querySelector('.canvas').getBoundingClientRect();
      return node.left >= frame.left - 1 && node.right <= frame.right + 1
        && node.top >= frame.top - 1 && node.bottom <= frame.bottom + 1;
    })()
    """
    clean.until(inside)


@pytest.mark.parametrize("width", [360, 768, 1440, 3840])
def test_no_width_makes_the_architecture_scroll_sideways(width, clean, serve, fakes):
    clean.size(width)
    clean.open(serve(fakes.busy_system(fakes.large_system(60))).url + "architecture")
    assert clean.evaluate("document.documentElement.scrollWidth <= innerWidth")
