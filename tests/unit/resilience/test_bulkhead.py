from hypothesis import given
from hypothesis import strategies as st

from holdfast.resilience.bulkhead import Bulkhead


@given(calls=st.integers(0, 5), steps=st.lists(st.booleans(), max_size=60))
def test_never_more_than_its_calls_are_inside_and_a_free_place_is_never_denied(calls, steps):
    bulkhead = Bulkhead(calls)
    inside = 0
    for enters in steps:
        if enters:
            assert bulkhead.enter() == (inside < calls)
            inside = min(inside + 1, calls)
        elif inside:
            bulkhead.leave()
            inside -= 1
        assert bulkhead.inside == inside <= calls
