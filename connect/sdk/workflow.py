"""Workflows written in Python: the same definition that a relay.yaml has.

    from connect.sdk.workflow import workflow

    wf = workflow("build-feature")
    wf.agent("Backend", cli="codex").agent("Frontend", {"cli": "claude"})
    wf.step("implement", agent="Backend", task="Build API")
    print(wf.to_yaml())
    result = await wf.run()

Options are called as in Python (`depends_on`) or as in the file (`dependsOn`), as keywords or in one dict. The whole
workflow is checked before it is written or planned; what is wrong is raised, all of it at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import ValidationError

from broker.domain.errors import BadRequest
from broker.domain.workflows.files.definition import AgentEntry, StepEntry, Swarm, WorkflowFile
from broker.domain.workflows.files.findings import Severity, nearest
from broker.domain.workflows.planning.check import check_file
from broker.domain.workflows.planning.plan import Plan, plan_workflow
from broker.protocol.relay_yaml.writer import write_workflow_file
from connect.sdk.relay import AgentRelay
from connect.sdk.workflow_runs import OnEvent, OnNeed, RunResult, run_to_end

_CONSTRAINTS = {
    "model": "model",
    "max_tokens": "maxTokens",
    "maxTokens": "maxTokens",
    "timeout_ms": "timeoutMs",
    "timeoutMs": "timeoutMs",
    "retries": "retries",
    "idle_threshold_secs": "idleThresholdSecs",
    "idleThresholdSecs": "idleThresholdSecs",
}
"""Options of an agent that stand under `constraints` in the file."""


class InvalidWorkflow(BadRequest):
    """The workflow cannot be run; the message has every reason."""

    code = "INVALID_WORKFLOW"


class Workflow:
    """A workflow that is being written. Every method but the last four gives the workflow back."""

    def __init__(self, name: str) -> None:
        self._file: dict[str, Any] = {"version": "1.0", "name": name, "swarm": {"pattern": "dag"}}
        self._agents: list[dict[str, Any]] = []
        self._steps: list[dict[str, Any]] = []

    def description(self, text: str) -> Self:
        """Say what it is for."""
        self._file["description"] = text
        return self

    def pattern(self, pattern: str) -> Self:
        """Choose how the agents work together, as `pipeline` or `map-reduce`."""
        return self.swarm(pattern=pattern)

    def swarm(self, options: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """Set options of `swarm`, as `max_concurrency`, `channel`, `timeout_ms` or `budget`."""
        self._file["swarm"] |= _options("swarm", Swarm, options, more)
        return self

    def vars(self, **values: Any) -> Self:
        """Declare variables, each by its default or by a dict of `type`, `default` and `description`."""
        self._file.setdefault("vars", {}).update(values)
        return self

    def agent(self, name: str, options: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """Add an agent; `cli` is its program, `claude` when none is given."""
        given = {**(options or {}), **more}
        constraints = {_CONSTRAINTS[key]: given.pop(key) for key in list(given) if key in _CONSTRAINTS}
        entry = {"name": name, "cli": "claude", **_options(f"agent {name}", AgentEntry, given, {})}
        if constraints:
            entry["constraints"] = {**entry.get("constraints", {}), **constraints}
        self._agents.append(entry)
        return self

    def step(self, name: str, options: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """Add a step: of an agent with `agent` and `task`, of another kind with `type`."""
        self._steps.append({"name": name, **_options(f"step {name}", StepEntry, options, more)})
        return self

    def coordination(self, **options: Any) -> Self:
        """Set barriers and votes, as the file has them."""
        return self._top("coordination", options)

    def state(self, **options: Any) -> Self:
        """Set how long what a run remembers is kept."""
        return self._top("state", options)

    def on_error(self, strategy: str, /, **options: Any) -> Self:
        """Choose what follows a failure: `fail-fast`, `retry` or `continue`, and `max_retries`, `repair_agent`, …."""
        return self._top("error_handling", {"strategy": strategy, **options})

    def _top(self, key: str, options: Mapping[str, Any]) -> Self:
        self._file[key] = dict(options)
        return self

    def to_config(self) -> WorkflowFile:
        """The checked definition; raise `InvalidWorkflow` when it cannot be run."""
        name = f"{self._file['name']}-workflow"
        value = {**self._file, "agents": self._agents, "workflows": [{"name": name, "steps": self._steps}]}
        try:
            file = WorkflowFile.model_validate(value)
        except ValidationError as invalid:
            raise InvalidWorkflow("; ".join(_sentence(each) for each in invalid.errors())) from None
        errors = [each.message for each in check_file(file) if each.severity is Severity.ERROR]
        if errors:
            raise InvalidWorkflow("; ".join(errors))
        return file

    def to_yaml(self) -> str:
        """The text of its relay.yaml; raise `InvalidWorkflow` when it cannot be run."""
        return write_workflow_file(self.to_config())

    def plan(self, *, machine: str | None = None) -> Plan:
        """What a run of it would do; `machine` is where things run that name none. Raises `InvalidWorkflow`."""
        return plan_workflow(self.to_config(), machine=machine)

    async def run(
        self,
        *,
        relay: AgentRelay | None = None,
        vars: Mapping[str, Any] | None = None,  # noqa: A002 - what the file calls them
        on: str | None = None,
        folder: str | None = None,
        session: str | None = None,
        on_event: OnEvent | None = None,
        on_need: OnNeed | None = None,
        waits_for_people: bool = True,
    ) -> RunResult:
        """Run it at the broker, and give back how it ended. The whole of it is checked before anything starts.

        `relay`: the one to use, else the broker on this machine or at RELAYCAST_URL. `vars`: values of variables; `on`:
        the machine of steps that name none, `folder`: where there; `session`: where it runs, one of its own when none
        is given; `on_event`: called with each `workflow.*` and `step.*` event; `on_need`: with each thing that only
        people can give, as the answer to a gate; `waits_for_people`: whether that is waited for, else the result has it
        in `waiting_for`. It goes on should the program end; see `workflow_runs`.

        Raises `InvalidWorkflow`, `NotPermitted`.
        """
        options = {"vars": vars, "on": on, "folder": folder, "session": session}
        return await run_to_end(
            self.to_yaml(),
            relay=relay,
            on_event=on_event,
            on_need=on_need,
            waits_for_people=waits_for_people,
            options=options,
        )


def workflow(name: str) -> Workflow:
    """Begin a workflow."""
    return Workflow(name)


def _options(
    what: str, part: type[AgentEntry | StepEntry | Swarm], options: Mapping[str, Any] | None, more: Mapping[str, Any]
) -> dict[str, Any]:
    """Options by the names that the file has; raise `InvalidWorkflow` for one that it does not have."""
    names = {name: field.alias or name for name, field in part.model_fields.items()}
    given = {**(options or {}), **more}
    unknown = [key for key in given if key not in names and key not in names.values()]
    if unknown:
        raise InvalidWorkflow(f'{what} has no option "{unknown[0]}"{nearest(unknown[0], names)}')
    return {names.get(key, key): value for key, value in given.items() if value is not None}


def _sentence(mistake: Any) -> str:
    return f"{'.'.join(str(each) for each in mistake['loc'])}: {mistake['msg']}"
