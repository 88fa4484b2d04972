from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from holdfast.resilience.caching import ENTRY_BYTES, AnswerCache, cache_key

PART = st.binary(max_size=4) | st.sampled_from([b"\0" * 8, b"a", b"aa", b"\0\0\0\0\0\0\0\x01"])
PARTS = st.tuples(PART, PART, PART)


@given(one=PARTS, other=PARTS)
def test_two_calls_share_a_key_only_when_every_part_is_the_same(one, other):
    assert (cache_key(*one) == cache_key(*other)) is (one == other)


@given(text=st.binary(min_size=1, max_size=30), cuts=st.tuples(*[st.integers(0, 30)] * 4))
def test_a_key_says_where_each_part_ends(text, cuts):
    first, second = sorted(min(c, len(text)) for c in cuts[:2])
    third, fourth = sorted(min(c, len(text)) for c in cuts[2:])
    one = (text[:first], text[first:second], text[second:])
    other = (text[:third], text[third:fourth], text[fourth:])
    assert (cache_key(*one) == cache_key(*other)) is (one == other)


def test_a_key_is_the_sha_256_of_the_parts_after_their_lengths():
    # From a shell: printf of the lengths (8 bytes each, highest first) and parts, to sha256sum.
    expected = "90628360fe39801485f527f069ac4ad66154009ed160b6263850c23fd6b25665"
    assert cache_key(b"tenant", b"/v1/chat/completions", b"{}").hex() == expected


def key(n):
    return cache_key(b"tenant", b"/v1/embeddings", b"%d" % n)


def test_what_was_used_longest_ago_goes_first():
    cache = AnswerCache[str](3 * (ENTRY_BYTES + 10), ttl_s=60.0)
    for n in range(3):
        assert cache.put(key(n), f"answer {n}", size=10, now=0.0)
    assert cache.get(key(0), 1.0) == "answer 0"
    cache.put(key(3), "answer 3", size=10, now=2.0)
    assert [cache.get(key(n), 3.0) for n in range(4)] == ["answer 0", None, "answer 2", "answer 3"]


def test_an_answer_larger_than_the_cache_drives_nothing_out():
    cache = AnswerCache[str](1000, ttl_s=60.0)
    cache.put(key(0), "small", size=10, now=0.0)
    assert not cache.put(key(1), "large", size=1000, now=0.0)
    assert cache.get(key(0), 1.0) == "small"


def test_an_answer_that_no_longer_fits_is_not_answered_by_the_one_before():
    cache = AnswerCache[str](1000, ttl_s=60.0)
    cache.put(key(0), "old", size=10, now=0.0)
    cache.put(key(0), "new", size=1000, now=0.0)
    assert cache.get(key(0), 1.0) is None
    assert cache.size == 0


def test_empty_answers_too_are_bounded_in_number():
    cache = AnswerCache[str](10 * ENTRY_BYTES, ttl_s=60.0)
    for n in range(1000):
        cache.put(key(n), "", size=0, now=0.0)
    assert len(cache) == 10


def test_being_asked_for_does_not_make_an_answer_younger():
    cache = AnswerCache[str](1000, ttl_s=60.0)
    cache.put(key(0), "answer", size=10, now=0.0)
    assert cache.get(key(0), 59.9) == "answer"
    assert cache.get(key(0), 60.0) is None


class Kept(RuleBasedStateMachine):
    """Against a dict that forgets nothing: the cache may know less, never other or older."""

    @initialize(bytes_max=st.integers(0, 5000), ttl_s=st.floats(0.1, 100), now=st.floats(0, 1e6))
    def begin(self, bytes_max, ttl_s, now):
        self.bytes_max, self.ttl_s, self.now = bytes_max, ttl_s, now
        self.cache = AnswerCache[int](bytes_max, ttl_s=ttl_s)
        self.model = {}
        self.count = 0

    @rule(n=st.integers(0, 9), size=st.integers(0, 3000))
    def put(self, n, size):
        self.count += 1
        kept = self.cache.put(key(n), self.count, size=size, now=self.now)
        assert kept is (size + ENTRY_BYTES <= self.bytes_max)
        self.model[n] = (self.count, self.now)
        if kept:
            assert self.cache.get(key(n), self.now) == self.count

    @rule(n=st.integers(0, 9))
    def get(self, n):
        answer = self.cache.get(key(n), self.now)
        if answer is not None:
            newest, at = self.model[n]
            assert answer == newest
            assert self.now < at + self.ttl_s

    @rule(passed_s=st.floats(0, 60))
    def wait(self, passed_s):
        self.now += passed_s

    @rule()
    def clear(self):
        self.cache.clear()
        assert not any(self.cache.get(key(n), self.now) for n in range(10))

    @invariant()
    def it_stays_within_its_bytes(self):
        assert 0 <= self.cache.size <= self.bytes_max
        assert len(self.cache) * ENTRY_BYTES <= self.cache.size
        assert (len(self.cache) == 0) is (self.cache.size == 0)


TestKept = Kept.TestCase
