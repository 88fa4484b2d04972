"""Parts of a simulated system fail one after the other, and what got worse is what was predicted."""

import pytest

from holdfast.testing.falling import measure, scored, told


@pytest.mark.parametrize("kind", ["stop", "hang"])
def test_who_gets_worse_is_predicted_with_precision_and_recall_of_nine_in_ten(kind):
    found = measure(2, count=4, kind=kind)
    own, naive = scored(found), scored(found, naive=True)
    assert own.hits >= 5
    assert own.precision >= 0.9, list(told(found))
    assert own.recall >= 0.9, list(told(found))
    assert naive.precision < own.precision, "the naive answer cries wolf"
