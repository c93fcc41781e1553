"""What a run begins with: a caller's request, checked, and what it goes on from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from broker.domain.errors import BadRequest
from broker.domain.ids import WorkflowRunId
from broker.domain.machines.placement import Proxy
from broker.domain.names import looks_like_id
from broker.domain.people.access import Principal
from broker.domain.workflows.files.definition import Var, VarValue
from broker.domain.workflows.files.findings import nearest
from broker.domain.workflows.planning.check import has_type
from broker.domain.workflows.planning.check_steps import find_crossings
from broker.domain.workflows.planning.values import missing_vars
from broker.domain.workflows.runs.journal import Kept
from broker.services.messages.router import digest
from broker.services.workflows.definitions import Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a caller asks for."""

    text: str
    """The whole file."""
    workflow: str | None = None
    """Which of the file; the first when it names none."""
    values: Mapping[str, VarValue]
    machine: str | None = None
    """Where steps run that the file gives no machine, by name or id."""
    folder: str | None = None
    session: str | None = None
    """By id or name; one of the run's own when none is given."""
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a run goes on from."""

    origin: WorkflowRunId
    kept: tuple[Kept, ...]
    outputs: Mapping[str, str]


def check_values(definition: Definition, given: Mapping[str, VarValue]) -> dict[str, VarValue]:
    """The values of a file's variables. Raises `BadRequest` for one that is missing, unknown or of another type."""
    declared = definition.file.list_vars()
    for name, value in given.items():
        if definition.file.vars is not None and name not in declared:
            raise BadRequest(f'the file has no variable "{name}"{nearest(name, declared)}')
        var = declared.get(name, Var())
        if not has_type(value, var.type):
            raise BadRequest(f'the variable "{name}" is of the type {var.type}')
    missing = missing_vars(definition.file, definition.entry, given)
    if missing:
        raise BadRequest(f"no value for {', '.join(missing)}: give --var NAME=VALUE", code="INVALID_WORKFLOW")
    return dict(given)


def runs_commands_anywhere(definition: Definition) -> bool:
    """Whether something is to run on a machine that the file does not name, and is no agent."""
    specs, file = definition.workflow.steps, definition.file
    return any(specs[name].on_machine and file.machine(each) is None for name, each in definition.steps.items())


def names_and_ids(definition: Definition) -> bool:
    """Whether the file calls some machines by name and some by id, so that two words may mean one."""
    file = definition.file
    agents = [each.machine for each in file.agents]
    said = [each for each in (file.swarm.machine, *agents, *(step.machine for step in definition.entry.steps)) if each]
    return len({looks_like_id(each) for each in said}) > 1


def require_one_machine(definition: Definition, proxies: Sequence[Proxy], *, machine: str | None) -> None:
    """Raise `BadRequest` (INVALID_WORKFLOW) where a step would look for what another has left on another machine.

    `machine`: the run's.
    """
    named = Counter(each.name for each in proxies)
    ids = {each.name: each.id for each in proxies if named[each.name] == 1}
    crossings = find_crossings(definition.file, definition.entry, machine=machine, ids=ids)
    for said in crossings:
        raise BadRequest(said, code="INVALID_WORKFLOW")


def digest_of_start(definition: Definition, request: RunRequest, start: Start | None) -> str:
    """What a repeated idempotency key has to come with again."""
    values = orjson.dumps(dict(request.values), option=orjson.OPT_SORT_KEYS)
    place = (request.machine, request.folder, request.session)
    before = (start.origin, *(each.step for each in start.kept)) if start else ()
    return digest(definition.digest, definition.entry.name, values, *place, *before)


def tell_start(
    principal: Principal, definition: Definition, run: WorkflowRunId, *, origin: WorkflowRunId | None
) -> bytes:
    """What its session's log has of its beginning."""
    about = {
        "run": run,
        "name": definition.file.name,
        "workflow": definition.entry.name,
        "pattern": definition.file.swarm.pattern,
        "steps": [each.name for each in definition.entry.steps][:200],
        "by": principal.name,
        "definition": definition.digest,
        **({"origin": origin} if origin else {}),
    }
    return orjson.dumps(about)
