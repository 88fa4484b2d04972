"""What a mandate allows in amounts, over two workers that share one keeper, in a simulated world."""

import asyncio
from urllib.parse import urlencode

import msgspec

from holdfast.audit import Recorder
from holdfast.gateway import Gateway
from holdfast.identity import Credentials, SigningKey, gateway_name, issuer_name
from holdfast.identity.authority import Allowance, Authority
from holdfast.identity.issuer import Issuer
from holdfast.identity.mandates import (
    TOKEN_EXCHANGE,
    Holder,
    MandateIssuer,
    Terms,
    delegate,
    grant_to_service,
)
from holdfast.identity.proofs import Request, make_dpop
from holdfast.identity.wimse import make_wpt
from holdfast.policy import Policy
from holdfast.resilience import LeaseReturned, Purses, Treasury
from holdfast.wire import ClientPool
from holdfast.world.ports import Address
from holdfast.world.sim import SimEntropy, SimJournals

DOMAIN, TENANT = "holdfast.local", "default"
NAME = f"spiffe://{DOMAIN}/t/{TENANT}"
ORIGIN = "http://127.0.0.1:8080"
BODY = msgspec.json.encode({"model": "reviewer", "messages": [{"role": "user", "content": "hi"}]})
ENTROPY = SimEntropy(7)
PRICE = "price: {input: 1, output: 2}"

MODELS = """
holdfast: 1
name: small
nodes:
  desk: {{type: service, description: Asks.}}
  clerk: {{type: service, description: Asks for the desk.}}
  reviewer:
    type: ai:llm
    description: Answers.
    controls:
      upstream: {{url: "http://127.0.0.1:9001/v1", model: m}}
      limits: {{max_tokens: 100}}
      {controls}
relationships:
  - {{id: desk-asks, connects: [desk, reviewer], controls: {{ {link} }} }}
  - {{id: clerk-asks, connects: [clerk, reviewer], controls: {{ {link} }} }}
"""


class Bank:
    """A keeper of budgets, with a wire to each worker that takes a millisecond."""

    def __init__(self):
        self.treasury = Treasury()
        self.purses = [Purses(self._wire(worker)) for worker in range(2)]
        self.settled = False

    def begin(self, world):
        self.world = world
        self._tick()

    def _wire(self, worker):
        return lambda message: self.world.loop.call_later(0.001, self._hear, worker, message)

    def _hear(self, worker, message):
        wall = self.world.clock.now()
        hear = (
            self.treasury.returned if isinstance(message, LeaseReturned) else self.treasury.wanted
        )
        for told, order in hear(worker, message, wall=wall):
            self.world.loop.call_later(0.001, self._tell, told, order)

    def _tell(self, worker, order):
        clock = self.world.clock
        self.purses[worker].heard(order, wall=clock.now(), now=clock.monotonic())

    def _tick(self):
        for purses in self.purses:
            purses.tick(now=self.world.clock.monotonic())
        self.world.loop.call_later(0.05, self._tick)

    def spent(self):
        """By the authority's holder's place in the chain: calls, tokens."""
        return {
            book.account.split(":")[-3]: (book.spent.calls, book.spent.tokens)
            for book in self.treasury._books.values()
        }


class Agent:
    """A caller with an identity and, perhaps, a mandate."""

    def __init__(self, system, node):
        self.system = system
        self.name = f"{NAME}/service/{node}"
        self.key = SigningKey.generate(ENTROPY)
        self.wit = system.issuer.issue_wit(
            self.name, self.key.public, now=system.now, entropy=ENTROPY
        ).encode()

    def headers(self, target, body, mandate):
        headers = {b"workload-identity-token": self.wit, b"holdfast-mandate": mandate}
        asked = Request(method="POST", target=target, origins=(ORIGIN,), headers=headers, body=body)
        proof = make_wpt(self.key, asked, wit=self.wit, now=self.system.now, entropy=ENTROPY)
        return {**headers, b"workload-proof-token": proof.encode()}

    def give(self, chain, to, *authorities):
        """The chain with one more link."""
        return delegate(
            chain,
            self.key,
            to=to.name,
            key=to.key.public,
            authority=authorities,
            ttl_s=300,
            now=self.system.now,
            entropy=ENTROPY,
        )


class System:
    """Two workers on one blueprint, who believe one issuer and share one bank."""

    def __init__(self, world, bank, gateways):
        self.world, self.bank, self.gateways = world, bank, gateways
        self.issuer = Issuer.found(DOMAIN, now=self.now, entropy=ENTROPY)
        for gateway in gateways:
            gateway.identities.believe(self.issuer, tenant=TENANT, origins=(ORIGIN,))
        bank.begin(world)

    @property
    def now(self):
        return self.world.clock.now()

    def root(self, agent, *authorities):
        signer = MandateIssuer(iss=issuer_name(DOMAIN), key=self.issuer.token_key(self.now))
        return grant_to_service(
            signer,
            Holder(agent=agent.name, key=agent.key.public),
            terms=Terms(audience=gateway_name(DOMAIN, TENANT), ttl_s=600, depth=4),
            asked=authorities,
            widest=authorities,
            now=self.now,
            entropy=ENTROPY,
        )

    async def ask(self, agent, mandate, *, worker=0, body=BODY, path="/v1/chat/completions"):
        fields = {b"content-type": b"application/json", **agent.headers(path, body, mandate)}
        return await self.send(path, body, fields, worker=worker)

    async def send(self, path, body, fields, *, worker):
        lines = b"".join(b"%b: %b\r\n" % pair for pair in fields.items())
        head = b"POST %b HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n%bcontent-length: %d\r\n\r\n"
        pool = ClientPool(
            Address(host="127.0.0.1", port=8080 + worker),
            network=self.world.network,
            spawn=self.world.group.create_task,
            connections_max=1,
            connect_s=5,
        )
        heard = Heard(self.world.loop)
        pool.send(head % (path.encode(), lines, len(body)) + body, heard)
        await heard.over
        pool.close()
        return heard


class Heard:
    def __init__(self, loop):
        self.over = loop.create_future()
        self.status, self.headers, self.body = None, {}, b""

    def on_head(self, head):
        self.status, self.headers = head.status, head.headers

    def on_body(self, data):
        self.body += data

    def on_end(self):
        self.over.set_result(None)

    def on_failure(self, error):
        self.over.set_exception(error)

    @property
    def error(self):
        return msgspec.json.decode(self.body)["error"]

    @property
    def rule(self):
        return self.error["code"]


async def second_worker(world, bank):
    gateway = Gateway(
        clock=world.clock,
        entropy=world.entropy,
        network=world.network,
        recorder=Recorder(SimJournals(SimEntropy(3)), world.clock, worker=1),
        spawn=world.group.create_task,
        salts=lambda _tenant: bytes(32),
        spending=bank.purses[1],
        worker=1,
    )
    path = gateway.prepare(
        world.blueprint,
        Policy.compile(world.blueprint),
        Credentials([]),
        secret=lambda _: "secret",
    )
    gateway.adopt(path)
    await gateway.start(sock=Address(host="127.0.0.1", port=8081))
    return gateway


def run(kit, scenario, *plays, controls=PRICE, link=""):
    bank = Bank()

    async def main(world):
        await world.serve(9001, *(plays or [kit.whole(prompt=5, completion=5)]))
        other = await second_worker(world, bank)
        try:
            return await scenario(System(world, bank, [world.gateway, other]))
        finally:
            await other.drain(within_s=5)

    return kit.run(MODELS.format(controls=controls, link=link), main, spending=bank.purses[0])


def may(**amounts):
    return Authority(
        type="llm",
        locations=frozenset((f"{NAME}/model/reviewer",)),
        actions=frozenset(("generate",)),
        max=Allowance(**amounts),
    )


def told(answers):
    return sorted((each.status, None if each.status == 200 else each.rule) for each in answers)


def test_both_workers_together_never_make_more_calls_than_a_mandate_allows(kit):
    async def scenario(system):
        desk = Agent(system, "desk")
        chain = system.root(desk, may(calls=5))
        asking = [system.ask(desk, chain, worker=n % 2) for n in range(12)]
        return await asyncio.gather(*asking)

    answers = run(kit, scenario)
    assert told(answers) == [(200, None)] * 5 + [(403, "authority.exhausted")] * 7
    [refused, *_] = [each for each in answers if each.status == 403]
    assert f"the mandate of {NAME}/service/desk (0 of 5)" in refused.error["message"]
    assert b"retry-after" not in refused.headers


def test_whoever_delegates_ten_times_does_not_multiply_what_it_has(kit):
    async def scenario(system):
        desk, clerks = Agent(system, "desk"), [Agent(system, "clerk") for _ in range(10)]
        chain = system.root(desk, may(calls=6))
        given = [(clerk, desk.give(chain, clerk, may(calls=2))) for clerk in clerks]
        asking = [
            system.ask(clerk, mandate, worker=n % 2) for n in range(4) for clerk, mandate in given
        ]
        answers = await asyncio.gather(*asking)
        await asyncio.sleep(3)
        own = await system.ask(desk, chain)
        return answers, own, system.bank.spent()

    answers, own, spent = run(kit, scenario)
    assert told(answers).count((200, None)) == 6
    assert (own.status, own.rule) == (403, "authority.exhausted")
    assert max(calls for calls, _ in spent.values()) == 6
    assert all(calls <= 2 for calls, _ in sorted(spent.values())[:-1])


def test_the_refusal_names_whose_mandate_has_run_out(kit):
    async def scenario(system):
        desk, clerk = Agent(system, "desk"), Agent(system, "clerk")
        mandate = desk.give(system.root(desk, may(calls=9)), clerk, may(calls=1))
        await system.ask(clerk, mandate)
        return await system.ask(clerk, mandate, worker=1)

    refused = run(kit, scenario)
    assert f"the mandate of {NAME}/service/clerk (0 of 1)" in refused.error["message"]


def test_what_a_call_did_not_cost_is_there_for_the_next_on_the_other_worker(kit):
    async def scenario(system):
        desk = Agent(system, "desk")
        chain = system.root(desk, may(tokens=300))
        answers = [await system.ask(desk, chain, worker=n % 2) for n in range(12)]
        await asyncio.sleep(3)
        return answers, system.bank.spent()

    answers, spent = run(kit, scenario)
    assert told(answers) == [(200, None)] * 12
    assert [*spent.values()] == [(0, 120)]


def test_money_is_counted_at_the_price_of_whoever_answered(kit):
    async def scenario(system):
        desk = Agent(system, "desk")
        # 5 in at 1 and 5 out at 2 a million: 15 micro a call; bound: body in, 100 out.
        chain = system.root(desk, may(usd_micro=400))
        return [await system.ask(desk, chain, worker=n % 2) for n in range(30)]

    answers = run(kit, scenario)
    done = told(answers).count((200, None))
    assert 0 < done <= 400 // 15
    assert told(answers)[-1] == (403, "authority.exhausted")


def test_money_without_a_price_is_refused(kit):
    async def scenario(system):
        desk = Agent(system, "desk")
        return await system.ask(desk, system.root(desk, may(usd_micro=10**9)))

    refused = run(kit, scenario, controls="")
    assert (refused.status, refused.rule) == (403, "authority.unpriced")


def test_a_mandate_ends_with_its_amounts_unspent(kit):
    async def scenario(system):
        desk = Agent(system, "desk")
        chain = system.root(desk, may(calls=5))
        await system.ask(desk, chain)
        await asyncio.sleep(601)
        late = await system.ask(desk, chain)
        await system.ask(desk, system.root(desk, may(calls=5)))
        return late, system.bank.treasury

    late, treasury = run(kit, scenario)
    assert (late.status, late.rule) == (401, "identity.token-expired")
    assert len(treasury._books) == 1


def test_what_a_mandate_is_exchanged_for_pays_out_of_the_same_purses(kit):
    """A chain and the tokens made of it are one mandate: they share what it allows."""

    async def scenario(system):
        desk = Agent(system, "desk")
        chain = system.root(desk, may(calls=4))
        form = {"grant_type": TOKEN_EXCHANGE, "audience": gateway_name(DOMAIN, TENANT)}
        body, path = urlencode(form).encode(), "/identity/token"
        tokens = []
        for worker in (0, 1):
            made = await system.ask(desk, chain, worker=worker, body=body, path=path)
            tokens.append(msgspec.json.decode(made.body)["access_token"].encode())
        answers = [await system.ask(desk, chain, worker=n % 2) for n in range(2)]
        answers += [await with_token(system, desk, token) for token in (*tokens, *tokens)]
        return answers, await system.ask(desk, chain)

    answers, last = run(kit, scenario)
    assert [each.status for each in answers] == [200] * 4 + [403] * 2
    assert f"the mandate of {NAME}/service/desk (0 of 4)" in answers[-1].error["message"]
    assert (last.status, last.rule) == (403, "authority.exhausted")


async def with_token(system, agent, token):
    path, body = "/v1/chat/completions", BODY
    headers = {b"authorization": b"DPoP " + token, b"content-type": b"application/json"}
    asked = Request(method="POST", target=path, origins=(ORIGIN,), headers=headers, body=body)
    proof = make_dpop(agent.key, asked, token=token, now=system.now, entropy=ENTROPY)
    return await system.send(path, body, {**headers, b"dpop": proof.encode()}, worker=1)


def test_the_budgets_of_the_blueprint_are_asked_too_and_first(kit):
    async def scenario(system):
        system.bank.treasury.declare(
            {
                "relationship:desk-asks": system.world.blueprint.relationship(
                    "desk", "reviewer"
                ).budget
            },
            wall=system.now,
        )
        desk = Agent(system, "desk")
        chain = system.root(desk, may(calls=5))
        return [await system.ask(desk, chain, worker=n % 2) for n in range(4)]

    answers = run(kit, scenario, link="budget: {per: day, calls: 2}")
    assert told(answers) == [(200, None)] * 2 + [(429, "budget.exhausted")] * 2


def test_a_mandate_without_amounts_asks_nobody(kit):
    async def scenario(system):
        desk = Agent(system, "desk")
        chain = system.root(desk, may())
        answers = [await system.ask(desk, chain, worker=n % 2) for n in range(4)]
        return answers, system.bank

    answers, bank = run(kit, scenario)
    assert told(answers) == [(200, None)] * 4
    assert (bank.treasury._books, bank.purses[0]._routes) == ({}, {})
