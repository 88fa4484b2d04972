"""Traces against the order that flows declare."""

from holdfast.loops.drift import Kind, Tally


def orders(shop, *pairs: tuple[str, str], n: int = 9) -> Tally:
    tally = Tally()
    steps = tuple((shop.service(a), shop.service(b)) for a, b in pairs)
    for i in range(n):
        tally.order(steps, shop.now - i)
    return tally


def late(shop, *pairs: tuple[str, str]) -> list[tuple[str, str]]:
    report = shop.judge(orders(shop, *pairs))
    return [(f.source, f.target) for f in report.findings if f.kind is Kind.ORDER]


CART, DB, PAY = ("web", "cart"), ("cart", "db"), ("cart", "pay")


def test_a_trace_in_the_declared_order_follows_its_flow(shop):
    assert late(shop, CART, DB, PAY) == []


def test_a_step_may_repeat_and_a_trace_may_end_early(shop):
    assert late(shop, CART, CART, DB, CART, DB, PAY, PAY) == []
    assert late(shop, CART, DB) == []


def test_a_step_before_its_turn_is_found(shop):
    assert late(shop, CART, PAY, DB) == [("cart", "pay")]


def test_a_step_that_is_left_out_is_found(shop):
    assert late(shop, CART, PAY) == [("cart", "pay")]


def test_steps_of_no_flow_pass_by(shop):
    assert late(shop, CART, ("planner", "guard"), DB, PAY) == []


def test_a_trace_of_one_step_is_of_no_flow(shop):
    assert late(shop, PAY, PAY) == []
