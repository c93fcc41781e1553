"""What an agent may do in a step."""

import pytest

from broker.domain.workflows.files.definition import AgentEntry, StepEntry
from broker.domain.workflows.planning.permissions import keeps_readonly, writes_of
from tests.domain.workflows.driving import file_of


@pytest.mark.parametrize(
    ("of_agent", "of_step", "readonly"),
    [
        (None, None, False),
        ("readonly", None, True),
        ("looks", None, True),
        ({"profile": "looks"}, None, True),
        ({"profile": "looks", "access": "readwrite"}, None, False),
        ("full", "readonly", True),
        ("readonly", "full", True),  # a step narrows, and gives nothing more
    ],
)
def test_the_narrower_of_what_an_agent_and_its_step_say_holds(
    of_agent: object, of_step: object, readonly: bool
) -> None:
    file = file_of([{"name": "s"}], permission_profiles={"looks": {"access": "readonly"}})
    agent = AgentEntry.model_validate({"name": "A", "cli": "claude", "permissions": of_agent})
    step = StepEntry.model_validate({"name": "s", "agent": "A", "task": "x", "permissions": of_step})
    assert keeps_readonly(file, agent, step) is readonly


@pytest.mark.parametrize(
    ("of_agent", "of_step", "writes"),
    [
        (None, None, ()),
        ("readwrite", {"access": "full"}, ()),
        ({"files": {"write": ["src/**", "a"]}}, None, (("src/**", "a"),)),
        ({"profile": "docs", "files": {"write": ["b"]}}, None, (("docs/**",), ("b",))),
        ("docs", {"files": {"write": []}}, (("docs/**",), ())),
    ],
)
def test_every_list_of_files_that_an_agent_and_its_step_have_holds(
    of_agent: object, of_step: object, writes: tuple[tuple[str, ...], ...]
) -> None:
    file = file_of([{"name": "s"}], permission_profiles={"docs": {"files": {"write": ["docs/**"]}}})
    agent = AgentEntry.model_validate({"name": "A", "cli": "claude", "permissions": of_agent})
    step = StepEntry.model_validate({"name": "s", "agent": "A", "task": "x", "permissions": of_step})
    assert writes_of(file, agent, step) == writes
