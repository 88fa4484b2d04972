"""Our own processes start with nothing of their surroundings that they do not need."""

from pathlib import Path

import pytest

from holdfast.app.isolation import isolation, python_command

HERE, USER = Path("/opt/venv/lib/site-packages"), "/opt/user/lib/site-packages"


@pytest.mark.parametrize(
    ("packages", "by_variable", "expected"),
    [
        (HERE, [], ["-I"]),
        (HERE, ["/elsewhere", ""], ["-I"]),
        (HERE, [str(HERE)], ["-P", "-s"]),
        (Path(USER), [], ["-P", "-E"]),
    ],
)
def test_only_the_way_by_which_holdfast_itself_is_found_stays_open(
    packages: Path, by_variable: list[str], expected: list[str]
) -> None:
    assert isolation(packages, by_variable=by_variable, by_user=USER) == expected


def test_no_process_of_ours_looks_into_its_working_directory() -> None:
    assert {"-I", "-P"} & set(python_command("holdfast.app.worker"))
