"""Each command writes its own part of the results and leaves the others."""

from pathlib import Path

from tests.bench.results import put, with_part

BENCH = "# Measured figures\n\n## A table\n\n| a |\n"
NIGHT = "# Long runs\n\nAll night.\n"


def test_a_new_part_stands_behind_the_others() -> None:
    assert with_part(BENCH, NIGHT) == f"{BENCH}\n{NIGHT}"


def test_a_part_takes_the_place_of_the_one_with_its_heading() -> None:
    fresh = "# Measured figures\n\nAnew.\n"
    assert with_part(f"{BENCH}\n{NIGHT}", fresh) == f"{fresh}\n{NIGHT}"


def test_writing_the_same_twice_changes_nothing() -> None:
    once = with_part(with_part("", BENCH), NIGHT)
    assert with_part(once, NIGHT) == once


def test_the_first_part_makes_the_file(tmp_path: Path) -> None:
    put(tmp_path / "RESULTS.md", BENCH)
    assert (tmp_path / "RESULTS.md").read_text() == BENCH
