"""Rego runs in a process of its own that cannot hold up, outlive or take down its parent."""

import time

import pytest

from holdfast.app.rego import RESTART_PAUSE_S, RegoProcess
from holdfast.policy import RegoError

pytest.importorskip("regopy")
pytestmark = pytest.mark.slow

MODULE = """package old
import rego.v1

deny contains msg if {
  input.action == "call"
  msg := "no calls"
}
default allow := false
allow if input.action == "read"
"""
QUERIES = ("data.old.deny", "data.old.allow")
CALL, READ = b'{"action": "call"}', b'{"action": "read"}'
ENDLESS = """package old
import rego.v1
deny if { some a in input.many; some b in input.many; some c in input.many; a + b + c == -1 }
"""


@pytest.fixture
def started():
    made = []

    def start(modules, queries):
        made.append(RegoProcess(modules, queries))
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_each_query_is_answered(started):
    rego = started({"old.rego": MODULE}, QUERIES)
    assert rego.ask(CALL) == [[["no calls"]], []]
    assert rego.ask(READ) == [[[]], [True]]


def test_modules_see_each_other(started):
    other = "package new\nimport rego.v1\nimport data.old\ndeny if not old.allow"
    rego = started({"a.rego": MODULE, "b.rego": other}, ("data.new.deny",))
    assert rego.ask(CALL) == [[True]]
    assert rego.ask(READ) in ([[]], [[None]])


@pytest.mark.parametrize("text", ["package old\ndeny = ", "package old\ndeny { nosuch(5) }", "{"])
def test_what_the_engine_cannot_read_is_refused_at_load(started, text):
    with pytest.raises(RegoError, match="refused by the Rego engine"):
        started({"old.rego": text}, ("data.old.deny",))


def test_an_engine_that_ends_refuses_and_does_not_end_us(started):
    rego = started({"old.rego": MODULE}, QUERIES)
    rego._child.kill()
    assert isinstance(rego.ask(CALL), str)
    assert isinstance(rego.ask(CALL), str)


def test_functions_of_the_files_are_known_and_texts_are_no_calls(started):
    text = 'package old\nimport rego.v1\nf(x) := x # no(1)\ndeny if f("g(1)") == "g(1)"\n'
    assert started({"old.rego": text}, ("data.old.deny",)).ask(CALL) == [[True]]


def test_an_error_while_it_is_evaluated_is_a_failure_and_the_next_call_is_answered(started):
    text = "package old\nimport rego.v1\ndeny if to_number(input.action) == 1"
    rego = started({"old.rego": text}, ("data.old.deny",))
    assert isinstance(rego.ask(CALL), str)
    assert isinstance(rego.ask(b'{"action": "1"}'), list)


def test_what_takes_too_long_is_ended_and_refuses_until_it_is_back(started):
    rego = started({"old.rego": ENDLESS}, ("data.old.deny",))
    many = b'{"many": [%s]}' % b",".join(b"%d" % n for n in range(400))
    assert "no answer within 50 ms" in rego.ask(many)
    assert rego.ask(CALL) == "the Rego engine is starting anew"
    time.sleep(RESTART_PAUSE_S)
    for _ in range(200):
        answer = rego.ask(b'{"many": []}')
        if isinstance(answer, list):
            break
        time.sleep(0.05)
    assert isinstance(answer, list)


def test_the_child_knows_nothing_of_our_environment(started):
    text = (
        "package old\nimport rego.v1\ndeny contains name if { some name, _ in opa.runtime().env }"
    )
    rego = started({"old.rego": text}, ("data.old.deny",))
    (names,) = rego.ask(CALL)
    assert set(names[0]) <= {"LC_CTYPE"}
