"""For each of the 24 patterns: who may talk to whom, what is refused, and in which order the steps run."""

from typing import Any

import pytest

from broker.domain.errors import NotPermitted
from broker.domain.workflows.files.definition import Pattern, WorkflowFile
from broker.domain.workflows.files.patterns import SHAPES
from broker.domain.workflows.graphs.ordering import order_steps
from broker.domain.workflows.graphs.topology import Topology, topology_of
from broker.domain.workflows.runs.journal import Outcome, RunState
from tests.domain.workflows.driving import Driven

# The agents' roles; an edge that the pattern has; one that it refuses; and, for agents that hold no conversation and
# steps in this order without dependsOn, what starts as long as everything succeeds.
Row = tuple[tuple[str, ...], str, str, list[str]]
PATTERNS: dict[Pattern, Row] = {
    Pattern.DAG: (("a", "b", "c"), "a>b", "a>oneshot", ["s0 s1 s2"]),
    Pattern.FAN_OUT: (("lead", "w", "w"), "a0>a1", "a1>a2", ["s1 s2", "s0"]),
    Pattern.PIPELINE: (("w", "w", "w"), "a0>a1", "a0>a2", ["s0", "s1", "s2"]),
    Pattern.HUB_SPOKE: (("hub", "w", "w"), "a1>a0", "a1>a2", ["s1 s2", "s0"]),
    Pattern.CONSENSUS: (("w", "w", "w"), "a2>a0", "a2>oneshot", ["s0 s1 s2"]),
    Pattern.MESH: (("w", "w", "w"), "a2>a1", "oneshot>a1", ["s0 s1 s2"]),
    Pattern.HANDOFF: (("w", "w", "w"), "a1>a2", "a2>a1", ["s0", "s1", "s2"]),
    Pattern.CASCADE: (("w", "w", "w"), "a0>a1", "a1>a0", ["s0"]),
    Pattern.DEBATE: (("for", "against", "moderator"), "a0>a1", "a0>oneshot", ["s0 s1", "s2"]),
    Pattern.HIERARCHICAL: (("lead", "worker", "worker"), "a0>a2", "a1>a2", ["s0", "s1 s2"]),
    Pattern.MAP_REDUCE: (("coordinator", "mapper", "reducer"), "a1>a2", "a2>a1", ["s0", "s1", "s2"]),
    Pattern.SCATTER_GATHER: (("coordinator", "w", "w"), "a1>a0", "a1>a2", ["s1 s2", "s0"]),
    Pattern.SUPERVISOR: (("supervisor", "w", "w"), "a0>a1", "a2>a1", ["s1 s2", "s0"]),
    Pattern.REFLECTION: (("producer", "critic", "producer"), "a0>a1", "a0>a2", ["s0", "s1", "s2"]),
    Pattern.RED_TEAM: (("attacker", "defender", "judge"), "a0>a1", "a0>oneshot", ["s0", "s1", "s2"]),
    Pattern.VERIFIER: (("producer", "verifier", "producer"), "a2>a1", "a2>a0", ["s0 s2", "s1"]),
    Pattern.AUCTION: (("bidder", "auctioneer", "bidder"), "a1>a0", "a0>a2", ["s0", "s1", "s2"]),
    Pattern.ESCALATION: (("tier-1", "tier-2", "tier-3"), "a0>a1", "a0>a2", ["s0"]),
    Pattern.SAGA: (("saga orchestrator", "w", "w"), "a0>a2", "a1>a2", ["s0", "s1", "s2"]),
    Pattern.CIRCUIT_BREAKER: (("primary", "fallback", "backup"), "a0>a1", "a1>a0", ["s0"]),
    Pattern.BLACKBOARD: (("w", "w", "w"), "a0>a2", "a0>oneshot", ["s0 s1 s2"]),
    Pattern.SWARM: (("w", "w", "w", "w"), "a1>a2", "a0>a2", ["s0 s1 s2 s3"]),
    Pattern.COMPETITIVE: (("w", "w", "judge"), "a0>a2", "a0>oneshot", ["s0 s1", "s2"]),
    Pattern.REVIEW_LOOP: (("implementer", "reviewer", "implementer"), "a0>a1", "a0>a2", ["s0", "s1", "s2"]),
}


def _file(pattern: Pattern, *, talking: bool) -> WorkflowFile:
    roles = ("w", "w", "w") if pattern is Pattern.DAG else PATTERNS[pattern][0]
    names = ("a", "b", "c") if pattern is Pattern.DAG else tuple(f"a{number}" for number in range(len(roles)))
    agents: list[dict[str, Any]] = [
        {"name": name, "cli": "claude", "role": role, "interactive": talking}
        for name, role in zip(names, roles, strict=True)
    ]
    agents.append({"name": "oneshot", "cli": "claude", "interactive": False})
    steps = [{"name": f"s{number}", "agent": name, "task": "x"} for number, name in enumerate(names)]
    value = {"version": "1.0", "name": "t", "swarm": {"pattern": pattern, "maxConcurrency": 9}, "agents": agents}
    return WorkflowFile.model_validate({**value, "workflows": [{"name": "w", "steps": steps}]})


def _topology(pattern: Pattern) -> Topology:
    file = _file(pattern, talking=True)
    return topology_of(file, file.workflows[0])


def test_every_pattern_has_a_shape_and_stands_here() -> None:
    assert set(SHAPES) == set(PATTERNS) == set(Pattern)
    assert len(Pattern) == 24


@pytest.mark.parametrize("pattern", Pattern)
def test_an_edge_of_the_pattern_is_allowed_and_another_is_refused(pattern: Pattern) -> None:
    topology = _topology(pattern)
    _, allowed, forbidden, _ = PATTERNS[pattern]
    topology.require_edge(*allowed.split(">"))
    sender, receiver = forbidden.split(">")
    with pytest.raises(NotPermitted, match=f"{pattern}: {sender} may not talk to {receiver}; it may talk to"):
        topology.require_edge(sender, receiver)


@pytest.mark.parametrize("pattern", Pattern)
def test_agents_that_do_not_talk_work_in_the_order_of_the_pattern(pattern: Pattern) -> None:
    driven = Driven(_file(pattern, talking=False))
    for starts in PATTERNS[pattern][3]:
        assert driven.started == starts.split()
        started = driven.started
        for each in started:
            driven.end(each)
    assert driven.run.state is RunState.COMPLETED


@pytest.mark.parametrize("pattern", [each for each in Pattern if not SHAPES[each].listed.startswith(("one", "the"))])
def test_agents_that_talk_start_together_where_nothing_is_declared(pattern: Pattern) -> None:
    driven = Driven(_file(pattern, talking=True))
    assert driven.started == [each.name for each in driven.workflow.forward]


@pytest.mark.parametrize("pattern", [Pattern.CASCADE, Pattern.ESCALATION, Pattern.CIRCUIT_BREAKER])
def test_the_next_is_tried_only_on_failure_and_the_last_failure_is_the_runs(pattern: Pattern) -> None:
    driven = Driven(_file(pattern, talking=False))
    for each in ("s0", "s1", "s2"):
        assert driven.started == [each]
        driven.end(each, Outcome.FAILED, reason="no")
    assert (driven.run.state, driven.run.reason) == (RunState.FAILED, "s2: no")


def test_depends_on_is_the_whole_order_wherever_it_stands() -> None:
    file = _file(Pattern.PIPELINE, talking=False)
    steps = [file.workflows[0].steps[0], file.workflows[0].steps[1].model_copy(update={"depends_on": ["s0"]})]
    workflow = file.workflows[0].model_copy(update={"steps": [*steps, file.workflows[0].steps[2]]})
    assert order_steps(file, workflow).after == {"s0": (), "s1": ("s0",), "s2": ()}


def test_a_file_may_ask_for_the_order_of_the_public_runner() -> None:
    file = _file(Pattern.PIPELINE, talking=False)
    upstream = file.model_copy(update={"swarm": file.swarm.model_copy(update={"order": "upstream"})})
    assert not any(order_steps(upstream, upstream.workflows[0]).after.values())


def test_along_dependencies_agents_of_steps_side_by_side_talk() -> None:
    file = _file(Pattern.DAG, talking=True)
    steps = [
        each.model_copy(update={"depends_on": [f"s{number - 1}"] if number else []})
        for number, each in enumerate(file.workflows[0].steps)
    ]
    topology = topology_of(file, file.workflows[0].model_copy(update={"steps": steps}))
    assert topology.edges == {("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")}
