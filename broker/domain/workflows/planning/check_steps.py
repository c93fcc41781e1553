"""What is wrong with one step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from broker.domain.logs.events import EventKind
from broker.domain.names import looks_like_id
from broker.domain.workflows.files.command_text import PlaceholderRefused, bind_command, evaluates_again
from broker.domain.workflows.files.definition import (
    Preflight,
    StepEntry,
    StepType,
    Verification,
    VerificationType,
    WorkflowEntry,
    WorkflowFile,
)
from broker.domain.workflows.files.findings import Finding, Path, error, nearest, warning
from broker.domain.workflows.files.integrations import ACTIONS, GITHUB, BadParams, check_call, read_call
from broker.domain.workflows.files.placeholders import FILTERS, placeholders
from broker.domain.workflows.files.waits import awaited_file, waits_for_webhook
from broker.domain.workflows.graphs.ordering import Order
from broker.domain.workflows.graphs.preflight import is_reserved, patterns_of
from broker.domain.workflows.planning.permissions import check_step_permissions
from broker.domain.workflows.runs.evidence import needs_machine, schema_problem

_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}")
_REQUIRED = {
    StepType.AGENT: ("agent", "task"),
    StepType.DETERMINISTIC: ("command",),
    StepType.WORKTREE: ("branch",),
    StepType.INTEGRATION: ("integration", "action"),
    StepType.WAIT_FOR: ("waitFor",),
    StepType.APPROVAL: (),
    StepType.SUBWORKFLOW: ("workflow",),
}
_ON_MACHINES = frozenset({StepType.AGENT, StepType.DETERMINISTIC, StepType.WORKTREE})
_WAIT = re.compile(r"\b(?:wait for|monitor)\b", re.IGNORECASE)
_FIELDS = {"waitFor": "wait_for"}


def check_step(
    file: WorkflowFile, workflow: WorkflowEntry, step: StepEntry, path: Path, *, order: Order
) -> Iterator[Finding]:
    """All that is to be said about `step`, which stands at `path`."""
    if not _NAME.fullmatch(step.name) or step.name in {".", ".."}:
        yield error("a step's name has 1 to 200 characters, no slash and no control character", (*path, "name"))
    if step.use is not None:
        yield error("definitions elsewhere (use) are not supported: write the step out", (*path, "use"), at_key=True)
        return
    if step.type is not None and step.type not in set(StepType):
        yield warning(
            f'"{step.type}" is no type of a step, taken as agent{nearest(step.type, StepType)}', (*path, "type")
        )
    for field in _REQUIRED[step.kind]:
        if not getattr(step, _FIELDS.get(field, field)):
            yield error(f'"{step.name}" needs "{field}", as a step of type {step.kind}', path)
    if step.kind is StepType.INTEGRATION and step.integration and step.action:
        yield from _check_integration(step, path)
    if step.kind is StepType.WAIT_FOR and step.wait_for:
        yield from _check_wait(step.wait_for, (*path, "waitFor"))
    yield from _check_names(file, workflow, step, path, order=order)
    for number, condition in enumerate(step.conditions):
        at: Path = (*path, "verification", number) if isinstance(step.verification, list) else (*path, "verification")
        yield from _check_condition(file, condition, at)
    yield from _check_effects(file, step, path)
    if is_reserved(step.name, workflow):
        yield error("a command of preflight is called so", (*path, "name"))
    yield from _check_waits(file, workflow, step, path, order=order)
    yield from _check_placeholders(file, workflow, step, path, order=order)
    yield from _check_literal(step, path)


def _check_wait(wanted: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    """That it is one that comes: a time, a message, an event of the session, a file of the step's machine, a call."""
    match wanted:
        case {"webhook": said} if said is not True:
            yield error("write webhook: true: the step gets an address of its own", (*path, "webhook"))
        case {"webhook": True} if others := [key for key in wanted if key not in {"webhook", "timeoutMs"}]:
            yield error(f"a webhook is waited for alone, without {others[0]}", (*path, others[0]), at_key=True)
        case {"durationMs": length} if not isinstance(length, int) or isinstance(length, bool) or length < 0:
            yield error("this is a number of milliseconds", (*path, "durationMs"))
        case {"until": str() as until} if _is_no_time(until):
            yield error(f'"{until}" is no time, as "2030-01-31T09:00:00+01:00" is one', (*path, "until"))
        case {"event": event} if event not in set(EventKind):
            yield error(f'there is no event "{event}"{nearest(str(event), EventKind)}', (*path, "event"))
        case {"file": str() as file} | {"path": str() as file} if "provider" not in wanted:
            at = (*path, "file" if "file" in wanted else "path")
            if not file or ".." in file.split("/"):
                yield error("the file has to lie within the step's folder", at)
            elif set(file) & set("*?["):
                yield error("one file is waited for: a pattern names none", at)
        case {"durationMs": _} | {"until": str() | datetime()} | {"event": _} | {"message": _} | {"webhook": True}:
            pass
        case _:
            said = ", ".join(map(str, wanted))
            yield error(f"nobody can wait for {said}: write durationMs, until, event, message, file or webhook", path)


def _is_no_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return True
    return False


def _check_integration(step: StepEntry, path: Path) -> Iterator[Finding]:
    """That somebody carries it out, and is given what it takes; what has a placeholder is looked at in the run."""
    supported = f"{GITHUB} has {', '.join(ACTIONS)}"
    if step.integration != GITHUB:
        instead = "a step of type deterministic can run its program on a machine"
        said = f'nobody carries out {step.action} of "{step.integration}" for "{step.name}": {supported}; {instead}'
        yield error(said, (*path, "integration"))
        return
    if step.action not in ACTIONS:
        said = f'nobody carries out {step.action} of "{GITHUB}" for "{step.name}"{nearest(step.action or "", ACTIONS)}'
        yield error(f"{said}: {supported}", (*path, "action"))
        return
    try:
        check_call(step.action or "", read_call(step.params))
    except BadParams as bad:
        yield error(str(bad), _at_param(step.params or {}, path, bad.path))


def _at_param(params: Mapping[str, Any], path: Path, keys: tuple[str, ...]) -> Path:
    """Where in the file it stands, or what it stands in."""
    at: Path = (*path, "params") if params else path
    for key in keys:
        nested = params.get("params")
        if key in params:
            return (*at, key)
        if isinstance(nested, dict) and key in nested:
            return (*at, "params", key)
        if nested is not None:
            return (*at, "params")
    return at


def check_preflight(file: WorkflowFile, preflight: Preflight, path: Path) -> Iterator[Finding]:
    """All that is to be said about one command ahead of the first step."""
    yield from _check_command(preflight.command, (*path, "command"))
    for key, pattern in patterns_of(preflight):
        yield from _check_regex(pattern, (*path, key))
    for each in placeholders(preflight.command):
        if each.step is not None:
            yield error("no step has ended before it", (*path, "command"))
        elif file.vars is not None and each.name not in file.vars:
            yield error(f'there is no variable "{each.name}"{nearest(each.name, file.vars)}', (*path, "command"))


def _check_names(
    file: WorkflowFile, workflow: WorkflowEntry, step: StepEntry, path: Path, *, order: Order
) -> Iterator[Finding]:
    agents = [each.name for each in file.agents]
    yield from _check_known(step.agent, agents, (*path, "agent"), "agent")
    yield from _check_known(step.review, agents, (*path, "review"), "agent")
    yield from _check_known(step.workflow, [each.name for each in file.workflows], (*path, "workflow"), "workflow")
    if step.cwd is None:
        yield from _check_known(step.workdir, [each.name for each in file.paths], (*path, "workdir"), "path")
    if step.repeat_from is not None and step.repeat_from not in {step.name, *order.all_before(step.name)}:
        names = [each.name for each in workflow.steps]
        at = (*path, "repeatFrom")
        yield error(f'"{step.repeat_from}" does not come before it{nearest(step.repeat_from, names)}', at)
    if step.repeat_from is not None and step.max_iterations is None:
        yield error("repeatFrom needs maxIterations: no loop is without a bound", (*path, "repeatFrom"), at_key=True)


def _check_known(name: str | None, among: Sequence[str], path: Path, what: str) -> Iterator[Finding]:
    if name is not None and name not in among:
        yield error(f'there is no {what} "{name}"{nearest(name, among)}', path)


def _check_effects(file: WorkflowFile, step: StepEntry, path: Path) -> Iterator[Finding]:
    """Fields that a step of this kind does not look at."""
    yield from check_step_permissions(file, step, path)
    if step.max_iterations is not None and not step.conditions and step.review is None:
        yield warning("no verification and no review asks for another round", (*path, "maxIterations"), at_key=True)
    if step.kind is StepType.SUBWORKFLOW:
        if needs_machine(step.conditions):
            yield error("what lies on a machine is looked at by the steps of the workflow", (*path, "verification"))
        for name in step.vars or {}:
            if file.vars is not None and name not in file.vars:
                at: Path = (*path, "vars", name)
                yield error(f'the file has no variable "{name}"{nearest(name, file.vars)}', at, at_key=True)
        if step.machine is not None:
            yield warning("the steps of the workflow say where they run", (*path, "machine"), at_key=True)
    is_nowhere = step.kind is StepType.INTEGRATION or (
        step.kind is StepType.WAIT_FOR and awaited_file(step.wait_for) is None
    )
    if is_nowhere and needs_machine(step.conditions):
        yield error("it runs on no machine: what lies on one is looked at by another step", (*path, "verification"))
    if step.vote and step.kind is not StepType.AGENT:
        yield warning("only agents vote", (*path, "vote"), at_key=True)
    if step.terminal_success_exit_codes and step.kind is not StepType.DETERMINISTIC:
        yield warning("only commands have exit codes", (*path, "terminalSuccessExitCodes"), at_key=True)


def _check_waits(
    file: WorkflowFile, workflow: WorkflowEntry, step: StepEntry, path: Path, *, order: Order
) -> Iterator[Finding]:
    """An agent that is told to wait for a step that starts only when its own has ended waits for ever."""
    agent = file.agent(step.agent or "")
    if agent is None or not agent.talks or not _WAIT.search(step.task or ""):
        return
    for later in (each.name for each in workflow.steps):
        told = re.search(
            rf"{_WAIT.pattern}[^.\n]*(?<![\w-]){re.escape(later)}(?![\w-])", step.task or "", re.IGNORECASE
        )
        if told and step.name in order.all_before(later):
            yield warning(f'it is told to wait for "{later}", which starts only when it has ended', (*path, "task"))


def _check_condition(file: WorkflowFile, condition: Verification, path: Path) -> Iterator[Finding]:
    yield from _check_known(
        condition.diagnostic_agent, [each.name for each in file.agents], (*path, "diagnosticAgent"), "agent"
    )
    value = condition.value
    match condition.type:
        case VerificationType.EXIT_CODE:
            if value is not None and not re.fullmatch(r"\d{1,3}", str(value)):
                yield error("an exit code is a number from 0 to 255", (*path, "value"))
        case VerificationType.OUTPUT_CONTAINS | VerificationType.CUSTOM | VerificationType.FILE_EXISTS:
            yield from _require_value(condition, path)
            if condition.type == VerificationType.FILE_EXISTS and ".." in str(value).split("/"):
                yield error("the file has to lie within the step's folder", (*path, "value"))
        case VerificationType.REGEX:
            yield from _require_value(condition, path)
            yield from _check_regex(str(value), (*path, "value"))
        case VerificationType.JSON_SCHEMA:
            if condition.schema_ is None:
                yield error('json_schema needs "schema"', path)
            elif problem := schema_problem(condition.schema_):
                yield error(problem, (*path, "schema"))
        case VerificationType.PR_URL | VerificationType.GIT_CLEAN | VerificationType.TESTS_PASS:
            pass
        case _ as other:
            yield error(
                f'"{other}" is no verification: it would check nothing{nearest(other, VerificationType)}',
                (*path, "type"),
            )


def _require_value(condition: Verification, path: Path) -> Iterator[Finding]:
    if condition.value in {None, ""}:
        yield error(f'{condition.type} needs "value": it would check nothing', path)


def _check_regex(text: str, path: Path) -> Iterator[Finding]:
    try:
        re.compile(text)
    except re.error as mistake:
        yield error(f"no regular expression: {mistake}", path)


def _check_placeholders(
    file: WorkflowFile, workflow: WorkflowEntry, step: StepEntry, path: Path, *, order: Order
) -> Iterator[Finding]:
    if step.command:
        yield from _check_command(step.command, (*path, "command"))
    for key, text in texts_of(step):
        for each in placeholders(text):
            if each.filter is not None and each.filter not in FILTERS:
                yield error(f'"{each.filter}" is no filter{nearest(each.filter, FILTERS)}', (*path, key))
            if each.step is not None and each.as_webhook:
                yield from _check_webhook_of(each.step, workflow, step, (*path, key), order=order)
            elif each.step is not None:
                yield from _check_output_of(each.step, step, (*path, key), order=order)
                yield from _check_path_of(file, workflow, each.step, step, (*path, key))
            elif file.vars is not None and each.name not in file.vars:
                yield error(f'there is no variable "{each.name}"{nearest(each.name, file.vars)}', (*path, key))


def _check_command(command: str, path: Path) -> Iterator[Finding]:
    try:
        bind_command(command)
    except PlaceholderRefused as refused:
        yield error(str(refused), path)
    if evaluates_again(command):
        yield warning("a shell within the command may run what a value contains: hand it over as an argument", path)


def _check_output_of(name: str, step: StepEntry, path: Path, *, order: Order) -> Iterator[Finding]:
    if name not in order.after:
        yield warning(f'there is no step "{name}" whose output this could be{nearest(name, order.after)}', path)
    elif name not in order.all_before(step.name) and name != step.compensates:
        yield warning(f'"{name}" does not end before "{step.name}" starts: add it to dependsOn', path)


def _check_path_of(
    file: WorkflowFile, workflow: WorkflowEntry, name: str, step: StepEntry, path: Path
) -> Iterator[Finding]:
    source = next((each for each in workflow.steps if each.name == name), None)
    said = _explain_crossing(file, source, step, is_one=_may_be_one) if source else None
    if said:
        yield error(said, path)


def find_crossings(
    file: WorkflowFile, workflow: WorkflowEntry, *, machine: str | None, ids: Mapping[str, str]
) -> Iterator[str]:
    """What `_check_path_of` has to leave open: whether a machine's name and an id are of two.

    `machine`: the run's, by id; `ids`: those of machines by their names.
    """

    def is_one(there: str | None, here: str | None) -> bool:
        found, other = (machine if each is None else ids.get(each, each) for each in (there, here))
        return found == other

    steps = {each.name: each for each in workflow.steps}
    for step in workflow.steps:
        for name in {each.step for _, text in texts_of(step) for each in placeholders(text) if not each.as_webhook}:
            said = _explain_crossing(file, steps[name], step, is_one=is_one) if name in steps else None
            if said:
                yield said


def _explain_crossing(
    file: WorkflowFile, source: StepEntry, step: StepEntry, *, is_one: Callable[[str | None, str | None], bool]
) -> str | None:
    """What a worktree and a wait for a file say is a path of their machine, and on another it is another file's."""
    if not (source.kind is StepType.WORKTREE or awaited_file(source.wait_for) is not None):
        return None
    if step.kind not in _ON_MACHINES and awaited_file(step.wait_for) is None:
        return None
    agent = file.agent(step.agent or "") if step.kind is StepType.AGENT else None
    machines = file.machine(source), file.machine(step, agent)
    if is_one(*machines):
        return None
    there, here = (each or "the run's machine" for each in machines)
    said = f'"{source.name}" says where something lies on {there}, and "{step.name}" runs on {here}'
    return f"{said}: files do not go from one machine to another yet"


def _may_be_one(there: str | None, here: str | None) -> bool:
    """A file alone does not say whether a name and an id are those of one machine: who starts the run knows."""
    if there is None or here is None:
        return there is here
    return there == here or looks_like_id(there) is not looks_like_id(here)


def _check_literal(step: StepEntry, path: Path) -> Iterator[Finding]:
    """Fields in which nothing is replaced, as the public format has it."""
    for key, text in (
        ("cwd", step.cwd),
        ("path", step.path),
        ("branch", step.branch),
        ("baseBranch", step.base_branch),
    ):
        if text and (found := next(placeholders(text), None)) is not None:
            said = f"{text[found.start : found.end]} is not replaced in {key}, which is taken as it is written"
            yield error(said, (*path, key)) if key == "cwd" else warning(said, (*path, key))


def _check_webhook_of(
    name: str, workflow: WorkflowEntry, step: StepEntry, path: Path, *, order: Order
) -> Iterator[Finding]:
    """The address of a step that waits for a call is of use as long as it waits."""
    waiting = [each.name for each in workflow.steps if waits_for_webhook(each.wait_for)]
    if name not in waiting:
        yield error(f'"{name}" is no step that waits for a webhook{nearest(name, waiting)}', path)
    elif name == step.name or name in order.all_before(step.name):
        yield warning(f'"{name}" has been called before "{step.name}" starts: nobody needs its address then', path)


def texts_of(step: StepEntry) -> Iterator[tuple[str, str]]:
    """The texts of a step in which placeholders are replaced, by their keys."""
    for key in ("task", "command", "message"):
        text = getattr(step, key)
        if text:
            yield key, text
    yield from (("params", text) for text in _texts_in(step.params or {}))
    yield from (("vars", value) for value in (step.vars or {}).values() if isinstance(value, str))


def _texts_in(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _texts_in(each)
        case list():
            for each in value:
                yield from _texts_in(each)
