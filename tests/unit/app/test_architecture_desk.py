"""What the console is told of the architecture is what the commands say, asked once a blueprint."""

from pathlib import Path

import pytest

from holdfast.app.architecture_desk import ArchitectureDesk
from holdfast.app.reviewing import Asked, declared_in, read_declared, review_file
from holdfast.blueprint.blast import UnknownPartError
from holdfast.core import Instant


class Noon:
    """One moment for ever."""

    def now(self) -> Instant:
        return Instant(1_795_262_400_000_000)

    def monotonic(self) -> float:
        return 0.0


FLAWED = Path(__file__).parents[3] / "examples" / "claims-processing" / "flawed.yaml"


@pytest.fixture
def declared():
    return [declared_in(read_declared(FLAWED), FLAWED)]


@pytest.fixture
def desk(declared) -> ArchitectureDesk:
    return ArchitectureDesk(FLAWED, blueprint=lambda: declared[0], clock=Noon())


def test_the_desk_finds_what_the_command_finds(desk):
    reviewed = desk.review()
    told = review_file(Asked(file=FLAWED, today=reviewed.report.today))
    assert [f.key for f in reviewed.report.broken] == [f.key for f in told.report.broken]
    assert reviewed.report.broken
    at = reviewed.report.broken[0].judgement.at
    assert reviewed.places(at) == told.places(at)


def test_a_review_is_made_anew_only_for_another_blueprint(desk, declared):
    first = desk.review()
    assert desk.review() is first
    declared[0] = declared_in(read_declared(FLAWED), FLAWED)
    assert desk.review() is not first


def test_the_desk_tells_what_falls_and_what_is_no_part(desk):
    found = desk.blast("reader", how="stops")
    assert "document-check" in found.down()
    with pytest.raises(UnknownPartError):
        desk.blast("raeder", how="stops")


def test_proofs_that_need_no_solver_are_kept(desk):
    proven = desk.proven()
    assert proven.proofs
    assert desk.proven() is proven
