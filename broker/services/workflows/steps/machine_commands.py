"""What a run has machines do: commands, worktrees, and checks of what steps have left there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from broker.domain.errors import NoPlacement
from broker.domain.ids import LinkId, ProxyId, WorkspaceId
from broker.domain.machines.placement import Proxy, machine_named
from broker.domain.workflows.files.definition import AgentEntry, StepEntry, StepType, Verification, VerificationType
from broker.domain.workflows.files.placeholders import placeholders
from broker.domain.workflows.files.waits import awaited_file, longest_wait_ms
from broker.domain.workflows.runs.commands import (
    CommandEnd,
    CommandId,
    CommandKind,
    check_template,
    command_id,
    preflight_template,
    shell_template,
    worktree_template,
)
from broker.domain.workflows.runs.evidence import needs_machine
from broker.domain.workflows.runs.run import Run
from broker.domain.workflows.runs.steps import Mark, StepRun, StepState
from broker.protocol.proxy import RunCommand
from broker.services.agents.spawner import Spawner
from broker.services.ports import ClaimedRun, CommandOrder, CommandRecords, Registry
from broker.services.workflows.scene import Scene, Survey
from broker.services.workflows.steps.command_orders import order_command

_CHECK_MS = 30_000
"""For a check that says nothing else; tests may take longer."""
_TESTS_MS = 15 * 60_000
_What = Mapping[str, Any]
"""What a machine is to do, as fields of a `RunCommand`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the checks of an attempt have come to."""

    is_over: bool
    unmet: str | None = None
    """Why the first that does not hold does not."""
    needs_person: bool = False
    """Whether that is because a machine's owner has not allowed it."""


class NoRoom(Exception):
    """A machine is given no other command before it has begun enough of those that it was given."""

    def __init__(self, machine: str) -> None:
        super().__init__(machine)
        self.machine = machine


class MachineCommands:
    """Orders commands, each once, and looks how far they have come."""

    def __init__(self, commands: CommandRecords, registry: Registry, spawner: Spawner) -> None:
        self._commands = commands
        self._registry = registry
        self._spawner = spawner

    async def carry(self, scene: Scene, name: str) -> CommandEnd | None:
        """Order what a step is, or look how far it has come; None: it goes on.

        Raises `NoPlacement`, `NotFound`, and `NoRoom` where its machine has begun too little of what it was given.
        """
        step, standing = scene.entry(name), scene.standing(name)
        command = command_id(scene.row.id, name, standing.attempt)
        known = scene.survey.commands.get(command)
        if known is not None and known.told.state.is_end:
            return known.told
        if known is None and command not in scene.survey.under_way:
            await self._order(scene, step)
        elif standing.stopping is not None:
            await self._commands.stop(scene.workspace, command, reason=standing.stopping)
        return None

    async def _order(self, scene: Scene, step: StepEntry) -> None:
        """A machine that is full is asked once for all steps of a look."""
        reference = scene.machine(step)
        if reference not in scene.full:
            order = await self.prepare(scene, step)
            if await self._commands.order(scene.workspace, order) is not None:
                return
            machine = await self._registry.proxy(scene.workspace, ProxyId(order.link))
            scene.full[reference] = machine.name if machine else order.link
        raise NoRoom(scene.full[reference])

    async def survey(
        self, workspace: WorkspaceId, claimed: ClaimedRun, run: Run, *, followed: Set[CommandId]
    ) -> Survey:
        """The commands of the open attempts to be looked at, as far as each has come, and their machine.

        `followed`: those whose end the claim tells of. The store is asked for the others alone.
        """
        open_ = (name for name in run.roster.marked(Mark.UNFOLLOWED) if _is_attempt(run.steps[name]))
        wanted = {
            command_id(run.id, name, run.steps[name].attempt) for name in open_ if run.workflow.steps[name].on_machine
        }
        ended = {each.command: each for each in claimed.ended}
        under_way = wanted & followed - claimed.forgotten - ended.keys()
        others = await self._commands.of(workspace, unknown) if (unknown := wanted - under_way - ended.keys()) else []
        known = ended | {each.command: each for each in others}
        return Survey(commands=known, under_way=under_way, machine=claimed.machine)

    async def prepare(self, scene: Scene, step: StepEntry) -> CommandOrder:
        """The order for the newest attempt of a step. Raises `NoPlacement`, `NotFound`."""
        command = command_id(scene.row.id, step.name, scene.standing(step.name).attempt)
        order = await self._prepare(scene, step, command, await self._of_step(scene, step), agent=None)
        return replace(order, patient=True)

    async def check(self, scene: Scene, step: StepEntry, agent: AgentEntry | None) -> Checked:
        """Have the step's machine look at its conditions that only it can look at. Raises `NoPlacement`, `NotFound`."""
        wanted = needs_machine(step.conditions)
        attempt = scene.standing(step.name).attempt
        ids = {command_id(scene.row.id, step.name, attempt, part=f"check:{n}"): n for n in range(len(wanted))}
        known = {each.command: each.told for each in await self._commands.of(scene.workspace, ids)}
        for command, number in ids.items():
            if command not in known:
                order = await self._of_check(scene, wanted[number])
                prepared = await self._prepare(scene, step, command, order, agent=agent)
                await self._commands.order(scene.workspace, prepared)
        if len(known) < len(ids) or not all(each.state.is_end for each in known.values()):
            return Checked(is_over=False)
        for command, number in ids.items():
            told = known[command]
            if not told.succeeded:
                needs_person = told.state.value == "needs_consent"
                return Checked(is_over=True, unmet=_quote_output(wanted[number], told), needs_person=needs_person)
        return Checked(is_over=True)

    async def hash_paths(
        self, scene: Scene, step: StepEntry, patterns: Sequence[str], *, part: str
    ) -> CommandEnd | None:
        """Have the step's machine say what certain files hold, once for each `part`; None: it has not yet.

        Raises `NoPlacement`, `NotFound`.
        """
        command = command_id(scene.row.id, step.name, scene.standing(step.name).attempt, part=part)
        for known in await self._commands.of(scene.workspace, [command]):
            return known.told if known.told.state.is_end else None
        agent = scene.agent(step.agent) if step.agent else None
        order = {"kind": CommandKind.PATHS_HASHED, "text": "\n".join(patterns), "timeout_ms": _CHECK_MS}
        await self._commands.order(scene.workspace, await self._prepare(scene, step, command, order, agent=agent))
        return None

    async def _prepare(
        self, scene: Scene, step: StepEntry, command: CommandId, what: _What, *, agent: AgentEntry | None
    ) -> CommandOrder:
        proxy = await self._machine(scene, scene.machine(step, agent))
        order = RunCommand(
            command=command,
            run=scene.row.id,
            step=step.name,
            attempt=scene.standing(step.name).attempt,
            session=scene.session.id,
            file=scene.row.name,
            cwd=scene.folder(step, agent),
            asked_by=await self._spawner.describe_asker(scene.by, proxy, session=scene.session.id),
            **what,
            **_tell_consent(scene, step.name, proxy),
        )
        return order_command(order, proxy, link=LinkId(proxy.id))

    async def _machine(self, scene: Scene, reference: str | None) -> Proxy:
        seen = scene.survey.machine
        if seen is None or seen.id != reference:
            seen = await self._registry.proxy(scene.workspace, ProxyId(reference)) if reference else None
        if seen is not None:
            return seen
        if reference is not None:
            return machine_named(await self._registry.proxies_called(scene.workspace, reference), reference)
        online = await self._registry.connected_proxies(scene.workspace)
        if len(online) != 1:
            raise NoPlacement("several machines are connected, or none: say on which one to run")
        return online[0]

    async def _of_step(self, scene: Scene, step: StepEntry) -> _What:
        """The command that a step is."""
        spec = scene.spec(step.name)
        if spec.kind is StepType.WORKTREE:
            path = step.path or f".worktrees/{step.name}"
            return {
                "kind": CommandKind.WORKTREE_ADD,
                "template": worktree_template(path=path, branch=str(step.branch), base=step.base_branch),
                "path": path,
                "branch": step.branch,
                "base": step.base_branch,
                "create_branch": step.create_branch,
                "timeout_ms": spec.timeout_ms,
            }
        if (file := awaited_file(step.wait_for)) is not None:
            ends_ms = longest_wait_ms(step.wait_for or {})
            limit_ms = ends_ms if spec.timeout_ms is None else min(spec.timeout_ms, ends_ms)
            return {"kind": CommandKind.FILE_AWAITED, "text": file, "timeout_ms": limit_ms}
        text = str(step.command)
        template = preflight_template if step.name in scene.definition.preflights else shell_template
        return {
            "kind": CommandKind.SHELL,
            "template": template(text),
            "text": text,
            "values": await _values(scene, text),
            "timeout_ms": spec.timeout_ms,
        }

    async def _of_check(self, scene: Scene, condition: Verification) -> _What:
        text = "" if condition.value is None else str(condition.value)
        match condition.type:
            case VerificationType.FILE_EXISTS:
                return {"kind": CommandKind.FILE_EXISTS, "text": text, "timeout_ms": _CHECK_MS}
            case VerificationType.GIT_CLEAN:
                return {"kind": CommandKind.GIT_CLEAN, "timeout_ms": _CHECK_MS}
            case kind:
                usual_ms = _TESTS_MS if kind == VerificationType.TESTS_PASS else _CHECK_MS
                return {
                    "kind": CommandKind.SHELL,
                    "template": check_template(text or "the tests of the folder"),
                    "text": text,
                    "values": await _values(scene, text),
                    "timeout_ms": condition.timeout_ms or usual_ms,
                }


def _is_attempt(step: StepRun) -> bool:
    return step.is_open and step.state is StepState.RUNNING


def _tell_consent(scene: Scene, step: str, proxy: Proxy) -> dict[str, Any]:
    """What the machine is told of what its owner has to have allowed.

    Long texts are known by their hash: an order has those of all steps, so a run's orders would grow with its square.
    """
    consent = scene.consent(step)
    if consent is None:
        return {}
    told = consent.is_short or not proxy.takes_digests
    return {"digest": consent.digest, "templates": list(consent.templates) if told else []}


def _quote_output(condition: Verification, told: CommandEnd) -> str:
    value = "" if condition.value is None else f" {condition.value}"
    return f"{condition.type}{value}: {told.how or 'not so'}{_tail(told)}"


def _tail(told: CommandEnd) -> str:
    said = (told.errors or told.output).strip()
    return f": {said[:300]}" if said else ""


async def _values(scene: Scene, text: str) -> dict[str, str]:
    """The values of a text's placeholders, which reach the shell through its environment alone."""
    return {each.name: await scene.value_of(each) for each in placeholders(text)}
