"""What those who carry steps out work with: one run, whose rights it has, and what its steps have said."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

import orjson

from broker.domain.agents.sessions import Session
from broker.domain.ids import WorkspaceId
from broker.domain.machines.placement import Proxy
from broker.domain.people.access import Principal
from broker.domain.timings import TIMINGS
from broker.domain.workflows.files.definition import AgentEntry, StepEntry
from broker.domain.workflows.files.placeholders import Placeholder, placeholders
from broker.domain.workflows.graphs.graph import Step
from broker.domain.workflows.planning.plan import Consent
from broker.domain.workflows.runs.commands import CommandId
from broker.domain.workflows.runs.journal import AttemptEnded, Fact
from broker.domain.workflows.runs.run import Run
from broker.domain.workflows.runs.steps import StepRun
from broker.domain.workflows.runs.texts import fill
from broker.services.ports import CommandRecord, RunRow, WorkflowRecords
from broker.services.workflows.definitions import Definition
from broker.services.workflows.webhooks import WebhookAddresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an effect has come."""

    fact: Fact | None = None
    """What is to be written about it; None: nothing new."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """What the fact names."""
    look_at_ms: int | None = None
    """When to look again, should nothing happen before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is known of the commands of a run's open attempts at one look."""

    commands: Mapping[CommandId, CommandRecord] = field(default_factory=dict)
    under_way: Set[CommandId] = frozenset()
    """Those that were ordered and have not ended, of which nothing else is known here."""
    machine: Proxy | None = None
    """The one that steps run on that name none, where any has a command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One run at one look."""

    workspace: WorkspaceId
    by: Principal
    """Whose rights it has, as they are now."""
    session: Session
    row: RunRow
    definition: Definition
    run: Run
    now_ms: int
    records: WorkflowRecords
    webhooks: WebhookAddresses
    survey: Survey
    outputs: Mapping[str, str] = field(default_factory=dict)
    """By their names, those that are not written yet."""
    full: dict[str | None, str] = field(default_factory=dict)
    """Machines, as steps refer to them, that were found to have no room for another command, with their names."""

    def entry(self, step: str) -> StepEntry:
        """The step as the file has it."""
        return self.definition.steps[step]

    def spec(self, step: str) -> Step:
        """The step as the engine has it."""
        return self.definition.workflow.steps[step]

    def standing(self, step: str) -> StepRun:
        """Where the step stands."""
        return self.run.steps[step]

    def last_attempt(self, step: str) -> AttemptEnded | None:
        """What the next attempt may learn from."""
        return self.run.steps[step].last

    def agent(self, name: str) -> AgentEntry:
        """An agent of the file; a check has seen to it that it is there."""
        found = self.definition.file.agent(name)
        assert found is not None
        return found

    def machine(self, step: StepEntry, agent: AgentEntry | None = None) -> str | None:
        """Where the step runs: on the machine that it names, its agent, the file, or who started the run."""
        return self.definition.file.machine(step, agent) or self.row.machine

    def folder(self, step: StepEntry, agent: AgentEntry | None = None) -> str | None:
        """Where on that machine: on a step `cwd` wins, on an agent `workdir`. None: where relay-connect was started."""
        own = step.cwd or self._path(step.workdir)
        of_agent = (self._path(agent.workdir) or agent.cwd) if agent else None
        named, base = own or of_agent, self.row.folder
        if named is None or named.startswith(("/", "~")) or base is None:
            return named or base
        return f"{base.rstrip('/')}/{named.removeprefix('./')}"

    def _path(self, name: str | None) -> str | None:
        return next((each.path for each in self.definition.file.paths if each.name == name), None)

    def webhook(self, step: str) -> str | None:
        """Where the step is called that waits for it; None: this broker has no key to make an address with."""
        return self.webhooks.of(self.workspace, self.row.id, step, self.run.steps[step])

    async def fill_in(self, text: str) -> str:
        """A text with the run's values and the outputs of steps."""
        outputs = {each.name: await self._of_step(each) for each in placeholders(text) if each.step is not None}
        values = {name: each.default for name, each in self.definition.file.list_vars().items()}
        return fill(text, values={**values, **self.row.values}, output=outputs.__getitem__)

    async def value_of(self, placeholder: Placeholder) -> str:
        """What stands for a placeholder."""
        if placeholder.step is not None:
            found = await self._of_step(placeholder)
        else:
            declared = self.definition.file.list_vars()
            usual = declared[placeholder.name].default if placeholder.name in declared else ""
            value = self.row.values.get(placeholder.name, usual)
            found = value if isinstance(value, str) else orjson.dumps(value).decode()
        return placeholder.filtered(found)

    async def _of_step(self, placeholder: Placeholder) -> str:
        step = placeholder.step or ""
        if placeholder.as_webhook:
            return (self.webhook(step) or "") if step in self.run.steps else ""
        return await self.output_of(step)

    def consent(self, step: str) -> Consent | None:
        """All that the file has run where the step runs: what the machine's owner consents to as a whole."""
        return self.definition.consent(step, root=self.row.root)

    async def output_of(self, step: str) -> str:
        """What a step has said; '' as long as it has said nothing."""
        found = self.run.steps.get(step)
        if found is None or not found.output:
            return ""
        if found.output in self.outputs:
            return self.outputs[found.output]
        return await self.records.output(self.workspace, self.row.id, found.output) or ""


def name_output(text: str) -> tuple[str, dict[str, str]]:
    """The name under which an output is kept, and what is kept: its end, where it is too long."""
    data = text.encode("utf-8", "replace")
    if len(data) > TIMINGS.workflow_output_bytes:
        text = data[-TIMINGS.workflow_output_bytes :].decode("utf-8", "ignore")
    name = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
    return name, {name: text} if text else {}
