"""What a run of a workflow would do, before anything starts: waves, agents, machines, peak, and consents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from broker.domain.workflows.files.definition import (
    AgentEntry,
    BarrierMode,
    Pattern,
    StepEntry,
    StepType,
    VerificationType,
    WorkflowEntry,
    WorkflowFile,
)
from broker.domain.workflows.files.integrations import read_call
from broker.domain.workflows.files.patterns import find_pattern
from broker.domain.workflows.files.waits import waits_for_webhook
from broker.domain.workflows.graphs.graph import Step, Workflow, compile_workflow
from broker.domain.workflows.graphs.preflight import all_steps
from broker.domain.workflows.planning.permissions import access_of, keeps_readonly, writes_of
from broker.domain.workflows.runs.commands import (
    check_template,
    digest_of,
    preflight_template,
    shell_template,
    worktree_template,
)
from broker.domain.workflows.runs.meeting import find_gated

_HUB_PATTERNS = frozenset(
    {
        Pattern.FAN_OUT,
        Pattern.HUB_SPOKE,
        Pattern.HIERARCHICAL,
        Pattern.MAP_REDUCE,
        Pattern.SCATTER_GATHER,
        Pattern.SUPERVISOR,
        Pattern.SAGA,
        Pattern.AUCTION,
    }
)
"""Where the public runner adds an owner and a reviewer of its own to steps."""
_MOST_MATCHED = 300
_SHORT_BYTES = 16 * 1024
"""Of the texts that a machine is told with each command of a run. Of more it is told the hash: otherwise all commands
of a run together would grow with the square of their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something runs. None: the machine that the run is started with."""

    machine: str | None
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One step."""

    name: str
    kind: StepType
    agent: str | None
    place: Place | None
    """None: the broker does it."""
    after: tuple[str, ...]
    instead_of: str | None
    compensates: str | None
    attempts: int
    """At most, of one round."""
    rounds: int
    timeout_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAgent:
    """One agent that some step names."""

    name: str
    cli: str
    access: str
    talks: bool
    machines: tuple[str | None, ...]
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraAgent:
    """An agent that no step names, and that may be started beside one."""

    what: str
    """`review`, `repair` or `diagnosis`."""
    agent: str
    step: str
    at_most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What one machine is to agree to, once: shell text, checks and worktrees in one folder."""

    place: Place
    digest: str
    """SHA-256 of the templates, values left out: another value is the same consent, another command is not."""
    templates: tuple[str, ...]
    is_short: bool
    """Whether a machine is told all of it with each command, so that its owner can be shown it without the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All of it."""

    name: str
    workflow: str
    pattern: str
    rule: str
    waves: tuple[tuple[str, ...], ...]
    """Steps by how many have to come before, for people: a step starts as soon as its own dependencies have ended."""
    steps: tuple[PlannedStep, ...]
    agents: tuple[PlannedAgent, ...]
    extra: tuple[ExtraAgent, ...]
    peak: int
    """So many steps work at once at most."""
    peak_talking: int
    cap: int
    consents: tuple[Consent, ...]
    notes: tuple[str, ...]


def plan_workflow(file: WorkflowFile, name: str | None = None, *, machine: str | None = None) -> Plan:
    """The plan of the workflow called `name`, or of the first; of a file that was checked without errors.

    `machine` is where things run that the file gives no machine. Raises KeyError when there is no such workflow.
    """
    workflow = compile_workflow(file, name)
    entry = file.workflow(name)
    assert entry is not None
    planner = _Planner(file=file, entry=entry, workflow=workflow, machine=machine)
    waves = _waves(workflow)
    peak = widest(workflow, [each for each in workflow.forward if each.works])
    talking = widest(workflow, [each for each in workflow.forward if each.talks])
    cap = workflow.max_talking
    return Plan(
        name=file.name,
        workflow=entry.name,
        pattern=file.swarm.pattern,
        rule=workflow.rule,
        waves=waves,
        steps=tuple(planner.step(each) for each in all_steps(entry)),
        agents=tuple(planner.agents()),
        extra=tuple(planner.extra()),
        peak=min(peak, workflow.max_at_once),
        peak_talking=min(talking, workflow.max_at_once if cap is None else min(cap, workflow.max_at_once)),
        cap=workflow.max_at_once,
        consents=tuple(planner.consents()),
        notes=(
            *_notes(file, entry, workflow, peak=peak, talking=talking),
            *planner.limits(),
            *planner.crossings(),
        ),
    )


def _waves(workflow: Workflow) -> tuple[tuple[str, ...], ...]:
    depth: dict[str, int] = {}
    waiting = list(workflow.forward)
    while waiting:
        rest: list[Step] = []
        for each in waiting:
            before = _before(workflow, each)
            if all(one in depth for one in before):
                depth[each.name] = 1 + max((depth[one] for one in before), default=-1)
            else:
                rest.append(each)
        waiting = rest
    found: dict[int, list[str]] = defaultdict(list)
    for name in (each.name for each in workflow.forward):
        found[depth[name]].append(name)
    return tuple(tuple(found[number]) for number in sorted(found))


def widest(workflow: Workflow, steps: Sequence[Step]) -> int:
    """How many of the steps may go on at once, were there places for all: the most of which none waits for another.

    By Dilworth's theorem, as a matching; beyond some hundred steps that takes long, and their number has to do.
    """
    if len(steps) > _MOST_MATCHED:
        return len(steps)
    names = [each.name for each in steps]
    before = {name: _all_before(workflow, name) & set(names) for name in names}
    followed_by: dict[str, str] = {}
    return len(names) - sum(_match(name, before, followed_by, set()) for name in names)


def _match(name: str, before: Mapping[str, set[str]], followed_by: dict[str, str], tried: set[str]) -> bool:
    """Give `name` a step of its own that it follows, others making room where they can."""
    for each in sorted(before[name] - tried):
        tried.add(each)
        if each not in followed_by or _match(followed_by[each], before, followed_by, tried):
            followed_by[each] = name
            return True
    return False


def _all_before(workflow: Workflow, name: str) -> set[str]:
    """What has ended for certain when the step starts; of a barrier that some of its steps open, nothing has."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        step = workflow.steps[waiting.pop()]
        sure = {
            each
            for gate in step.gates
            if workflow.gates[gate].mode is BarrierMode.ALL
            for each in workflow.gates[gate].wait_for
        }
        before = {*step.after, *sure, *({step.instead_of} if step.instead_of else ())}
        waiting.extend(before - found)
        found |= before
    return found


def _before(workflow: Workflow, step: Step) -> set[str]:
    return {*step.after, *find_gated(workflow, step), *({step.instead_of} if step.instead_of else ())}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planner:
    file: WorkflowFile
    entry: WorkflowEntry
    workflow: Workflow
    machine: str | None

    def step(self, step: StepEntry) -> PlannedStep:
        spec = self.workflow.steps[step.name]
        before = _before(self.workflow, spec) - {spec.instead_of}
        return PlannedStep(
            name=step.name,
            kind=spec.kind,
            agent=spec.agent,
            place=self.place(step) if spec.agent or spec.on_machine else None,
            after=tuple(each.name for each in all_steps(self.entry) if each.name in before),
            instead_of=spec.instead_of,
            compensates=spec.compensates,
            attempts=1 + spec.retries,
            rounds=spec.rounds,
            timeout_ms=spec.timeout_ms,
        )

    def place(self, step: StepEntry) -> Place:
        agent = self.file.agent(step.agent or "")
        return Place(machine=self.file.machine(step, agent) or self.machine, folder=self._folder(step, agent))

    def _folder(self, step: StepEntry, agent: AgentEntry | None) -> str:
        """On a step `cwd` wins, on an agent `workdir`."""
        own = step.cwd or self._path(step.workdir)
        of_agent = (self._path(agent.workdir) or agent.cwd) if agent else None
        return own or of_agent or "."

    def _path(self, name: str | None) -> str | None:
        return next((each.path for each in self.file.paths if each.name == name), None)

    def agents(self) -> Iterator[PlannedAgent]:
        for each in self.file.agents:
            steps = [step for step in self.entry.steps if self.workflow.steps[step.name].agent == each.name]
            if steps:
                yield PlannedAgent(
                    name=each.name,
                    cli=each.cli,
                    access=access_of(self.file, each.permissions),
                    talks=each.talks,
                    machines=tuple(dict.fromkeys(self.place(step).machine for step in steps)),
                    steps=len(steps),
                )

    def extra(self) -> Iterator[ExtraAgent]:
        for step in self.entry.steps:
            spec = self.workflow.steps[step.name]
            attempts = (1 + spec.retries) * spec.rounds
            if spec.review is not None:
                yield ExtraAgent(what="review", agent=spec.review, step=step.name, at_most=attempts)
            if spec.diagnosis is not None and spec.retries:
                at_most = spec.retries * spec.rounds
                yield ExtraAgent(what="diagnosis", agent=spec.diagnosis, step=step.name, at_most=at_most)
            repairs = min(spec.repairs, spec.retries) * spec.rounds
            if repairs and spec.repair_agent is not None:
                yield ExtraAgent(what="repair", agent=spec.repair_agent, step=step.name, at_most=repairs)

    def limits(self) -> Iterator[str]:
        """Which files agents are kept to."""
        for step in self.entry.steps:
            agent = self.file.agent(step.agent or "")
            if agent is None or keeps_readonly(self.file, agent, step):
                continue
            if lists := writes_of(self.file, agent, step):
                within = " and within ".join(", ".join(each) or "nothing" for each in lists)
                yield f"{agent.name} may change files within {within} alone in {step.name}, and starts no command"

    def crossings(self) -> Iterator[str]:
        """Where a step may look for a file that the one before has left on another machine."""
        on = {
            each.name: self.place(each).machine
            for each in all_steps(self.entry)
            if (spec := self.workflow.steps[each.name]).agent or spec.on_machine
        }
        for name in on if len(set(on.values())) > 1 else ():
            for before in sorted(_before(self.workflow, self.workflow.steps[name])):
                if before in on and on[before] != on[name]:
                    there, here = (on[each] or "the run's machine" for each in (before, name))
                    yield (
                        f"no file goes from {before} (on {there}) to {name} (on {here}): what that needs is handed over"
                        f" as text, {{{{steps.{before}.output}}}} or {{{{steps.{before}.file}}}}"
                    )

    def consents(self) -> Iterator[Consent]:
        found: dict[Place, list[str]] = defaultdict(list)
        for place, template in self._templates(self.entry, set()):
            found[place].append(template)
        for place, templates in found.items():
            is_short = sum(len(each.encode()) for each in templates) <= _SHORT_BYTES
            yield Consent(place=place, digest=digest_of(templates), templates=tuple(templates), is_short=is_short)

    def _templates(self, entry: WorkflowEntry, seen: set[str]) -> Iterator[tuple[Place, str]]:
        """Whatever a machine would run that is no agent, of the workflows called from here too."""
        seen.add(entry.name)
        for preflight in entry.preflight:
            yield (
                Place(machine=self.file.swarm.machine or self.machine, folder="."),
                preflight_template(preflight.command),
            )
        for step in entry.steps:
            place = self.place(step)
            match step.kind:
                case StepType.DETERMINISTIC:
                    yield place, shell_template(str(step.command))
                case StepType.WORKTREE:
                    path = step.path or f".worktrees/{step.name}"
                    yield place, worktree_template(path=path, branch=str(step.branch), base=step.base_branch)
                case StepType.SUBWORKFLOW:
                    called = self.file.workflow(step.workflow)
                    if called is not None and called.name not in seen:
                        yield from self._templates(called, seen)
                case _:
                    pass
            for each in step.conditions:
                if each.type in {VerificationType.CUSTOM, VerificationType.TESTS_PASS}:
                    yield place, check_template(str(each.value or "the tests of the folder"))


def _notes(file: WorkflowFile, entry: WorkflowEntry, workflow: Workflow, *, peak: int, talking: int) -> Iterator[str]:
    if peak > workflow.max_at_once:
        yield f"{peak} steps are ready at once, and at most {workflow.max_at_once} work: the others wait for a place"
    if workflow.max_talking is not None and talking > workflow.max_talking:
        yield (
            f"{talking} agents that talk are ready at once, and at most {workflow.max_talking} work without"
            " swarm.maxConcurrency: one that waits for another's word may wait for one that has not started"
        )
    open_ended = [each for each in workflow.steps.values() if each.works and each.kind is not StepType.INTEGRATION]
    endless = [each.name for each in open_ended if each.timeout_ms is None]
    if endless:
        yield f"no time limit: {', '.join(endless)}"
    if find_pattern(file.swarm.pattern) in _HUB_PATTERNS and any(each.talks for each in workflow.steps.values()):
        yield "the public runner would add an owner and a reviewer to steps here; only `review: AGENT` on a step does"
    if file.error_handling is None and any(each.retries is None for each in entry.steps):
        yield "without errorHandling nothing is done twice; the public runner would try twice more, with repair agents"
    asked = [each.name for each in workflow.steps.values() if each.kind is StepType.APPROVAL]
    if asked:
        yield f"waits for a person: {', '.join(asked)}"
    outside = [each.name for each in entry.steps if waits_for_webhook(each.wait_for)]
    if outside:
        yield f"waits to be called from outside, at an address that the run shows: {', '.join(outside)}"
    others = [each for each in entry.steps if each.kind is StepType.INTEGRATION]
    if others:
        asked = [f"{each.name} ({each.action}, {read_call(each.params).token})" for each in others]
        yield f"asks GitHub, only where who starts the run administers the workspace: {', '.join(asked)}"
    called = dict.fromkeys(each.workflow for each in entry.steps if each.workflow)
    if called:
        yield f"runs other workflows of the file, which --workflow shows: {', '.join(map(str, called))}"
