import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.providers import DialectError, error_event, read_request, read_usage, with_model

TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


DECIDED_ON = {
    *("model", "stream", "n", "best_of", "stream_options", "max_tokens", "max_completion_tokens"),
    "tools",
}
OTHERS = TEXT.filter(lambda name: name.casefold() not in DECIDED_ON)


@given(model=TEXT, rest=st.dictionaries(OTHERS, JSON, max_size=5))
def test_only_the_model_changes_when_the_upstream_has_another_name_for_it(model, rest):
    body = json.dumps({"model": model, **rest}).encode()
    changed = with_model(body, model, "other")
    assert json.loads(changed) == {**rest, "model": "other"}


@given(rest=st.dictionaries(OTHERS, JSON, max_size=5))
def test_a_token_limit_is_written_into_a_request_that_names_none(rest):
    body = json.dumps({"model": "m", **rest}).encode()
    assert json.loads(with_model(body, "m", "m", max_tokens=7)) == {
        **rest,
        "model": "m",
        "max_tokens": 7,
    }


SPACED = {"indent": 2}, {"separators": (" , ", " :\t")}, {"separators": (",", ":")}, {}


@given(model=TEXT, rest=st.dictionaries(OTHERS, JSON, max_size=5), style=st.sampled_from(SPACED))
def test_a_body_that_reads_one_way_is_passed_on_untouched(model, rest, style):
    body = json.dumps({"model": model, **rest}, ensure_ascii=False, **style)
    body = body.encode("utf-8", "replace")
    names = [json.dumps(name, ensure_ascii=False) for name in rest]
    sent = with_model(body, model, model)
    assert json.loads(sent) == json.loads(body)
    if not any("\\" in name for name in names):
        assert sent is body


@given(
    model=TEXT,
    rest=st.dictionaries(OTHERS, JSON, max_size=3),
    twin=st.sampled_from(["model", "Model", "MODEL", "m\\u006fdel", "\\u004dodel"]),
    at=st.integers(0, 4),
    style=st.sampled_from(SPACED),
)
def test_no_body_goes_on_with_two_models(model, rest, twin, at, style):
    members = [("model", model), *rest.items()]
    members.insert(at, ("@", "another"))
    body = json.dumps(dict(members), **style).replace('"@"', f'"{twin}"', 1).encode()
    asked = read_request(body).model
    pairs = json.loads(with_model(body, asked, asked), object_pairs_hook=list)
    assert [v for k, v in pairs if k.casefold() == "model"] == [asked]


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"mine","model":"secret"}',
        b'{"model":"secret","mod\\u0065l":"mine"}',
        b'{"mod\\u0065l":"secret","model":"mine"}',
        b'{"\\u006dodel":"mine","model":"mine"}',
        b'{"model":"mine","Model":"secret"}',
        b'{"MODEL":"secret","model":"mine","M\\u004fdel":"secret"}',
        b'{"model":"mine","Max_Tokens":9,"\\u017ftream":true,"N":5,"Tools":[1]}',
    ],
)
def test_a_body_that_means_two_models_is_written_anew_from_what_we_read(body):
    asked = read_request(body).model
    sent = with_model(body, asked, asked)
    pairs = json.loads(sent, object_pairs_hook=list)
    assert pairs == [("model", asked)]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", None),
        (b"not json", None),
        (b"[1,2]", None),
        (b'{"messages":[]}', None),
        (b'{"model":7}', "$.model"),
        (b'{"model":"m","max_tokens":-1}', "$.max_tokens"),
        (b'{"model":"m","max_tokens":"many"}', "$.max_tokens"),
        (b'{"model":"m","stream":"yes"}', "$.stream"),
        (b'{"model":"m"', None),
        (b'{"model":"\xff"}', None),
    ],
)
def test_a_body_that_is_not_what_the_reference_says_is_refused_with_its_place(body, where):
    with pytest.raises(DialectError) as caught:
        read_request(body)
    assert caught.value.where == where
    assert caught.value.fix


def test_the_newer_token_limit_wins_over_the_older():
    asked = read_request(b'{"model":"m","max_tokens":5,"max_completion_tokens":9}')
    assert asked.max_tokens == 9
    assert read_request(b'{"model":"m","max_tokens":5}').max_tokens == 5


def test_empty_tools_are_no_tools():
    assert not read_request(b'{"model":"m","tools":[]}').tools
    assert not read_request(b'{"model":"m","tools":null}').tools
    assert read_request(b'{"model":"m","tools":[{"type":"function"}]}').tools


def test_usage_is_read_from_a_plain_answer_and_from_the_last_events_of_a_stream():
    usage = b'"usage":{"prompt_tokens":3,"completion_tokens":4}'
    assert read_usage(b'{"id":"a",' + usage + b"}").completion_tokens == 4
    stream = b'data: {"x":1}\n\ndata: {"choices":[],' + usage + b"}\n\n"
    assert read_usage(stream).prompt_tokens == 3
    assert read_usage(stream.replace(b"\n", b"\r\n")).prompt_tokens == 3
    assert read_usage(b"data: {" + usage + b"}\n\ndata: [DONE]\n\n").prompt_tokens == 3


def test_the_word_usage_in_somebodys_text_is_not_usage():
    assert read_usage(b'{"content":"say \\"usage\\": 5"}') is None
    assert read_usage(b'data: {"content":"the \\"usage\\" of it"}\n\n') is None
    assert read_usage(b"no usage here") is None


def test_an_error_event_is_one_whole_event():
    event = error_event(502, "upstream.reset", "line\nbreak", call="01X")
    assert event.startswith(b"data: ")
    assert event.endswith(b"\n\n")
    assert event.count(b"\n\n") == 1
    assert json.loads(event[6:])["error"]["code"] == "upstream.reset"
