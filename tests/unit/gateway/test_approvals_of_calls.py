"""A call that owes a person's approval is not sent before somebody said yes, and every wait ends."""

import asyncio
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.gateway import Verdict
from holdfast.gateway.approving import HELD_MAX
from holdfast.identity import Credentials
from holdfast.policy import Policy

OWNERS = '@id("owners-decide")\n@require_approval("owners")\npermit (principal, action, resource);'
POLICIES = {"asks.cedar": OWNERS}
ANN = "user:idp:ann"


@dataclass
class Person:
    """Is asked by the gateway; decides when a test says so."""

    world: object
    asked: list = field(default_factory=list)
    over: list = field(default_factory=list)

    def __post_init__(self):
        self.world.gateway.watch_approvals(on_asked=self.asked.append, on_over=self.over.append)

    async def question(self, number=1):
        async with asyncio.timeout(30):
            while len(self.asked) < number:
                await asyncio.sleep(0.01)
        return self.asked[number - 1]

    def say(self, is_yes, call, by=ANN):
        self.world.gateway.hear_verdict(Verdict(call=call, is_yes=is_yes, by=by))


def asking(one_upstream, **more):
    return one_upstream(**more) + "policies: [asks.cedar]\n"


def run(kit, text, scenario, **more):
    async def main(world):
        upstream = await world.serve(9001, kit.whole())
        return await scenario(world, Person(world), upstream)

    return kit.run(text, main, policies=POLICIES, **more)


def test_nothing_is_sent_before_somebody_says_yes(kit, one_upstream):
    async def scenario(world, person, upstream):
        call = world.group.create_task(world.ask())
        question = await person.question()
        await asyncio.sleep(100)
        before = len(upstream.requests)
        person.say(True, question.call)
        return question, before, await call, world.records(), person.over

    question, before, heard, records, over = run(kit, asking(one_upstream), scenario)
    assert before == 0
    assert heard.status == 200
    assert (question.groups, question.callee, question.action) == (
        ("owners",),
        "reviewer",
        "generate",
    )
    assert (question.content, question.is_cut) == ("hi", False)
    assert question.until - question.since == 300_000_000
    assert [(r.event, r.outcome, r.approver) for r in records] == [("call", "answered", ANN)]
    assert records[0].obligations == ("require_approval:owners",)
    assert over == []


def test_the_time_of_a_call_begins_when_it_was_approved(kit, one_upstream):
    async def scenario(world, person, upstream):
        call = world.group.create_task(world.ask())
        question = await person.question()
        await asyncio.sleep(250)
        person.say(True, question.call)
        return await call

    heard = run(kit, asking(one_upstream, link="timeouts: {total_s: 5}"), scenario)
    assert heard.status == 200


def test_a_no_is_a_refusal_with_the_name_of_whoever_said_it(kit, one_upstream):
    async def scenario(world, person, upstream):
        call = world.group.create_task(world.ask())
        person.say(False, (await person.question()).call)
        return await call, upstream.requests, world.records()

    heard, requests, records = run(kit, asking(one_upstream), scenario)
    assert (heard.status, heard.code) == (403, "approval.denied")
    assert requests == []
    assert [(r.decision, r.rule, r.approver) for r in records] == [
        ("refuse", "approval.denied", ANN)
    ]


def test_a_call_that_nobody_decides_about_is_refused_in_time(kit, one_upstream):
    async def scenario(world, person, upstream):
        heard = await world.ask()
        person.say(True, person.asked[0].call)
        await asyncio.sleep(1)
        return heard, upstream.requests, person.over, person.asked, world.records()

    heard, requests, over, asked, records = run(kit, asking(one_upstream), scenario)
    assert (heard.status, heard.code) == (403, "approval.timeout")
    assert 300 <= heard.took_s < 301
    assert requests == []
    assert over == [asked[0].call]
    assert [(r.rule, r.approver) for r in records] == [("approval.timeout", None)]


def test_a_caller_who_waits_less_is_refused_sooner(kit, one_upstream):
    async def scenario(world, person, upstream):
        return await world.ask(headers=[("x-request-timeout-ms", "4000")])

    heard = run(kit, asking(one_upstream), scenario)
    assert heard.code == "approval.timeout"
    assert 4 <= heard.took_s < 5


def test_what_a_caller_allows_is_for_the_wait_and_the_answer_together(kit, one_upstream):
    async def scenario(world, person, upstream):
        upstream.plays[:] = [kit.silent()]
        call = world.group.create_task(world.ask(headers=[("x-request-timeout-ms", "9000")]))
        question = await person.question()
        await asyncio.sleep(6)
        person.say(True, question.call)
        return await call

    heard = run(kit, asking(one_upstream), scenario)
    assert heard.status == 504
    assert 9 <= heard.took_s < 10


def test_a_caller_that_leaves_asks_nobody_any_more(kit, one_upstream):
    async def scenario(world, person, upstream):
        await world.ask(leave_after_s=2)
        await asyncio.sleep(1)
        person.say(True, person.asked[0].call)
        await asyncio.sleep(1)
        return upstream.requests, person.over, world.records(), world.gateway.journeys.count()

    requests, over, records, count = run(kit, asking(one_upstream), scenario)
    assert (requests, count) == ([], 0)
    assert len(over) == 1
    assert [(r.outcome, r.rule) for r in records] == [("cancelled", "call.cancelled")]


def test_a_gateway_that_stops_refuses_who_waits(kit, one_upstream):
    async def scenario(world, person, upstream):
        call = world.group.create_task(world.ask())
        await person.question()
        await world.gateway.drain(within_s=5)
        return await call, upstream.requests, person.over

    heard, requests, over = run(kit, asking(one_upstream), scenario)
    assert (heard.status, heard.code) == (503, "approval.interrupted")
    assert requests == []
    assert len(over) == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"reviewer","messages":[{"role":null,"content":"x"}]}',
        b'{"model":"reviewer","messages":[{"role":"user","content":[{"type":"text"}]}]}',
        b'{"model":"reviewer","prompt":["a","b"]}',
        b'{"model":"reviewer","messages":7}',
        b'{"model":"reviewer"}',
    ],
)
def test_whatever_a_request_holds_somebody_is_asked(body, kit, one_upstream):
    async def scenario(world, person, upstream):
        call = world.group.create_task(world.ask(body))
        question = await person.question()
        person.say(False, question.call)
        return question, await call

    question, heard = run(kit, asking(one_upstream), scenario)
    assert question.content
    assert heard.code == "approval.denied"


def test_only_so_many_calls_wait(kit, one_upstream):
    async def scenario(world, person, upstream):
        calls = [world.group.create_task(world.ask()) for _ in range(HELD_MAX)]
        await person.question(HELD_MAX)
        one_more = await world.ask()
        for question in person.asked:
            person.say(False, question.call)
        return one_more, [await call for call in calls], len(person.asked)

    one_more, heard, asked = run(kit, asking(one_upstream), scenario)
    assert (one_more.status, one_more.code) == (503, "approval.full")
    assert {each.code for each in heard} == {"approval.denied"}
    assert asked == HELD_MAX


def test_a_call_that_nobody_could_be_asked_about_is_refused(kit, one_upstream):
    async def scenario(world, person, upstream):
        call = world.group.create_task(world.ask())
        person.say(False, (await person.question()).call, by=None)
        return await call, world.records()

    heard, records = run(kit, asking(one_upstream), scenario)
    assert (heard.status, heard.code) == (503, "approval.full")
    assert records[0].approver is None


def test_a_yes_for_a_key_that_was_revoked_meanwhile_sends_nothing(kit, one_upstream):
    async def scenario(world, person, upstream):
        call = world.group.create_task(world.ask())
        question = await person.question()
        world.gateway.replace_credentials(Credentials([]))
        person.say(True, question.call)
        return await call, upstream.requests

    heard, requests = run(kit, asking(one_upstream), scenario)
    assert (heard.status, heard.code) == (401, "identity.unknown")
    assert requests == []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ('@id("never")\nforbid (principal, action, resource);', "policy.denied"),
        (
            '@id("two")\n@require_approval("board")\npermit (principal, action, resource);',
            "approval.interrupted",
        ),
    ],
    ids=["forbidden by now", "another group by now"],
)
def test_a_yes_counts_for_what_policy_says_when_it_is_given(rule, code, kit, one_upstream):
    async def scenario(world, person, upstream):
        call = world.group.create_task(world.ask())
        question = await person.question()
        policies = {**POLICIES, "asks.cedar": OWNERS + "\n" + rule}
        blueprint = type(world)(
            world.loop, world.group, asking(one_upstream), None, policies
        ).blueprint
        settings = world.gateway._path.settings
        path = world.gateway.prepare(
            blueprint, Policy.compile(blueprint), settings.credentials, secret=lambda _: "secret"
        )
        world.gateway.adopt(path)
        person.say(True, question.call)
        return await call, upstream.requests

    heard, requests = run(kit, asking(one_upstream), scenario)
    assert heard.code == code
    assert requests == []


def test_a_person_sees_what_would_be_sent_and_no_secret(kit, one_upstream):
    secret = "sk-" + "a" * 40
    long = "x" * 5_000

    async def scenario(world, person, upstream):
        for number, text in enumerate((f"use {secret} please", long), start=1):
            body = {"model": "reviewer", "messages": [{"role": "user", "content": text}]}
            call = world.group.create_task(world.ask(msgspec.json.encode(body)))
            person.say(False, (await person.question(number)).call)
            await call
        return person.asked

    first, second = run(kit, asking(one_upstream), scenario)
    assert first.content == "use [secret] please"
    assert (second.content, second.is_cut) == ("x" * 4096, True)
    assert second.content_bytes > 5_000


def test_a_fallback_that_owes_an_approval_is_not_taken(kit, with_fallback):
    rule = (
        '@id("spare")\n@require_approval("owners")\n'
        'permit (principal, action, resource == Holdfast::Model::"spare");'
    )

    async def scenario(world):
        await world.serve(9001, kit.status(500))
        spare = await world.serve(9002, kit.whole())
        return await world.ask(), spare.requests

    text = with_fallback() + "policies: [spare.cedar]\n"
    heard, requests = kit.run(text, scenario, policies={"spare.cedar": rule})
    assert heard.status == 500
    assert requests == []


def test_a_stream_that_was_approved_streams(kit, one_upstream):
    async def scenario(world, person, upstream):
        upstream.plays[:] = [kit.stream(kit.piece("a"), kit.piece("b"))]
        call = world.group.create_task(world.ask(kit.chat(stream=True)))
        person.say(True, (await person.question()).call)
        return await call, world.records()

    heard, records = run(kit, asking(one_upstream), scenario)
    assert heard.body.endswith(kit.DONE)
    assert [(r.event, r.approver) for r in records] == [("closed", ANN)]


FATES = ("yes", "no", "leaves", "nothing", "yes twice", "no then yes", "too late")


async def _befall(world, person, fate, after_s):
    """One call and what happens to it; the mark of the call, and what its caller heard."""
    mark = f"{fate} {len(person.marks)}"
    person.marks.append(mark)
    body = msgspec.json.encode(
        {"model": "reviewer", "messages": [{"role": "user", "content": mark}]}
    )
    leave_s = after_s + 1 if fate == "leaves" else None
    patience = [("x-request-timeout-ms", "20000")] if fate in ("nothing", "too late") else []
    task = world.group.create_task(world.ask(body, headers=patience, leave_after_s=leave_s))
    call = None
    while call is None and not task.done():
        await asyncio.sleep(0.05)
        call = next((q.call for q in person.asked if q.content == mark), None)
    await asyncio.sleep(30 if fate == "too late" else after_s)
    for word in {"yes twice": (True, True), "no then yes": (False, True), "no": (False,)}.get(
        fate, (True,) if fate in ("yes", "too late") else ()
    ):
        if call is not None:
            person.say(word, call)
    return mark, await task


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    fates=st.lists(st.tuples(st.sampled_from(FATES), st.floats(0, 10)), min_size=1, max_size=12),
    ends_at=st.one_of(st.none(), st.floats(0.1, 25)),
    seed=st.integers(1, 1_000),
)
def test_whatever_befalls_them_held_calls_go_only_with_a_yes_and_all_end(
    fates, ends_at, seed, kit, one_upstream
):
    async def scenario(world, person, upstream):
        person.marks = []
        tasks = [world.group.create_task(_befall(world, person, *fate)) for fate in fates]
        if ends_at is not None:
            await asyncio.sleep(ends_at)
            await world.gateway.drain(within_s=1)
        heard = [await task for task in tasks]
        await asyncio.sleep(400)
        sent = [body["messages"][0]["content"] for body in upstream.bodies()]
        return heard, sent, person, world.records(), world.gateway

    heard, sent, person, records, gateway = run(kit, asking(one_upstream), scenario, seed=seed)
    assert len(sent) == len(set(sent))
    assert {mark.rstrip(" 0123456789") for mark in sent} <= {"yes", "yes twice"}
    assert {mark for mark, each in heard if each.status == 200} <= set(sent)
    assert gateway.journeys.count() == 0
    assert len({record.call for record in records}) == len(records)
    assert {q.call for q in person.asked} <= {record.call for record in records}
    assert set(person.over) <= {q.call for q in person.asked}
    assert len(person.over) == len(set(person.over))
    if ends_at is None:
        assert {each.status for mark, each in heard if mark.startswith("yes")} <= {200}
