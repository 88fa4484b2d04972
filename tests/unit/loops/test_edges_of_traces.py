"""Who met whom, read from one trace."""

from holdfast.loops.drift import Form, Proof, Tally, observe_trace

CLIENT, SERVER, INTERNAL, PRODUCER, CONSUMER = 3, 2, 1, 4, 5


def test_a_client_and_a_server_of_two_services_are_one_call(shop):
    (met,) = shop.seen((1, "", "web", CLIENT, {}), (2, 1, "cart", SERVER, {}))
    assert (met.source, met.target) == ("service=/web", "service=/cart")
    assert (met.form, met.proof) == (Form.CALL, Proof.PAIRED)


def test_a_callee_that_names_its_verified_caller_makes_the_call_authenticated(shop):
    (met,) = shop.seen(
        (1, "", "web", CLIENT, {}), (2, 1, "cart", SERVER, {"spiffe.peer.id": "spiffe://x/web"})
    )
    assert met.proof is Proof.AUTHENTICATED


def test_a_call_within_one_service_is_no_contact(shop):
    assert shop.seen((1, "", "web", CLIENT, {}), (2, 1, "web", SERVER, {})) == []


def test_spans_of_no_kind_are_paired_by_their_services(shop):
    (met,) = shop.seen((1, "", "web", 0, {}), (2, 1, "cart", 0, {}))
    assert (met.source, met.target, met.proof) == ("service=/web", "service=/cart", Proof.PAIRED)


def test_a_caller_without_partner_is_the_word_of_one_side(shop):
    (met,) = shop.seen(
        (1, "", "web", CLIENT, {"server.address": "API.example.", "server.port": 443})
    )
    assert (met.target, met.port) == ("address=api.example:443", 443)
    assert met.proof is Proof.ONE_SIDED


def test_a_sender_and_a_taker_meet_the_queue(shop):
    name = {"messaging.destination.name": "orders", "messaging.system": "rabbitmq"}
    sent, taken = shop.seen((1, "", "web", PRODUCER, name), (2, 1, "cart", CONSUMER, name))
    assert (sent.source, sent.target, sent.form) == ("service=/web", "queue=orders", Form.SEND)
    assert (taken.source, taken.target, taken.form) == ("queue=orders", "service=/cart", Form.TAKE)


def test_a_taker_that_is_linked_to_its_sender_needs_no_name_of_the_queue(shop):
    spans = shop.spans((1, "", "web", PRODUCER, {}), (2, "", "cart", CONSUMER, {}))
    spans[1].links = (("t", "1"),)
    tally = Tally()
    observe_trace(spans, tally)
    assert [(met.source, met.target) for _, met in tally.contacts] == [
        ("service=/web", "service=/cart")
    ]


def test_a_database_is_known_by_its_namespace(shop):
    (met,) = shop.seen((1, "", "cart", CLIENT, {"db.system.name": "mysql", "db.namespace": "db"}))
    assert (met.target, met.form, met.protocol) == ("db=mysql/db", Form.STORE, "db")


def test_a_tool_that_an_agent_runs_in_its_own_process_is_seen(shop):
    run = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "rm"}
    (met,) = shop.seen((1, "", "web", INTERNAL, run), (2, 1, "web", INTERNAL, tool))
    assert met.source == "agent-name=planner\nservice=/web"
    assert (met.target, met.tool, met.form) == ("tool=rm", "rm", Form.TOOL)


def test_a_tool_that_is_called_over_mcp_is_told_once_with_its_server(shop):
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look"}
    call = {"mcp.method.name": "tools/call", "gen_ai.tool.name": "look"}
    (met,) = shop.seen(
        (1, "", "planner", INTERNAL, tool),
        (2, 1, "planner", CLIENT, call),
        (3, 2, "vault", SERVER, call),
    )
    assert met.target.startswith("service=/vault")
    assert met.tool == "look"


def test_an_agent_that_calls_another_in_one_process_is_seen(shop):
    outer = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
    inner = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}
    (met,) = shop.seen((1, "", "web", INTERNAL, outer), (2, 1, "web", INTERNAL, inner))
    assert (met.form, met.proof) == (Form.AGENT, Proof.PAIRED)
    assert met.source.startswith("agent-name=planner")
    assert met.target.startswith("agent-name=helper")


def test_an_agent_in_another_service_is_told_once_by_its_caller(shop):
    call = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}
    (met,) = shop.seen(
        (1, "", "planner", CLIENT, call),
        (2, 1, "helpers", SERVER, {}),
        (3, 2, "helpers", INTERNAL, call),
    )
    assert met.target.split("\n")[:2] == ["agent-name=helper", "service=/helpers"]


def test_a_model_call_and_the_request_within_it_are_one_contact(shop):
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m-1"}
    post = {"server.address": "llm.example", "server.port": 443, "url.scheme": "https"}
    (met,) = shop.seen((1, "", "planner", CLIENT, chat), (2, 1, "planner", CLIENT, post))
    assert met.target == "address=llm.example:443\nmodel=m-1"
    assert (met.model, met.port, met.encrypted) == ("m-1", 443, True)


def test_a_resource_that_is_read_over_mcp_is_a_read(shop):
    read = {"mcp.method.name": "resources/read", "mcp.resource.uri": "file:///x"}
    (met,) = shop.seen((1, "", "planner", CLIENT, read), (2, 1, "vault", SERVER, {}))
    assert met.form is Form.READ


def test_the_order_of_a_trace_in_pieces_is_not_kept(shop):
    whole, torn = Tally(), Tally()
    rows = [
        (1, "", "web", SERVER, {}),
        (2, 1, "web", CLIENT, {}),
        (3, 2, "cart", SERVER, {}),
        (4, 3, "cart", CLIENT, {"db.namespace": "db", "db.system.name": "x"}),
    ]
    observe_trace(shop.spans(*rows), whole)
    observe_trace(shop.spans(*rows[1:2], *rows[3:]), torn)
    assert len(whole.orders) == 1
    assert torn.orders == {}


def test_spans_in_a_circle_end(shop):
    shop.seen((1, 2, "web", CLIENT, {}), (2, 1, "cart", SERVER, {}), (3, 3, "x", CLIENT, {}))
