"""Steps of agents: spawned with their task, watched until its turn has ended, looked after, and released.

Nothing is remembered here: each look asks the store how far it has come. An agent's id, and its task's, are made of the
effect that it was started for, so however often it is begun there is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import orjson

from broker.domain.agents.agents import Agent, AgentState, RunPart
from broker.domain.errors import Conflict, NoPlacement, NotFound, PlanLimitReached, RateLimited, RelayError, Unavailable
from broker.domain.ids import AgentId, MessageId
from broker.domain.messages.messages import TracedDelivery
from broker.domain.messages.steps import ReceiptState
from broker.domain.timings import TIMINGS
from broker.domain.workflows.files.definition import AgentEntry, StepEntry
from broker.domain.workflows.planning.permissions import keeps_readonly, writes_of
from broker.domain.workflows.runs.commands import CommandEnd, CommandState
from broker.domain.workflows.runs.effects import effect_id
from broker.domain.workflows.runs.evidence import Evidence, needs_machine
from broker.domain.workflows.runs.journal import (
    Aide,
    AideEnded,
    AttemptEnded,
    AttemptInterrupted,
    Fact,
    Outcome,
)
from broker.domain.workflows.runs.protection import changed_paths, protected_paths
from broker.domain.workflows.runs.steps import StepState
from broker.domain.workflows.runs.texts import aide_text, approves, task_text
from broker.services.agents.spawner import Spawner, SpawnRequest
from broker.services.ports import Mailroom, Registry
from broker.services.workflows.scene import Progress, Scene, name_output
from broker.services.workflows.steps.machine_commands import MachineCommands
from broker.services.workflows.steps.signs import AgentSigns
from broker.services.workflows.verdicts import choice_of, unmet

_QUIET_MS = 5_000
"""Between two looks at agents that talk; each turn that ends is looked at anyway."""
_BEFORE, _AFTER = "repair:before", "repair:after"
"""Which look at what a repair agent must not change."""
_AGAIN_MS = 2_000
"""Between two looks for a machine, or for a place in the plan."""
_UNKNOWN_RESET_MS = 15 * 60_000
"""Until a vendor's limit is tried again that does not say when it ends."""
_AFTER_RESET_MS = 5_000
"""A vendor's clock is another."""
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST = 64
_SHOWN_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What one agent is to do."""

    part: RunPart
    entry: AgentEntry
    name: str
    """What the agent is to be called."""


class AgentSteps:
    """Carries out the steps of agents, and what agents do beside them."""

    def __init__(
        self,
        spawner: Spawner,
        registry: Registry,
        mailroom: Mailroom,
        *,
        commands: MachineCommands,
        signs: AgentSigns,
    ) -> None:
        self._signs = signs
        self._commands = commands
        self._spawner = spawner
        self._registry = registry
        self._mailroom = mailroom

    async def carry(self, scene: Scene, name: str) -> Progress:
        """Begin the newest attempt of a step, or look how far it has come."""
        step, standing = scene.entry(name), scene.standing(name)
        entry = scene.agent(step.agent or "")
        effect = effect_id(scene.row.id, name, standing.attempt)
        work = _Work(part=_part(scene, name, entry, effect), entry=entry, name=agent_word(entry.name))
        agent = await self._registry.agent(scene.workspace, work.part.agent_id)
        if agent is None and standing.stopping is not None:
            return self._report_end(scene, name, Outcome.FAILED, standing.stopping)
        if agent is None:
            return await self._begin(scene, step, work, await self._task(scene, step, entry))
        if standing.stopping is not None:
            return await self._stop(scene, name, agent)
        return await self._look(scene, step, work, agent)

    async def _task(self, scene: Scene, step: StepEntry, entry: AgentEntry) -> str:
        standing, task = scene.standing(step.name), await scene.fill_in(step.task or "")
        last = scene.last_attempt(step.name)
        if last is None:
            return task_text(entry, task)
        said = await scene.records.output(scene.workspace, scene.row.id, last.output) if last.output else ""
        advised = effect_id(scene.row.id, step.name, standing.attempt - 1, aide=Aide.DIAGNOSIS)
        advice = await scene.records.output(scene.workspace, scene.row.id, f"aide:{advised}")
        return task_text(entry, task, before=last.reason, said=said or "", advice=advice or "")

    async def _begin(self, scene: Scene, step: StepEntry, work: _Work, task: str) -> Progress:
        """Order the agent with its task; wait for a machine, or for a place in the plan, as long as may be."""
        try:
            await self._spawn(scene, step, work, task)
        except (Unavailable, RateLimited):
            raise
        except (NoPlacement, PlanLimitReached, Conflict) as refused:
            if not _may_pass(refused):
                return self._report_refused(scene, step, work, refused)
            waited_ms = scene.now_ms - scene.standing(step.name).since_ms
            if waited_ms > TIMINGS.workflow_place_s * 1000:
                return self._report_refused(scene, step, work, refused)
            return Progress(look_at_ms=scene.now_ms + _AGAIN_MS)
        except RelayError as refused:
            return self._report_refused(scene, step, work, refused)
        return Progress()

    async def _spawn(self, scene: Scene, step: StepEntry, work: _Work, task: str) -> None:
        constraints = work.entry.constraints
        for name in _names(work, step):
            request = SpawnRequest(
                name=name,
                cli=work.entry.cli,
                task=task,
                machine=scene.machine(step, work.entry),
                cwd=scene.folder(step, work.entry),
                model=constraints.model if constraints else None,
                readonly=keeps_readonly(scene.definition.file, work.entry, step),
                writes=writes_of(scene.definition.file, work.entry, step),
                part=work.part,
            )
            try:
                await self._spawner.spawn(scene.by, scene.session, request)
            except Conflict as refused:
                if refused.code != "NAME_TAKEN":
                    raise
            else:
                return

    def _report_refused(self, scene: Scene, step: StepEntry, work: _Work, refused: RelayError) -> Progress:
        reason = f"{work.entry.name} was not started: {refused.message}"
        return self._report_end(scene, step.name, Outcome.FAILED, reason)

    async def _look(self, scene: Scene, step: StepEntry, work: _Work, agent: Agent) -> Progress:
        delivery = await self._delivery(scene, work.part)
        if delivery is not None and delivery.state is ReceiptState.ANSWERED:
            if work.entry.talks and delivery.outcome == "completed":
                return await self._judge_talk(scene, step, work, agent, delivery)
            return await self._judge_answer(scene, step, work, agent, delivery)
        if agent.state.ended:
            return self._report_gone(scene, step, agent)
        if delivery is None or delivery.state is ReceiptState.UNDELIVERABLE:
            why = (delivery.reason if delivery else None) or "its message is gone"
            return await self._over(scene, step.name, agent, Outcome.FAILED, f"the task did not reach it: {why}")
        return await self._watch(scene, step, agent)

    async def _watch(self, scene: Scene, step: StepEntry, agent: Agent) -> Progress:
        """It works. One that shows no sign of that for too long is given up: idle is no success."""
        idle_ms = scene.spec(step.name).idle_timeout_ms
        if not idle_ms:
            return Progress()
        last_ms = await self._signs.last_ms(scene, agent, since_ms=scene.standing(step.name).since_ms)
        if scene.now_ms - last_ms < idle_ms:
            return Progress(look_at_ms=last_ms + idle_ms)
        reason = f"{agent.name} has shown no sign of work for {idle_ms / 1000:g} s"
        return await self._over(scene, step.name, agent, Outcome.FAILED, reason)

    async def _delivery(self, scene: Scene, part: RunPart) -> TracedDelivery | None:
        try:
            trace = await self._mailroom.trace(scene.workspace, part.task_id, seen=scene.session.id.__eq__)
        except NotFound:
            return None
        return next((each for each in trace.deliveries if each.agent_id == part.agent_id), None)

    async def _judge_talk(
        self, scene: Scene, step: StepEntry, work: _Work, agent: Agent, delivery: TracedDelivery
    ) -> Progress:
        """Of an agent that talks, the task's turn is the first of maybe many.

        It is done when it says so, or its conditions hold; else those that talk with each other are done together, once
        none of them works and no message is on its way between them: that they are idle alone says nothing.
        """
        latest, quiet = await self._latest(scene, agent)
        last = latest or delivery
        if not quiet and not agent.state.ended:
            return Progress(look_at_ms=scene.now_ms + _QUIET_MS)
        if await self._says_done(scene, step, work, last) or await self._all_quiet(scene, step, work):
            return await self._judge_answer(scene, step, work, agent, last)
        return Progress(look_at_ms=scene.now_ms + _QUIET_MS)

    async def _says_done(self, scene: Scene, step: StepEntry, work: _Work, last: TracedDelivery) -> bool:
        if await scene.records.read_submitted(scene.workspace, scene.row.id, work.part.effect) is not None:
            return True
        said = last.answer or ""
        if f"STEP_COMPLETE:{step.name}" in said.replace("STEP_COMPLETE: ", "STEP_COMPLETE:"):
            return True
        looked_at = [each for each in step.conditions if each not in needs_machine([each])]
        return bool(looked_at) and unmet(looked_at, Evidence(output=said)) is None

    async def _all_quiet(self, scene: Scene, step: StepEntry, work: _Work) -> bool:
        """Whether all that it may talk to, or that may talk to it, have nothing to do either."""
        edges = scene.definition.topology.edges
        for name in scene.run.roster.names(StepState.RUNNING):
            other = scene.entry(name).agent or ""
            around = {(other, work.entry.name), (work.entry.name, other)}
            if name == step.name or not scene.spec(name).talks or edges.isdisjoint(around):
                continue
            effect = effect_id(scene.row.id, name, scene.standing(name).attempt)
            part = _part(scene, name, scene.agent(other), effect)
            agent = await self._registry.agent(scene.workspace, part.agent_id)
            if agent is None or not (agent.state.ended or (await self._latest(scene, agent))[1]):
                return False
        return True

    async def _latest(self, scene: Scene, agent: Agent) -> tuple[TracedDelivery | None, bool]:
        """How the last of an agent's messages that is settled ended, and whether it works on none."""
        found = await self._mailroom.inbox(scene.workspace, agent.id, after=max(0, agent.inbox_acked - 1), limit=2)
        settled = [body for number, body in found if number <= agent.inbox_acked]
        quiet = agent.state is AgentState.IDLE and len(settled) == len(found) == 1
        if not settled:
            return None, quiet
        message = MessageId(str(settled[0]["id"]))
        trace = await self._mailroom.trace(scene.workspace, message, seen=scene.session.id.__eq__)
        mine = [each for each in trace.deliveries if each.agent_id == agent.id]
        return (mine[0] if mine and mine[0].state is ReceiptState.ANSWERED else None), quiet

    async def _judge_answer(
        self, scene: Scene, step: StepEntry, work: _Work, agent: Agent, delivery: TracedDelivery
    ) -> Progress:
        output = delivery.answer or ""
        if delivery.outcome != "completed":
            return await self._judge_failure(scene, step, agent, delivery)
        submitted = await scene.records.read_submitted(scene.workspace, scene.row.id, work.part.effect)
        evidence = Evidence(output=submitted or output, submitted=_value(submitted))
        said, needs_person = unmet(step.conditions, evidence, task=await scene.fill_in(step.task or "")), False
        if said is None and needs_machine(step.conditions):
            checked = await self._commands.check(scene, step, work.entry)
            if not checked.is_over:
                return Progress()
            said, needs_person = checked.unmet, checked.needs_person
        outcome = Outcome.SUCCEEDED if said is None else Outcome.NEEDS_HUMAN if needs_person else Outcome.REJECTED
        choice = choice_of(evidence) if step.vote else None
        return await self._over(scene, step.name, agent, outcome, said or "", output=submitted or output, choice=choice)

    async def _judge_failure(self, scene: Scene, step: StepEntry, agent: Agent, delivery: TracedDelivery) -> Progress:
        """Its turn came to no good end; where that is its vendor's limit, the step waits until that is over."""
        output = delivery.answer or ""
        limit = await self._signs.limit(scene, agent, output)
        if limit is None:
            reason = f"its turn was {delivery.outcome or 'not finished'}: {output[-_SHOWN_REASON:]}".rstrip(": ")
            return await self._over(scene, step.name, agent, Outcome.FAILED, reason, output=output)
        until_ms = scene.now_ms + _UNKNOWN_RESET_MS if limit.until_ms is None else limit.until_ms
        reason = f"the limit of {agent.cli} is reached: {output[-_SHOWN_REASON:]}".rstrip(": ")
        over = await self._over(scene, step.name, agent, Outcome.QUOTA, reason, output=output)
        assert isinstance(over.fact, AttemptEnded)
        at_ms = max(until_ms, scene.now_ms) + _AFTER_RESET_MS
        return replace(over, fact=replace(over.fact, retry_at_ms=at_ms))

    async def _over(
        self,
        scene: Scene,
        step: str,
        agent: Agent,
        outcome: Outcome,
        reason: str,
        *,
        output: str = "",
        choice: str | None = None,
    ) -> Progress:
        """The attempt is over: the agent is released before that is written, so that none is left behind."""
        if not agent.state.ended:
            await self._spawner.release_agent(scene.by, agent)
        spent = await self._signs.spent(scene, agent)
        return self._report_end(scene, step, outcome, reason, output=output, choice=choice, spent=spent)

    def _report_gone(self, scene: Scene, step: StepEntry, agent: Agent) -> Progress:
        """It ended before its task was done: nobody knows how far it came, unless it never began."""
        reason = f"{agent.name} {agent.state}: {agent.detail or agent.reason or 'nobody knows why'}"[:_SHOWN_REASON]
        if agent.state is AgentState.RELEASED:
            attempt = scene.standing(step.name).attempt
            return Progress(fact=AttemptInterrupted(step=step.name, attempt=attempt, reason=reason))
        return self._report_end(scene, step.name, Outcome.FAILED, reason)

    async def _stop(self, scene: Scene, step: str, agent: Agent) -> Progress:
        if not agent.state.ended:
            if agent.state is not AgentState.RELEASING:
                await self._spawner.release_agent(scene.by, agent)
            return Progress(look_at_ms=scene.now_ms + TIMINGS.stop_ms)
        return self._report_end(scene, step, Outcome.FAILED, scene.standing(step).stopping or "stopped")

    def _report_end(
        self,
        scene: Scene,
        step: str,
        outcome: Outcome,
        reason: str,
        *,
        output: str = "",
        choice: str | None = None,
        spent: tuple[int, int] = (0, 0),
    ) -> Progress:
        name, outputs = name_output(output) if output else ("", {})
        fact: Fact = AttemptEnded(
            step=step,
            attempt=scene.standing(step).attempt,
            outcome=outcome,
            reason=reason,
            output=name,
            choice=choice,
            tokens=spent[0],
            micro_usd=spent[1],
        )
        return Progress(fact=fact, outputs=outputs)

    async def carry_aide(self, scene: Scene, name: str) -> Progress:
        """Begin the agent beside a step, or look how far it has come."""
        step, standing, spec = scene.entry(name), scene.standing(name), scene.spec(name)
        aide = standing.aide
        assert aide is not None
        word = {Aide.REVIEW: spec.review, Aide.REPAIR: spec.repair_agent, Aide.DIAGNOSIS: spec.diagnosis}[aide]
        entry = scene.agent(word or "")
        effect = effect_id(scene.row.id, name, standing.attempt, aide=aide)
        part = _part(scene, name, entry, effect)
        work = _Work(part=part, entry=entry, name=f"{agent_word(entry.name)}-{aide}"[:_LONGEST])
        agent = await self._registry.agent(scene.workspace, part.agent_id)
        if standing.stopping is not None and (agent is None or agent.state.ended):
            return self._aide_ended(scene, name, aide, approved=False, reason=standing.stopping)
        kept = protected_paths(scene.definition.file, step) if aide is Aide.REPAIR else ()
        if agent is None:
            before = await self._hash(scene, step, kept, part=_BEFORE)
            if isinstance(before, Progress):
                return before
            if not before.succeeded:
                why = f"no repair agent was started, since nobody can say what is protected: {_what_of(before)}"
                return self._aide_ended(scene, name, aide, approved=False, reason=why)
            begun = await self._begin(scene, step, work, await self._aide_task(scene, step, aide))
            if begun.fact is None:
                return begun
            reason = begun.fact.reason if isinstance(begun.fact, AttemptEnded) else ""
            return self._aide_ended(scene, name, aide, approved=False, reason=reason)
        if standing.stopping is not None:
            return await self._stop(scene, name, agent)
        delivery = await self._delivery(scene, part)
        if delivery is not None and delivery.state is ReceiptState.ANSWERED:
            ended = await self._aide_answered(scene, step, aide, agent, delivery.answer or "")
        elif agent.state.ended:
            ended = self._aide_ended(scene, name, aide, approved=False, reason=f"{agent.name} {agent.state}")
        else:
            return Progress()
        return await self._judge_repair(scene, step, agent, kept, ended) if kept else ended

    async def _judge_repair(
        self, scene: Scene, step: StepEntry, agent: Agent, kept: tuple[str, ...], ended: Progress
    ) -> Progress:
        """Once its process is gone, whether what it must not change is as it was. If not, its step has failed."""
        now = await self._registry.agent(scene.workspace, agent.id)
        if now is not None and not now.state.ended:
            return Progress(look_at_ms=scene.now_ms + TIMINGS.stop_ms)
        before = await self._hash(scene, step, kept, part=_BEFORE)
        after = await self._hash(scene, step, kept, part=_AFTER)
        if isinstance(before, Progress) or isinstance(after, Progress):
            return after if isinstance(after, Progress) else Progress()
        why = ""
        if not after.succeeded:
            why = f"nobody can say whether {agent.name} has changed what is protected: {_what_of(after)}"
        elif changed := changed_paths(before.output, after.output):
            why = f"{agent.name} was to repair it, and has changed what is protected: {changed}"
        if not why:
            return ended
        assert isinstance(ended.fact, AideEnded)
        return replace(ended, fact=replace(ended.fact, approved=False, trespassed=True, reason=why))

    async def _hash(self, scene: Scene, step: StepEntry, kept: tuple[str, ...], *, part: str) -> CommandEnd | Progress:
        """What is protected, as its machine has told it; how to go on as long as it has not."""
        if not kept:
            return CommandEnd(state=CommandState.ENDED, exit_code=0)
        try:
            told = await self._commands.hash_paths(scene, step, kept, part=part)
        except (NoPlacement, NotFound) as refused:
            if scene.now_ms - scene.standing(step.name).since_ms > TIMINGS.workflow_place_s * 1000:
                return CommandEnd(state=CommandState.FAILED, reason=refused.message)
            return Progress(look_at_ms=scene.now_ms + _AGAIN_MS)
        return Progress() if told is None else told

    async def _aide_task(self, scene: Scene, step: StepEntry, aide: Aide) -> str:
        last = scene.last_attempt(step.name)
        said = await scene.records.output(scene.workspace, scene.row.id, last.output) if last and last.output else ""
        looked_at = [str(each.value) for each in needs_machine(step.conditions) if each.value is not None]
        kept = tuple(dict.fromkeys([*protected_paths(scene.definition.file, step), *looked_at]))
        task = await scene.fill_in(step.task or step.command or "")
        return aide_text(aide, step, task, said=said or "", reason=last.reason if last else "", kept=kept)

    async def _aide_answered(self, scene: Scene, step: StepEntry, aide: Aide, agent: Agent, said: str) -> Progress:
        if not agent.state.ended:
            await self._spawner.release_agent(scene.by, agent)
        approved = aide is not Aide.REVIEW or approves(said)
        effect = effect_id(scene.row.id, step.name, scene.standing(step.name).attempt, aide=aide)
        reason = "" if approved else f"{agent.name} rejects it: {said[-_SHOWN_REASON:]}"
        ended = self._aide_ended(scene, step.name, aide, approved=approved, reason=reason)
        return Progress(fact=ended.fact, outputs={f"aide:{effect}": said} if said else {})

    def _aide_ended(self, scene: Scene, step: str, aide: Aide, *, approved: bool, reason: str) -> Progress:
        attempt = scene.standing(step).attempt
        return Progress(fact=AideEnded(step=step, attempt=attempt, aide=aide, approved=approved, reason=reason))

    async def release(self, scene: Scene, agent: AgentId) -> None:
        """End an agent of the run, if it has not ended."""
        found = await self._registry.agent(scene.workspace, agent)
        if found is not None and not found.state.ended:
            await self._spawner.release_agent(scene.by, found)


def agent_word(name: str) -> str:
    """What an agent of a file is called in its session, where names have fewer letters."""
    word = _UNFIT.sub("-", name).strip("-.") or "agent"
    return (word if word[0].isalpha() else f"agent-{word}")[:_LONGEST]


def _names(work: _Work, step: StepEntry) -> tuple[str, ...]:
    """The agent's own, and what it is called where another has that."""
    return work.name, f"{work.name[:40]}.{agent_word(step.name)}"[:_LONGEST], f"{work.name[:40]}.{work.part.effect[:8]}"


def _part(scene: Scene, step: str, entry: AgentEntry, effect: str) -> RunPart:
    return RunPart(run=scene.row.id, step=step, name=entry.name, effect=effect)


def _what_of(told: CommandEnd) -> str:
    return told.errors.strip()[:_SHOWN_REASON] or told.how


def _may_pass(refused: RelayError) -> bool:
    """Whether waiting may help: the machine is away, the plan is full, somebody has stopped it."""
    passing = {"NO_PROXY", "STOPPED", "TOO_MANY_AGENTS", "IDEMPOTENCY_MISMATCH"}
    return isinstance(refused, PlanLimitReached) or refused.code in passing


def _value(submitted: str | None) -> Any:
    return None if submitted is None else orjson.loads(submitted)
