"""Tables at a terminal: aligned, within its width, and harmless whatever names say."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.cli.colours import Paint, are_wanted
from holdfast.cli.quantities import count, duration, money, rate, share
from holdfast.cli.tables import CUT, Cell, Column, cut, measure, plain, table

PLAIN = Paint(is_on=False)
COLUMNS = (
    Column(title="TIME"),
    Column(title="NAME", least=6),
    Column(title="RULE", least=4, rank=1),
    Column(title="SIZE", align="right", rank=2),
)
texts = st.text(max_size=40)


class Terminal:
    """A stream that says whether it is one."""

    def __init__(self, *, is_terminal: bool) -> None:
        self.isatty = lambda: is_terminal


@given(rows=st.lists(st.tuples(texts, texts, texts, texts), max_size=8))
def test_without_a_width_nothing_is_lost(rows):
    lines = table(COLUMNS, [[Cell(t) for t in row] for row in rows], width=None, paint=PLAIN)
    assert len(lines) == len(rows) + 1
    for row, line in zip(rows, lines[1:], strict=True):
        assert all(plain(text).rstrip() in line for text in row)


@given(rows=st.lists(st.tuples(st.just("08:30"), texts, texts, texts), max_size=8))
def test_no_line_is_wider_than_the_terminal(rows):
    width = len("08:30") + 2 + 6
    lines = table(COLUMNS, [[Cell(t) for t in row] for row in rows], width=width, paint=PLAIN)
    assert all(measure(line) <= width for line in lines)


@given(text=st.text(), width=st.integers(0, 60))
def test_what_is_cut_fits_and_says_so(text, width):
    found = cut(text, width)
    assert measure(found) <= width
    assert found == text or found.endswith(CUT) or width == 0


@given(text=st.text())
def test_no_name_moves_the_cursor_or_ends_the_line(text):
    assert plain(text).isprintable()
    assert plain(plain(text)) == plain(text)


def test_columns_of_the_highest_rank_go_first_where_there_is_no_room():
    row = [[Cell(each) for each in ("08:30", "reviewer", "relationship.undeclared", "12 kB")]]
    heads = [table(COLUMNS, row, width=width, paint=PLAIN)[0].split() for width in (60, 26, 19, 13)]
    assert heads == [
        ["TIME", "NAME", "RULE", "SIZE"],
        ["TIME", "NAME", "RULE", "SIZE"],
        ["TIME", "NAME", "RULE"],
        ["TIME", "NAME"],
    ]


def test_numbers_stand_right_aligned_and_wide_characters_count_two():
    rows = [
        [Cell("a"), Cell("\u5b57"), Cell("x"), Cell("7")],
        [Cell("b"), Cell("zz"), Cell("x"), Cell("12")],
    ]
    lines = table(COLUMNS, rows, width=None, paint=PLAIN)
    assert lines[1].endswith("   7")
    assert lines[2].endswith("  12")
    assert measure(lines[1]) == measure(lines[2])


def test_colours_change_no_width():
    rows = [[Cell("08:30", "dim"), Cell("reviewer", "bad"), Cell("rule"), Cell("7", "good")]]
    bare = table(COLUMNS, rows, width=30, paint=PLAIN)
    coloured = table(COLUMNS, rows, width=30, paint=Paint(is_on=True))
    assert "\x1b[" in coloured[1]
    import click

    assert [click.unstyle(line) for line in coloured] == bare


def test_colours_are_for_terminals_unless_the_environment_says_otherwise(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    screen, file = Terminal(is_terminal=True), Terminal(is_terminal=False)
    assert (are_wanted(screen), are_wanted(file)) == (True, False)
    monkeypatch.setenv("TERM", "dumb")
    assert not are_wanted(screen)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert are_wanted(file)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not are_wanted(screen)
    monkeypatch.setenv("NO_COLOR", "")
    assert are_wanted(screen)


def test_quantities_have_their_units():
    told = [duration(us) for us in (None, 850, 12_300, 4_200_000, 185e6, 7_800e6, 273_600e6)]
    assert told == ["-", "850 us", "12.3 ms", "4.20 s", "3 min 05 s", "2 h 10 min", "3 d 4 h"]
    assert [count(n) for n in (0, 812, 12_345, 4_200_000)] == ["0", "812", "12.3k", "4.20M"]
    assert [rate(r) for r in (0, 0.001, 0.5, 4.2, 1_200)] == [
        *("0/s", "<0.01/s", "0.50/s", "4.20/s", "1.20k/s"),
    ]
    assert [money(n) for n in (None, 0, 1, 2_500, 12_340_000_000)] == [
        *("-", "0.00", "<0.000001", "0.000003", "12.34"),
    ]


@given(part=st.integers(0, 10**9), whole=st.integers(1, 10**9))
def test_a_share_is_0_or_100_only_where_it_is(part, whole):
    part = min(part, whole)
    assert (share(part, whole) == "0 %") == (part == 0)
    assert (share(part, whole) == "100 %") == (part == whole)
