"""Steps that a machine carries out: commands, worktrees, and waits for files."""

from __future__ import annotations

from collections.abc import Set

from broker.domain.errors import NoPlacement, NotFound
from broker.domain.ids import WorkspaceId
from broker.domain.timings import TIMINGS
from broker.domain.workflows.files.definition import StepEntry, StepType
from broker.domain.workflows.graphs.preflight import objection
from broker.domain.workflows.runs.commands import CommandEnd, CommandId, CommandState, command_id
from broker.domain.workflows.runs.evidence import Evidence, needs_machine
from broker.domain.workflows.runs.journal import AttemptEnded, AttemptInterrupted, OrderHeld, Outcome
from broker.domain.workflows.runs.run import Run
from broker.services.ports import ClaimedRun, CommandOrder
from broker.services.workflows.scene import Progress, Scene, Survey, name_output
from broker.services.workflows.steps.machine_commands import MachineCommands, NoRoom
from broker.services.workflows.verdicts import choice_of, unmet

_AGAIN_MS = 2_000
_LONGEST_ROOM_MS = 15_000
"""Between two looks whether a machine has room again, which other runs fill."""
_SHOWN_ERRORS = 500


class CommandSteps:
    """Carries them out."""

    def __init__(self, commands: MachineCommands) -> None:
        self._commands = commands

    async def carry(self, scene: Scene, name: str) -> Progress:
        """Begin the newest attempt of a step, or look how far it has come."""
        standing = scene.standing(name)
        command = command_id(scene.row.id, name, standing.attempt)
        is_ordered = command in scene.survey.commands or command in scene.survey.under_way
        if standing.stopping is not None and not is_ordered:
            return _report_end(scene, name, Outcome.FAILED, standing.stopping)
        try:
            told = await self._commands.carry(scene, name)
            return _let_go_on(scene, name) if told is None else await self._over(scene, scene.entry(name), told)
        except NoRoom as full:
            return _hold(scene, name, full.machine)
        except (NoPlacement, NotFound) as refused:
            waited_ms = scene.now_ms - standing.since_ms
            if waited_ms > TIMINGS.workflow_place_s * 1000:
                return _report_end(scene, name, Outcome.FAILED, refused.message)
            return Progress(look_at_ms=scene.now_ms + _AGAIN_MS)

    async def survey(
        self, workspace: WorkspaceId, claimed: ClaimedRun, run: Run, *, followed: Set[CommandId]
    ) -> Survey:
        """See `MachineCommands.survey`."""
        return await self._commands.survey(workspace, claimed, run, followed=followed)

    async def prepare(self, scene: Scene, name: str) -> CommandOrder | None:
        """The order for the newest attempt of a step, to be written with its start; None: there is no machine now."""
        try:
            return await self._commands.prepare(scene, scene.entry(name))
        except (NoPlacement, NotFound):
            return None

    async def _over(self, scene: Scene, step: StepEntry, told: CommandEnd) -> Progress:
        name = step.name
        match told.state:
            case CommandState.INTERRUPTED:
                attempt = scene.standing(name).attempt
                return Progress(fact=AttemptInterrupted(step=name, attempt=attempt, reason=told.reason))
            case CommandState.NEEDS_CONSENT:
                return _report_end(scene, name, Outcome.NEEDS_HUMAN, told.reason)
            case CommandState.ENDED if told.exit_code in step.terminal_success_exit_codes:
                return _report_end(scene, name, Outcome.EARLY, "", output=_output(scene, step, told))
            case CommandState.ENDED if told.succeeded or (told.exit_code is not None and not step.fail_on_error):
                return await self._verify(scene, step, told)
            case CommandState.STOPPED:
                return _report_end(
                    scene, name, Outcome.FAILED, scene.standing(name).stopping or told.reason or "stopped"
                )
            case _:
                said = told.errors.strip()[:_SHOWN_ERRORS]
                reason = f"{told.how}: {said}" if said else told.how
                return _report_end(scene, name, Outcome.FAILED, reason, output=told.output)

    async def _verify(self, scene: Scene, step: StepEntry, told: CommandEnd) -> Progress:
        output = _output(scene, step, told)
        evidence = Evidence(output=output, exit_code=told.exit_code)
        said, needs_person = unmet(step.conditions, evidence), False
        if step.name in scene.definition.preflights:
            said = objection(scene.definition.preflights[step.name], told.output)
        if said is None and needs_machine(step.conditions):
            checked = await self._commands.check(scene, step, None)
            if not checked.is_over:
                return Progress()
            said, needs_person = checked.unmet, checked.needs_person
        outcome = Outcome.SUCCEEDED if said is None else Outcome.NEEDS_HUMAN if needs_person else Outcome.REJECTED
        choice = choice_of(evidence) if step.vote else None
        return _report_end(scene, step.name, outcome, said or "", output=output, choice=choice)


def _hold(scene: Scene, name: str, machine: str) -> Progress:
    """Its time limit goes on: who gave it one wants an end by then. What its run's others come to is told anyway."""
    standing, reason = scene.standing(name), f"waits for room on {machine}"
    waited_ms = scene.now_ms - standing.since_ms
    again_ms = scene.now_ms + min(max(_AGAIN_MS, waited_ms // 8), _LONGEST_ROOM_MS)
    held = OrderHeld(step=name, attempt=standing.attempt, reason=reason)
    return Progress(fact=None if standing.reason == reason else held, look_at_ms=again_ms)


def _let_go_on(scene: Scene, name: str) -> Progress:
    standing = scene.standing(name)
    if not standing.reason:
        return Progress()
    return Progress(fact=OrderHeld(step=name, attempt=standing.attempt))


def _output(scene: Scene, step: StepEntry, told: CommandEnd) -> str:
    """What the steps behind it are given: of a worktree or a file where it is."""
    match scene.spec(step.name).kind:
        case StepType.WORKTREE:
            return told.folder
        case StepType.WAIT_FOR:
            return told.output.strip()
        case _:
            pass
    return told.output if step.capture_output else f"Command completed (exit code {told.exit_code})"


def _report_end(
    scene: Scene, step: str, outcome: Outcome, reason: str, *, output: str = "", choice: str | None = None
) -> Progress:
    name, outputs = name_output(output) if output else ("", {})
    attempt = scene.standing(step).attempt
    fact = AttemptEnded(step=step, attempt=attempt, outcome=outcome, reason=reason, output=name, choice=choice)
    return Progress(fact=fact, outputs=outputs)
