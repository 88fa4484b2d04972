"""What policy asks for beside its yes is done before anything is sent, and the record says so."""

import asyncio

import msgspec
import pytest

from holdfast.gateway.duties import is_sampled
from holdfast.policy import Obligation

ASKS = """
@id("asks")
{annotations}
permit (principal, action, resource);
"""


def told(annotations):
    return {"asks.cedar": ASKS.format(annotations=annotations)}


def asking(one_upstream, **more):
    return one_upstream(**more) + "policies: [asks.cedar]\n"


def run(kit, text, annotations, *bodies):
    """What the upstream got for each body, what was heard, and the records."""

    async def scenario(world):
        upstream = await world.serve(9001, kit.whole())
        heard = [await world.ask(body) for body in bodies]
        return upstream, heard, world.records()

    return kit.run(text, scenario, policies=told(annotations))


def said(text, **fields):
    return msgspec.json.encode(
        {"model": "reviewer", "messages": [{"role": "user", "content": text}], **fields}
    )


def test_what_is_to_be_redacted_never_reaches_the_upstream(kit, one_upstream):
    text = "mail bob@example.com, card 4111 1111 1111 1111"
    more = {"user": "bob@example.com", "metadata": {"card": 4111111111111111}}
    upstream, heard, records = run(
        kit, asking(one_upstream), '@redact("email,card")', said(text, **more)
    )
    (sent,) = upstream.bodies()
    assert heard[0].status == 200
    assert sent["messages"][0]["content"] == "mail [email], card [card]"
    assert (sent["user"], sent["metadata"]) == ("[email]", {"card": "[card]"})
    assert sent["model"] == "m"
    assert records[0].obligations == ("redact:card", "redact:email")


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"reviewer","messages":[{"role":"user","content":"bob@example.com","content":"x"}]}',
        b'{"model":"reviewer","messages":' + b"[" * 80 + b"1" + b"]" * 80 + b"}",
        b'{"model":"reviewer","messages":[],"messages":[{"content":"bob@example.com"}]}',
    ],
    ids=["a member twice", "too deep", "messages twice"],
)
def test_a_body_that_cannot_be_looked_through_is_refused(body, kit, one_upstream):
    upstream, heard, records = run(kit, asking(one_upstream), '@redact("email")', body)
    assert (heard[0].status, heard[0].code) == (400, "obligation.redact")
    assert upstream.requests == []
    assert [(r.outcome, r.rule) for r in records] == [("refused", "obligation.redact")]


@pytest.mark.parametrize(
    ("limit", "asked", "sent"),
    [
        ("", {}, {"max_tokens": 100}),
        ("", {"max_tokens": 500}, {"max_tokens": 100}),
        ("", {"max_tokens": 7}, {"max_tokens": 7}),
        ("", {"max_completion_tokens": 500}, {"max_completion_tokens": 100}),
        (
            "",
            {"max_tokens": 900, "max_completion_tokens": 5},
            {"max_tokens": 100, "max_completion_tokens": 5},
        ),
        ("limits: {max_tokens: 50}", {}, {"max_tokens": 50}),
        ("limits: {max_tokens: 5000}", {}, {"max_tokens": 100}),
        ("limits: {max_tokens: 5000}", {"max_tokens": 900}, {"max_tokens": 100}),
    ],
)
def test_a_cap_lowers_what_is_asked_for_and_raises_nothing(limit, asked, sent, kit, one_upstream):
    upstream, heard, records = run(
        kit, asking(one_upstream, link=limit), '@cap_tokens("100")', said("hi", **asked)
    )
    (body,) = upstream.bodies()
    found = {name: body[name] for name in body if name.startswith("max_")}
    assert (heard[0].status, found) == (200, sent)
    assert records[0].obligations == ("cap_tokens:100",)


def test_the_same_calls_are_sampled_whoever_asks(kit, one_upstream):
    _, _, records = run(
        kit, asking(one_upstream), '@sample("0.5")', *[said(f"hi {n}") for n in range(30)]
    )
    owed = (Obligation("sample", "0.5", 500_000),)
    kept = [record for record in records if "sampled" in record.obligations]
    assert 5 < len(kept) < 25
    assert {r.call for r in kept} == {r.call for r in records if is_sampled(r.call, owed)}
    assert all("sample:0.5" in record.obligations for record in records)


def test_the_share_that_is_sampled_is_the_rate():
    owed = (Obligation("sample", "0.1", 100_000),)
    count = sum(is_sampled(f"{number:026d}", owed) for number in range(10_000))
    assert 900 < count < 1_100
    assert is_sampled("x", (Obligation("sample", "1", 1_000_000),))


def test_an_answer_to_whom_policy_asks_something_of_is_not_kept_for_others(kit, one_upstream):
    text = asking(one_upstream, controls="cache: {}")
    upstream, _, records = run(kit, text, '@redact("email")', said("hi"), said("hi"))
    assert len(upstream.requests) == 2
    assert not any(record.cached for record in records)


def test_a_policy_on_trial_refuses_nothing_and_stands_in_the_record(kit, one_upstream):
    rule = '@id("soon")\n@mode("trial")\nforbid (principal, action, resource);'

    async def scenario(world):
        await world.serve(9001, kit.whole())
        return await world.ask(), world.records()

    heard, records = kit.run(asking(one_upstream), scenario, policies={"asks.cedar": rule})
    assert heard.status == 200
    assert records[0].would_refuse == ("soon",)


def test_a_call_that_falls_back_owes_what_is_owed_there_too(kit, with_fallback):
    rule = (
        '@id("spare-hears-no-names")\n@redact("email")\n'
        'permit (principal, action, resource == Holdfast::Model::"spare");'
    )

    async def scenario(world):
        await world.serve(9001, kit.status(500))
        spare = await world.serve(9002, kit.whole())
        heard = await world.ask(said("bob@example.com"))
        return heard, spare.bodies(), world.records()

    text = with_fallback() + "policies: [spare.cedar]\n"
    heard, sent, records = kit.run(text, scenario, policies={"spare.cedar": rule})
    assert heard.status == 200
    assert sent[0]["messages"][0]["content"] == "[email]"
    assert records[0].obligations == ("redact:email",)


def test_a_call_without_obligations_is_sent_as_it_came(kit, one_upstream):
    body = said("bob@example.com")

    async def scenario(world):
        upstream = await world.serve(9001, kit.whole())
        await world.ask(body)
        await asyncio.sleep(0)
        return upstream.requests, world.records()

    requests, records = kit.run(one_upstream().replace("model: m", "model: reviewer"), scenario)
    assert requests[0].body == body
    assert records[0].obligations == ()
