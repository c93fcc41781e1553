"""What a long run leaves in the results."""

import importlib.util
import sys
from pathlib import Path

from tests import nightly
from tests.nightly import Outcome, Step


def test_a_step_is_run_with_its_environment_and_its_last_line_is_kept() -> None:
    step = Step(name="platform", command=("platform", "--terse"), environment={"PYTHONHASHSEED": "0"})
    outcome = nightly.run(step)
    assert outcome.status == 0
    assert sys.platform in outcome.last_line.lower()


def test_a_step_that_fails_says_so() -> None:
    assert nightly.run(Step(name="none", command=("tests.no_such_module",))).status != 0


def test_figures_are_dated_and_name_machine_and_command() -> None:
    step = Step(name="kills", command=("pytest", "tests/e2e"), environment={"RELAYCAST_KILLS": "50"})
    outcome = Outcome(step=step, status=1, last_line="1 failed, 1 passed", took_s=90)
    text = nightly.as_markdown([outcome], {"CPU": "two", "Date": "2026-01-01"})
    assert text.startswith("# Long runs\n")
    for said in ("* CPU: two", "* Date: 2026-01-01", "RELAYCAST_KILLS=50 pytest tests/e2e", "1 failed, 1 passed", "NO"):
        assert said in text


def test_every_step_names_what_is_there() -> None:
    root = Path(nightly.__file__).parents[1]
    for step in nightly.STEPS:
        assert importlib.util.find_spec(step.command[0]) is not None
        for path in (each for each in step.command[1:] if each.startswith("tests/")):
            assert (root / path).exists(), path
