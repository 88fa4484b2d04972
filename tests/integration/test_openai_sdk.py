"""The official ``openai`` SDK is the judge: what it takes for an answer is one."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
from live import Home, ScriptedUpstream, chat_body, eventually, post

pytestmark = pytest.mark.slow

ASK: Any = [{"role": "user", "content": "Which clause is this?"}]
TOOLS: Any = [
    {
        "type": "function",
        "function": {"name": "file_finding", "parameters": {"type": "object", "properties": {}}},
    }
]
VECTOR = [0.5, -0.25, 1.0]


def client_for(shared: Home, key: str | None) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{shared.url}/v1", api_key=key or "none", max_retries=0, timeout=30
    )


@pytest.fixture
def client(shared: Home) -> Iterator[openai.OpenAI]:
    with client_for(shared, shared.keys["desk"]) as made:
        yield made


def scripted(**script: Any) -> dict[str, Any]:
    return {"scripted": script}


# -- answers ----------------------------------------------------------------------------------


def test_a_plain_chat_is_answered(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="reviewer", messages=ASK, extra_body=scripted(say="A termination clause.")
    )
    assert answer.choices[0].message.content == "A termination clause."
    assert answer.usage is not None
    assert answer.usage.total_tokens == 21


def test_a_streamed_chat_gives_every_token_in_order(client: openai.OpenAI) -> None:
    chunks = client.chat.completions.create(
        model="reviewer", messages=ASK, stream=True, extra_body=scripted(events=20)
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == "".join(f"tok{i} " for i in range(20))


def test_a_stream_with_usage_ends_with_the_usage(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="reviewer", messages=ASK, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 12
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_a_tool_call_arrives_whole(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="reviewer", messages=ASK, tools=TOOLS)
    calls = answer.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].type == "function"
    assert calls[0].function.name == "file_finding"
    assert json.loads(calls[0].function.arguments) == {"item": "LIAB-2"}


def test_a_streamed_tool_call_arrives_in_pieces_that_fit(client: openai.OpenAI) -> None:
    chunks = client.chat.completions.create(
        model="reviewer", messages=ASK, tools=TOOLS, stream=True
    )
    deltas = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    assert deltas[0].function is not None
    assert deltas[0].function.name == "file_finding"
    arguments = "".join(d.function.arguments or "" for d in deltas if d.function is not None)
    assert json.loads(arguments) == {"item": "LIAB-2"}


def test_a_completion_is_answered_plain_and_streamed(client: openai.OpenAI) -> None:
    plain = client.completions.create(
        model="reviewer", prompt="Once", extra_body=scripted(say="Ok")
    )
    assert plain.choices[0].text == "Ok"
    chunks = client.completions.create(model="reviewer", prompt="Once", stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == "tok0 tok1 tok2 tok3 tok4 "


def test_embeddings_arrive_as_floats_and_as_base64(client: openai.OpenAI) -> None:
    by_default = client.embeddings.create(model="reviewer", input=["a", "b"])
    assert [each.embedding for each in by_default.data] == [VECTOR, VECTOR]
    as_floats = client.embeddings.create(model="reviewer", input="a", encoding_format="float")
    assert as_floats.data[0].embedding == VECTOR


def test_models_are_what_the_caller_may_call(client: openai.OpenAI, shared: Home) -> None:
    names = [model.id for model in client.models.list()]
    assert names == ["reviewer", "renamed", "limited", "impatient", "nowhere"]
    assert client.models.retrieve("renamed").id == "renamed"
    with client_for(shared, shared.keys["clerk"]) as clerk:
        assert [model.id for model in clerk.models.list()] == ["other"]


def test_text_of_every_script_passes_unharmed(client: openai.OpenAI) -> None:
    text = 'Kündigung ≥ 30 日 🦉\u2028"\\n" \x7f'
    answer = client.chat.completions.create(
        model="reviewer",
        messages=[{"role": "user", "content": text}],
        extra_body=scripted(say=text),
    )
    assert answer.choices[0].message.content == text
    chunks = client.chat.completions.create(
        model="reviewer", messages=ASK, stream=True, extra_body=scripted(say=text, events=1)
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == f"{text}0 "


def test_a_prompt_of_5_megabytes_arrives_whole(
    client: openai.OpenAI, upstream: ScriptedUpstream
) -> None:
    text = "clause " * (5 * 1024 * 1024 // 7)
    client.chat.completions.create(
        model="reviewer",
        messages=[{"role": "user", "content": text}],
        extra_body=scripted(mark="big"),
    )
    assert json.loads(upstream.seen("big").body)["messages"][0]["content"] == text


def test_every_answer_bears_the_id_of_its_call(client: openai.OpenAI, shared: Home) -> None:
    raw = client.chat.completions.with_raw_response.create(model="reviewer", messages=ASK)
    call = raw.headers["x-request-id"]
    assert raw.parse()._request_id == call
    assert [record["outcome"] for record in shared.records(call)] == ["answered"]


def test_the_async_client_is_served_as_well(shared: Home) -> None:
    async def text_of(chunks: AsyncIterator[Any]) -> str:
        return "".join([chunk.choices[0].delta.content async for chunk in chunks])

    async def talk() -> tuple[str | None, list[str]]:
        async with openai.AsyncOpenAI(
            base_url=f"{shared.url}/v1", api_key=shared.keys["desk"], max_retries=0, timeout=30
        ) as client:
            plain = await client.chat.completions.create(model="reviewer", messages=ASK)
            streams = [
                await client.chat.completions.create(
                    model="reviewer", messages=ASK, stream=True, extra_body=scripted(say=f"s{i}-")
                )
                for i in range(5)
            ]
            texts = await asyncio.gather(*(text_of(stream) for stream in streams))
            return plain.choices[0].message.content, texts

    plain, texts = asyncio.run(talk())
    assert plain == "Hello there."
    assert texts == ["".join(f"s{i}-{n} " for n in range(5)) for i in range(5)]


# -- what reaches the upstream ----------------------------------------------------------------


def test_a_body_passes_through_byte_for_byte(shared: Home, upstream: ScriptedUpstream) -> None:
    body = (
        b'{ "messages":[{"role":"user","content":"\\u00e9 \xc3\xa9"}], "unknown": 1.0e2,\n'
        b'  "model" :"reviewer","scripted":{"mark":"bytes"} , "z":[1, 2.50, null] }'
    )
    assert post(shared.url, body, key=shared.keys["desk"]).status == 200
    assert upstream.seen("bytes").body == body


def test_only_the_model_changes_when_the_upstream_knows_another_name(
    shared: Home, upstream: ScriptedUpstream
) -> None:
    body = chat_body("Ünicode", model="renamed", temperature=0.25, scripted={"mark": "renamed"})
    assert post(shared.url, body, key=shared.keys["desk"]).status == 200
    arrived = upstream.seen("renamed").body
    assert json.loads(arrived) == {**json.loads(body), "model": "upstream-name"}
    assert list(json.loads(arrived)) == list(json.loads(body))


def test_the_callers_key_goes_no_further(shared: Home, upstream: ScriptedUpstream) -> None:
    body = chat_body(scripted={"mark": "key"})
    answer = post(shared.url, body, key=shared.keys["desk"], headers={"cookie": "c=1"})
    arrived = upstream.seen("key")
    assert arrived.header(b"authorization") is None
    assert arrived.header(b"cookie") is None
    assert arrived.header(b"x-request-id") == answer.call.encode()


# -- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    ["", "sk-not-ours", "hf_aaaaaaaaaa_" + "A" * 43],
    ids=["none", "foreign", "unknown"],
)
def test_a_caller_without_a_key_of_ours_is_not_known(shared: Home, key: str) -> None:
    with (
        client_for(shared, key) as client,
        pytest.raises(openai.AuthenticationError) as refused,
    ):
        client.chat.completions.create(model="reviewer", messages=ASK)
    assert refused.value.code in ("identity.missing", "identity.unknown")
    assert "holdfast key create" in refused.value.message


def test_a_revoked_key_is_refused_at_once(shared: Home) -> None:
    made = shared.tell("key", "create", "desk")
    with client_for(shared, made["key"]) as client:
        client.chat.completions.create(model="reviewer", messages=ASK)
        shared.tell("key", "revoke", made["id"])
        with pytest.raises(openai.AuthenticationError) as refused:
            client.chat.completions.create(model="reviewer", messages=ASK)
    assert refused.value.code == "identity.unknown"


def test_an_undeclared_relationship_is_refused_and_recorded(
    client: openai.OpenAI, shared: Home, upstream: ScriptedUpstream
) -> None:
    with pytest.raises(openai.PermissionDeniedError) as refused:
        client.chat.completions.create(
            model="other", messages=ASK, extra_body=scripted(mark="undeclared")
        )
    assert refused.value.code == "relationship.undeclared"
    assert "connects: [desk, other]" in refused.value.message
    assert not upstream.was_reached("undeclared")
    [record] = shared.records(refused.value.response.headers["x-request-id"])
    assert (record["decision"], record["rule"]) == ("refuse", "relationship.undeclared")


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="no-such", messages=ASK)
    assert (refused.value.code, refused.value.param) == ("node.unknown", "model")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("other")


def test_an_invalid_body_is_a_bad_request_that_says_where(client: openai.OpenAI) -> None:
    model: Any = 7
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=model, messages=ASK)
    assert refused.value.code == "request.body"
    assert "model" in str(refused.value.param)


def test_an_upstream_that_dies_in_a_stream_raises_after_whole_events(
    client: openai.OpenAI, shared: Home
) -> None:
    chunks = client.chat.completions.create(
        model="reviewer", messages=ASK, stream=True, extra_body=scripted(die_after=3)
    )
    texts: list[str | None] = []
    with pytest.raises(openai.APIError) as failed:
        texts.extend(chunk.choices[0].delta.content for chunk in chunks)
    assert texts == ["tok0 ", "tok1 ", "tok2 "]
    assert failed.value.code == "upstream.reset"
    call = chunks.response.headers["x-request-id"]
    assert [r["event"] for r in shared.records(call)] == ["opened", "closed"]


def test_an_upstreams_rate_limit_is_passed_on_with_its_advice(client: openai.OpenAI) -> None:
    script = scripted(status=429, headers={"retry-after": "1", "x-ratelimit-limit-requests": "5"})
    with pytest.raises(openai.RateLimitError) as limited:
        client.chat.completions.create(model="reviewer", messages=ASK, extra_body=script)
    headers = limited.value.response.headers
    assert (headers["retry-after"], headers["x-ratelimit-limit-requests"]) == ("1", "5")
    assert limited.value.code == "scripted"


@pytest.mark.parametrize("status", [400, 418, 500, 503])
def test_an_upstreams_own_error_is_passed_on_and_recorded_as_failed(
    client: openai.OpenAI, shared: Home, status: int
) -> None:
    with pytest.raises(openai.APIStatusError) as failed:
        client.chat.completions.create(
            model="reviewer", messages=ASK, extra_body=scripted(status=status)
        )
    assert failed.value.status_code == status
    [record] = shared.records(failed.value.response.headers["x-request-id"])
    assert (record["outcome"], record["rule"]) == ("failed", "upstream.error")


def test_closing_a_stream_early_frees_the_upstream(
    client: openai.OpenAI, upstream: ScriptedUpstream
) -> None:
    chunks = client.chat.completions.create(
        model="reviewer",
        messages=ASK,
        stream=True,
        extra_body=scripted(mark="early", events=10_000, delay_s=0.01),
    )
    next(iter(chunks))
    chunks.close()
    eventually(lambda: upstream.saw_leave("early"), "the upstream sees its caller leave")
