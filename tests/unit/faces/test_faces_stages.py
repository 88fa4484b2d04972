"""A call as seven stages, from the marks it left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.faces.stages import STAGES, Progress, stages
from holdfast.gateway import RULES, Seen

P, RUN, REF, FAIL, SKIP, WAIT = (
    Progress.PASSED,
    Progress.RUNNING,
    Progress.REFUSED,
    Progress.FAILED,
    Progress.SKIPPED,
    Progress.WAITING,
)


def call(outcome, marks, *, rule=None, state="sealed") -> Seen:
    return Seen("call", 0, state, None, None, None, outcome, rule, None, tuple(marks))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (call("answered", range(1, 8)), [P, P, P, P, P, P, P]),
        (call("answered", range(1, 9)), [P, P, P, P, P, P, P]),
        (call("answered", [1, 2, 3, 4]), [P, P, P, SKIP, SKIP, SKIP, P]),
        (call("refused", [1, 2], rule="request.body"), [REF, SKIP, SKIP, SKIP, SKIP, SKIP, P]),
        (call("refused", [1, 2, 3], rule="identity.missing"), [P, REF, *[SKIP] * 4, P]),
        (call("refused", [1, 2, 3, 4], rule="policy.denied"), [P, P, REF, *[SKIP] * 3, P]),
        (call("refused", range(1, 7), rule="upstream.missing"), [P, P, P, P, REF, SKIP, P]),
        (call("refused", range(1, 7), rule="audit.unavailable"), [P, P, P, P, P, SKIP, REF]),
        (call("failed", range(1, 7), rule="upstream.timeout"), [P, P, P, P, P, FAIL, P]),
        (call("failed", range(1, 8), rule="upstream.reset"), [P, P, P, P, P, FAIL, P]),
        (call("cancelled", range(1, 8), rule="call.cancelled"), [P, P, P, P, P, FAIL, P]),
        (call("answered", range(1, 8), state="lost"), [P, P, P, P, P, P, FAIL]),
        (call(None, []), [RUN, *[WAIT] * 6]),
        (call(None, range(1, 6)), [P, P, P, P, P, RUN, WAIT]),
        (call(None, range(1, 8)), [P, P, P, P, P, RUN, WAIT]),
    ],
)
def test_marks_tell_how_far_a_call_came(seen, expected):
    assert [stage.progress for stage in stages(seen)] == expected


@given(
    st.sampled_from(["answered", "refused", "failed", "cancelled", None]),
    st.lists(st.integers(0, 10**9), max_size=12).map(sorted),
    st.sampled_from([None, *RULES]),
    st.sampled_from(["sealed", "lost", "routed"]),
)
def test_any_call_has_the_seven_stages_in_order(outcome, marks, rule, state):
    found = stages(call(outcome, marks, rule=rule, state=state))
    assert tuple(stage.name for stage in found) == STAGES
    ended = [stage.ended_us for stage in found if stage.ended_us is not None]
    assert ended == sorted(ended)
    assert all(stage.took_us is None or stage.took_us >= 0 for stage in found)
