"""Number 8: templates in what callers and blueprints say are text, everywhere."""

import html
import urllib.error
import urllib.request

import pytest
from live import Home, ScriptedUpstream, chat_body, eventually, post

pytestmark = pytest.mark.slow

PRODUCT = 7919 * 7907
GADGETS = [
    "{{ 7919 * 7907 }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ self.__init__.__globals__.__builtins__.__import__('os').popen('id').read() }}",
    "${7919 * 7907} #{7919 * 7907} <%= 7919 * 7907 %>",
    "{0.__class__.__init__.__globals__} %(7919)s",
]


@pytest.mark.parametrize("gadget", GADGETS)
def test_8_a_gadget_in_a_prompt_reaches_the_model_byte_for_byte_and_nothing_evaluates_it(
    shared: Home, upstream: ScriptedUpstream, gadget: str
) -> None:
    mark = f"gadget-{GADGETS.index(gadget)}"
    body = chat_body(gadget, scripted={"mark": mark, "say": gadget}, user=gadget)
    answer = post(shared.url, body, key=shared.keys["desk"])
    assert answer.json()["choices"][0]["message"]["content"] == gadget
    seen = upstream.seen(mark).body
    assert chat_body(gadget)[1:-1].partition(b'"messages"')[2] in seen
    assert str(PRODUCT).encode() not in seen + answer.body
    assert str(PRODUCT) not in shared.instance.said()


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def shown(home: Home, path: str) -> str:
    """The page, nothing while it is not there: a record reaches the index a moment later."""
    try:
        return read(home.instance.console + path)
    except urllib.error.HTTPError:
        return ""


def test_8_a_gadget_in_a_blueprint_or_a_call_is_text_in_the_console(home: Home) -> None:
    text = home.blueprint.read_text()
    gadget, tag = GADGETS[0], "<script>alert(1)</script>"
    said = f'"{gadget} {tag}"'
    home.blueprint.write_text(text.replace("May ask nearly everything.", said))
    home.up()
    home.make_keys("desk")
    refused = post(home.url, chat_body(model=gadget), key=home.keys["desk"])
    assert refused.status == 404
    for path in ("/", "/fragments/calls", f"/api/calls/{refused.call}"):
        page = eventually(lambda at=path: shown(home, at), f"{path} is there")
        assert str(PRODUCT) not in page
        assert tag not in page
    assert gadget in html.unescape(read(home.instance.console + "/"))
