"""What is wrong with a file whose parts have the right types: names that mean nothing, circles, words nobody knows.

The public runner takes nearly everything. What a run could not keep to is an error here, and what may not be meant is a
warning; nothing is passed over in silence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache

from pydantic import BaseModel

from broker.domain.workflows.files import definition
from broker.domain.workflows.files.definition import AgentEntry, Pattern, Var, WorkflowEntry, WorkflowFile
from broker.domain.workflows.files.findings import Finding, Path, error, nearest, warning
from broker.domain.workflows.graphs.ordering import Order, order_steps
from broker.domain.workflows.planning.check_steps import check_preflight, check_step
from broker.domain.workflows.planning.permissions import check_permissions

_CHANNEL = re.compile(r"[a-z0-9][a-z0-9-]*")
_VERSIONS = ("1.0", "1")
NOT_YET = {
    "artifacts": "files that go from one machine to another",
    "foreach": "fan-out over a list",
    "schedule": "starting by the clock",
}
"""Reserved words: a file that uses them means something that is not built."""
_BELONGS_ELSEWHERE = {
    "model": "write it under constraints",
    "<<": "merge keys are not merged in this format",
}

_IDLE = "idleTimeoutMs gives up an agent that shows no sign of work"
_ASKING = "a step of type approval asks a person"
_NO_EFFECT: Mapping[type[BaseModel], Mapping[str, str]] = {
    WorkflowFile: {
        "trajectories": "the session's log has every step",
        "integrations": "steps name a secret of the workspace: token: secret:NAME",
        "cwd_resolution": "folders are those of the machine",
    },
    definition.Swarm: {
        "idle_nudge": _IDLE,
        "human_assistance": _ASKING,
        "completion_grace_period_ms": "a step ends with the turn that answers its task",
    },
    AgentEntry: {
        "watch": "a hook can tell an agent what has changed",
        "subscriptions": "a hook can tell an agent what has happened",
        "channels": "agents talk along the edges of the pattern",
        "additional_paths": "write them into its task",
    },
    definition.Constraints: {"idle_threshold_secs": _IDLE},
    definition.StepEntry: {"human_assistance": _ASKING},
    definition.Verification: {"diagnostic_timeout": "the diagnosis has no limit of its own"},
    definition.ErrorHandling: {"notify_channel": "a hook on workflow.ended can tell people"},
}
"""What the public format has and nothing here looks at, and what there is instead."""


def check_file(file: WorkflowFile, *, known_clis: Collection[str] = ()) -> list[Finding]:
    """All that is to be said about the file. `known_clis` are programs beside those that the format names."""
    return [
        *_unknown_keys(file, ()),
        *_check_top(file),
        *_check_agents(file, {*definition.KNOWN_CLIS, *known_clis}),
        *check_permissions(file),
        *_check_workflows(file),
    ]


def _unknown_keys(part: BaseModel, path: Path) -> Iterator[Finding]:
    names = _keys(type(part))
    for key in part.model_extra or {}:
        if key in NOT_YET:
            yield error(f'"{key}" ({NOT_YET[key]}) is reserved and not yet supported', (*path, key), at_key=True)
        elif key in _BELONGS_ELSEWHERE:
            yield warning(f'"{key}" has no effect here: {_BELONGS_ELSEWHERE[key]}', (*path, key), at_key=True)
        else:
            yield warning(f'unknown key "{key}", ignored{nearest(key, names.values())}', (*path, key), at_key=True)
    for name, instead in _NO_EFFECT.get(type(part), {}).items():
        if getattr(part, name):
            key = type(part).model_fields[name].alias or name
            yield warning(f'"{key}" has no effect here: {instead}', (*path, key), at_key=True)
    written = part.model_fields_set  # what a file does not write has nothing in it
    for name, key in names.items():
        if name in written and isinstance(value := getattr(part, name), BaseModel | list | dict):
            yield from _unknown_keys_of(value, (*path, key))


@cache
def _keys(part: type[BaseModel]) -> Mapping[str, str]:
    """What a file calls each field, by its name here."""
    return {name: field.alias or name for name, field in part.model_fields.items()}


def _unknown_keys_of(value: object, path: Path) -> Iterator[Finding]:
    match value:
        case BaseModel():
            yield from _unknown_keys(value, path)
        case list():
            for number, each in enumerate(value):
                if isinstance(each, BaseModel | list | dict):
                    yield from _unknown_keys_of(each, (*path, number))
        case dict():
            for key, each in value.items():
                if isinstance(each, BaseModel):
                    yield from _unknown_keys(each, (*path, key))


def _check_top(file: WorkflowFile) -> Iterator[Finding]:
    if file.version not in _VERSIONS:
        yield warning(f'version "{file.version}" is not known; it is read as 1.0', ("version",))
    yield from _unknown_word(file.swarm.pattern, Pattern, ("swarm", "pattern"), "pattern", "taken as dag")
    if file.swarm.channel is not None and not _CHANNEL.fullmatch(file.swarm.channel):
        yield warning("a channel has lower-case letters, digits and hyphens", ("swarm", "channel"))
    if file.state and file.state.backend is not None:
        taken = "stored by the workspace in any case"
        yield from _unknown_word(file.state.backend, definition.BACKENDS, ("state", "backend"), "backend", taken)
    yield from _duplicates([each.name for each in file.paths], ("paths",), "path")
    for name, each in file.list_vars().items():
        yield from _check_var(name, each)
    yield from _check_protection(file)
    if file.error_handling and file.error_handling.repair_agent is not None:
        yield from _check_agent(file, file.error_handling.repair_agent, ("errorHandling", "repairAgent"))
    if not file.workflows:
        yield error('there is no workflow: "workflows" is missing or empty', ("workflows",))


def _check_protection(file: WorkflowFile) -> Iterator[Finding]:
    """That what repair agents must not change can be looked at: paths and patterns below each step's folder."""
    at: Path = ("repairProtection",)
    for key in file.repair_protection or {}:
        if key != "protectedPaths":
            yield error(f'nobody looks at "{key}" here: repairProtection has protectedPaths', (*at, key), at_key=True)
    found = (file.repair_protection or {}).get("protectedPaths", [])
    if not isinstance(found, list) or not all(isinstance(each, str) and each for each in found):
        yield error("this is a list of paths", (*at, "protectedPaths"))
        return
    for number, each in enumerate(found):
        if each.startswith(("/", "~")) or ".." in each.split("/") or not each.isprintable():
            yield error("a protected path lies within the step's folder", (*at, "protectedPaths", number))


def _check_var(name: str, var: Var) -> Iterator[Finding]:
    path: Path = ("vars", name)
    yield from _unknown_word(var.type, definition.VAR_TYPES, (*path, "type"), "type", "taken as string")
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name) or name.startswith("steps."):
        yield error("a variable's name has letters, digits, _, . and -, and does not begin with steps.", path)
    if var.default is not None and not has_type(var.default, var.type):
        yield error(f"the default is no {var.type}", (*path, "default"))


def has_type(value: object, type_: str) -> bool:
    """Whether a variable of `type_` (one of `VAR_TYPES`) may have `value`."""
    match type_:
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str | int | float | bool)
        case _:
            return True


def _check_agents(file: WorkflowFile, clis: Collection[str]) -> Iterator[Finding]:
    yield from _duplicates([each.name for each in file.agents], ("agents",), "agent")
    for number, each in enumerate(file.agents):
        path: Path = ("agents", number)
        taken = "only a machine that has it configured can start it"
        yield from _unknown_word(each.cli, clis, (*path, "cli"), "agent program", taken)
        if each.preset is not None:
            yield from _unknown_word(each.preset, definition.PRESETS, (*path, "preset"), "preset", "ignored")
        yield from _check_place(file, each, path)


def _check_place(file: WorkflowFile, agent: AgentEntry, path: Path) -> Iterator[Finding]:
    if agent.workdir is None:
        return
    yield from _check_known(agent.workdir, [each.name for each in file.paths], (*path, "workdir"), "path")
    if agent.cwd is not None:
        yield warning("workdir wins over cwd on an agent", (*path, "cwd"), at_key=True)


def _check_workflows(file: WorkflowFile) -> Iterator[Finding]:
    yield from _duplicates([each.name for each in file.workflows], ("workflows",), "workflow")
    for number, each in enumerate(file.workflows):
        yield from _check_workflow(file, each, ("workflows", number))
    yield from _calls_in_circles(file)


def _check_workflow(file: WorkflowFile, workflow: WorkflowEntry, path: Path) -> Iterator[Finding]:
    if workflow.on_error is not None:
        taken = "errorHandling.strategy decides"
        yield from _unknown_word(workflow.on_error, definition.ON_ERROR_WORDS, (*path, "onError"), "word", taken)
    names = [each.name for each in workflow.steps]
    yield from _duplicates(names, (*path, "steps"), "step")
    broken = list(_check_references(workflow, dict.fromkeys(names), (*path, "steps")))
    yield from broken
    order = order_steps(file, workflow)
    circle = find_circle(order)
    if circle:
        start = names.index(circle[0])
        yield error(f"the steps wait for each other: {' → '.join(circle)}", (*path, "steps", start, "dependsOn"))
        return
    for number, ahead in enumerate(workflow.preflight):
        yield from check_preflight(file, ahead, (*path, "preflight", number))
    for number, each in enumerate(workflow.steps):
        yield from check_step(file, workflow, each, (*path, "steps", number), order=order)
    yield from _check_coordination(file, workflow)


def _check_references(workflow: WorkflowEntry, names: Collection[str], path: Path) -> Iterator[Finding]:
    undoing = {each.name for each in workflow.steps if each.compensates is not None}
    undone: set[str] = set()
    for number, each in enumerate(workflow.steps):
        for place, before in enumerate(each.depends_on):
            here: Path = (*path, number, "dependsOn", place)
            yield from _check_known(before, names, here, "step")
            if before in undoing:
                yield error(f'"{before}" runs only when the run has failed; nothing can wait for it', here)
        if each.compensates is not None:
            yield from _check_known(each.compensates, names, (*path, number, "compensates"), "step")
            if each.depends_on:
                yield error("a compensation has its place by the step it undoes", (*path, number, "dependsOn"))
            if each.compensates in undone:
                yield error(f'"{each.compensates}" is undone by another step already', (*path, number, "compensates"))
            undone.add(each.compensates)
            if each.compensates in undoing:
                yield error("a compensation cannot be compensated", (*path, number, "compensates"))


def find_circle(order: Order) -> list[str]:
    """Steps that wait for each other, the first one named again at the end; empty when there are none."""
    done: set[str] = set()
    for start in order.after:
        trail: list[str] = []
        waiting = [(start, iter(order.after.get(start, ())))]
        while waiting:
            name, rest = waiting[-1]
            if len(trail) < len(waiting):
                trail.append(name)
            following = next((each for each in rest if each not in done), None)
            if following is None:
                done.add(name)
                waiting.pop()
                trail.pop()
            elif following in trail:
                return [*trail[trail.index(following) :], following]
            else:
                waiting.append((following, iter(order.after.get(following, ()))))
    return []


def _check_coordination(file: WorkflowFile, workflow: WorkflowEntry) -> Iterator[Finding]:
    if file.coordination is None:
        return
    names = [each.name for each in workflow.steps]
    barriers = [each.name for each in file.coordination.barriers]
    yield from _duplicates(barriers, ("coordination", "barriers"), "barrier")
    for number, barrier in enumerate(file.coordination.barriers):
        path: Path = ("coordination", "barriers", number)
        missing = [each for each in barrier.wait_for if each not in names]
        if missing:
            yield warning(f"no step of {workflow.name} is called {', '.join(missing)}", (*path, "waitFor"))
        elif not any(set(barrier.wait_for) <= set(each.depends_on) for each in workflow.steps):
            yield warning("holds no step: none depends on all that it waits for", path)
    voters = sum(each.vote for each in workflow.steps)
    threshold = file.coordination.voting_threshold
    path = ("coordination", "votingThreshold")
    if threshold is not None and not voters:
        yield warning("nobody votes: no step has vote: true", path)
    elif threshold is not None and threshold > max(voters, 1):
        yield error(f"there are {voters} voters", path)
    if file.coordination.consensus_strategy is not None:
        word = file.coordination.consensus_strategy
        path = ("coordination", "consensusStrategy")
        yield from _unknown_word(word, definition.CONSENSUS_STRATEGIES, path, "strategy", "taken as majority")


def _calls_in_circles(file: WorkflowFile) -> Iterator[Finding]:
    calls = {each.name: tuple(step.workflow for step in each.steps if step.workflow) for each in file.workflows}
    circle = find_circle(Order(rule="", after=calls))
    if circle:
        number = next(number for number, each in enumerate(file.workflows) if each.name == circle[0])
        yield error(f"the workflows call each other: {' → '.join(circle)}", ("workflows", number))


def _check_agent(file: WorkflowFile, name: str, path: Path) -> Iterator[Finding]:
    yield from _check_known(name, [each.name for each in file.agents], path, "agent")


def _check_known(name: str, among: Collection[str], path: Path, what: str) -> Iterator[Finding]:
    if name not in among:
        yield error(f'there is no {what} "{name}"{nearest(name, among)}', path)


def _unknown_word(word: str, known: Iterable[str], path: Path, what: str, taken: str) -> Iterator[Finding]:
    words = [str(each) for each in known]
    if word not in words:
        yield warning(f'"{word}" is no {what} that is known, {taken}{nearest(word, words)}', path)


def _duplicates(names: Sequence[str], path: Path, what: str) -> Iterator[Finding]:
    again = {name for name, count in Counter(names).items() if count > 1}
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in again and name in seen:
            yield error(f'there is another {what} "{name}"', (*path, number, "name"))
        seen.add(name)
