"""A model checker of the engine: every interleaving of what may happen to a run, up to a bound, against its promises.

The world around the engine is modelled: whoever carries effects out does each id once and tells its end; ends may come
good or bad, be told twice, or never (then only a stop brings one); machines lose attempts; timers fire in any order;
people cancel and decide. Whoever drives the run may die between any two lines of the journal.

`python -m tests.domain.workflows.model --states 100000` looks as far as that.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from broker.domain.workflows.files.definition import BarrierMode, OnInterrupt, StepType, WorkflowFile
from broker.domain.workflows.graphs.graph import Workflow, compile_workflow
from broker.domain.workflows.runs import engine
from broker.domain.workflows.runs.journal import (
    Aide,
    AideEnded,
    AttemptEnded,
    AttemptInterrupted,
    BeginRound,
    CancelAsked,
    Command,
    CompleteStep,
    Entry,
    Fact,
    FailedByHand,
    OrderHeld,
    Outcome,
    ResumeAsked,
    RetriedByHand,
    RunStarted,
    RunState,
    SkippedByHand,
    StartAide,
    StartAttempt,
    StopAttempt,
    TimerFired,
)
from broker.domain.workflows.runs.run import Run
from broker.domain.workflows.runs.steps import Mark, StepState
from tests.domain.workflows.generated import generated_file


class BrokenPromise(AssertionError):
    """The engine did what it must not. `trail` is what had happened before."""

    def __init__(self, says: str, trail: list[object]) -> None:
        super().__init__(says + "\n" + "\n".join(f"  {each}" for each in trail))
        self.says = says


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that somebody was told to do."""

    id: str
    step: str
    attempt: int
    aide: Aide | None = None
    stopped: bool = False
    hangs: bool = False


@dataclass(slots=True)
class World:
    """A run, and what goes on around it."""

    run: Run
    open: dict[str, Effect] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    """Ids that were ever carried out."""
    executed: dict[str, int] = field(default_factory=dict)
    """Attempts by step, since its last round began."""
    excused: dict[str, int] = field(default_factory=dict)
    """Of those, the ones that do not count: interrupted under a policy, out of quota, wanted by a person."""
    good: frozenset[str] = frozenset()
    """Steps whose newest attempt ended well and was approved."""
    spoilt: frozenset[str] = frozenset()
    """Steps whose repair has changed what judges them, and on which no person has decided since."""
    undone: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    """Steps in the order in which they were completed."""
    luck: int = 2
    """How many interrupts, quotas, hangs, doubled reports and acts of people may still happen."""
    last: AttemptEnded | None = None

    def key(self) -> tuple[object, ...]:
        """What makes two worlds the same; the clock is none of it."""
        run = self.run
        steps = tuple(
            (
                step.state, step.attempt, step.tries, step.round, step.repairs, step.interrupts, step.due, step.overdue,
                step.stopping, step.by_hand, step.undone, step.choice, step.ended and step.ended.outcome, step.aide,
                step.aide_ended and (step.aide_ended.approved, step.aide_ended.trespassed), step.timed,
                step.reason == "full",
            )
            for step in run.steps.values()
        )  # fmt: skip
        rest = (run.state, run.cancelled, run.overdue, run.early, run.voted, run.choice, tuple(run.completed))
        sets = (frozenset(run.timers), frozenset(run.open_gates), frozenset(run.broken_gates), frozenset(run.set_once))
        spent = tuple(run.tokens.items())
        last = self.last and (self.last.step, self.last.attempt)
        around = (frozenset(self.open.values()), self.luck, last, frozenset(run.overdue_gates), self.spoilt)
        return (steps, rest, sets, spent, around)

    def copy(self) -> World:
        """One that goes its own way."""
        run = dataclasses.replace(self.run)
        run.steps = {name: dataclasses.replace(step) for name, step in run.steps.items()}
        run.roster = self.run.roster.copy()
        for name in ("timers", "tokens", "micro_usd", "broken_gates", "values"):
            setattr(run, name, dict(getattr(run, name)))
        for name in ("set_once", "open_gates", "overdue_gates"):
            setattr(run, name, set(getattr(run, name)))
        run._timers_of = {step: list(names) for step, names in run._timers_of.items()}
        run.completed = list(run.completed)
        return dataclasses.replace(
            self, run=run, open=dict(self.open), executed=dict(self.executed), excused=dict(self.excused)
        )


def _look_everywhere(run: Run) -> None:
    """Have the next decisions look at all steps, as if nothing were known of where they stand."""
    for name, step in run.steps.items():
        if step.state.under_way:
            marks = [Mark.TOLD, Mark.OVERDUE, Mark.UNSTOPPED, Mark.UNTIMED]
        else:
            marks = [Mark.DOUBTFUL] if step.state is StepState.PENDING else [Mark.DUE]
        for mark in marks if not step.state.final else ():
            run.roster.mark(mark, name)
    numbers = run.workflow.numbers
    run.roster._frontier = sorted(
        numbers[each.name] for each in run.workflow.forward if run.steps[each.name].state is StepState.PENDING
    )


class Checker:
    """Looks through the runs of one workflow."""

    def __init__(self, file: WorkflowFile, *, most: int, hangs: bool = False) -> None:
        self.workflow: Workflow = compile_workflow(file)
        self.entry = file.workflows[0]
        self.seen: set[tuple[object, ...]] = set()
        self.ends: set[RunState] = set()
        self._most = most
        self._hangs = hangs
        """Whether first attempts that have a timeout end only when they are told to."""

    def explore(self) -> int:
        """Look through all that may happen, and return how many states there were; raise `BrokenPromise`."""
        world = World(run=Run(workflow=self.workflow))
        self._happen(world, RunStarted(run="r"), [])
        stack: list[tuple[World, list[object]]] = [(world, [])]
        while stack and len(self.seen) < self._most:
            world, trail = stack.pop()
            if world.key() in self.seen:
                continue
            self.seen.add(world.key())
            facts = list(self._may_happen(world))
            if not facts:
                self._require_end(world, trail)
            for fact in facts:
                following = world.copy()
                path = [*trail, fact]
                self._happen(following, fact, path)
                stack.append((following, path))
        return len(self.seen)

    def _may_happen(self, world: World) -> Iterator[Fact]:
        run = world.run
        if run.state is RunState.NEEDS_HUMAN and world.luck:
            for name, step in run.steps.items():
                if step.state is StepState.NEEDS_HUMAN:
                    yield RetriedByHand(step=name, by="p")
                    yield SkippedByHand(step=name, by="p")
                    yield FailedByHand(step=name, by="p")
        if run.state in {RunState.FAILED, RunState.CANCELLED} and world.luck:
            yield ResumeAsked(by="p")
        if run.state is not RunState.RUNNING:
            return
        for effect in world.open.values():
            yield from self._ends(world, effect)
        for timer in run.timers.values():
            yield TimerFired(name=timer.name)
        if world.luck:
            if not run.cancelled:
                yield CancelAsked(by="p")
            if world.last is not None:
                yield world.last

    def _ends(self, world: World, effect: Effect) -> Iterator[Fact]:
        if effect.hangs and not effect.stopped:
            return
        at = {"step": effect.step, "attempt": effect.attempt}
        if effect.aide is not None:
            yield AideEnded(**at, aide=effect.aide, approved=True, tokens=1)  # type: ignore[arg-type]
            yield AideEnded(**at, aide=effect.aide, approved=False, tokens=1)  # type: ignore[arg-type]
            if effect.aide is Aide.REPAIR:
                yield AideEnded(**at, aide=effect.aide, approved=False, trespassed=True)  # type: ignore[arg-type]
            return
        spec = self.workflow.steps[effect.step]
        outcomes = [Outcome.SUCCEEDED, Outcome.DENIED if spec.kind is StepType.APPROVAL else Outcome.FAILED]
        if spec.rounds > 1:
            outcomes.append(Outcome.REJECTED)
        if spec.kind is StepType.DETERMINISTIC and self._may_end_early(effect.step):
            outcomes.append(Outcome.EARLY)
        if spec.agent is not None and world.luck:
            outcomes.append(Outcome.QUOTA)
        for outcome in outcomes:
            yield AttemptEnded(**at, outcome=outcome, tokens=1 if spec.agent else 0, choice=None)  # type: ignore[arg-type]
        if spec.vote:
            yield AttemptEnded(**at, outcome=Outcome.SUCCEEDED, tokens=1, choice="x")  # type: ignore[arg-type]
        if world.luck:
            yield AttemptInterrupted(**at, reason="lost")  # type: ignore[arg-type]
        held = world.run.roster.marked(Mark.HELD)
        if spec.on_machine and (world.luck or effect.step in held):
            yield OrderHeld(**at, reason="" if effect.step in held else "full")  # type: ignore[arg-type]

    def _may_end_early(self, name: str) -> bool:
        return any(each.name == name and each.terminal_success_exit_codes for each in self.entry.steps)

    def _happen(self, world: World, fact: Fact, trail: list[object]) -> None:
        """Tell the run, let it decide, and carry out; whoever drives it may die at any line between."""
        self._note(world, fact)
        at_ms = world.run.at_ms
        if isinstance(fact, TimerFired):
            at_ms = max(at_ms, world.run.timers[fact.name].at_ms)
        world.run.apply(Entry(at_ms=at_ms, what=fact))
        before, everywhere = world.copy().run, world.copy().run
        decided = engine.advance(world.run)
        _look_everywhere(everywhere)
        if engine.advance(everywhere) != decided:
            raise BrokenPromise("a decision overlooks a step that it is about", trail)
        self._require_resumable(before, decided, world, trail)
        for command in decided:
            trail.append(command)
            self._carry_out(world, command, trail)
        self._require_always(world, trail)

    def _note(self, world: World, fact: Fact) -> None:
        match fact:
            case AttemptEnded() if world.last is fact:
                world.luck -= 1
                world.last = None
            case AttemptEnded(step=step, attempt=attempt):
                effect = self._close(world, step, attempt)
                world.last = fact if world.luck else None
                reviewed = self.workflow.steps[step].review is not None and fact.outcome is not Outcome.EARLY
                if effect and fact.outcome in {Outcome.SUCCEEDED, Outcome.EARLY} and not reviewed:
                    world.good |= {step}
                if fact.outcome is Outcome.QUOTA:
                    world.luck -= 1
                    world.excused[step] = world.excused.get(step, 0) + 1
            case AttemptInterrupted(step=step, attempt=attempt):
                self._close(world, step, attempt)
                world.luck -= 1
                if self.workflow.steps[step].on_interrupt is OnInterrupt.RETRY:
                    world.excused[step] = world.excused.get(step, 0) + 1
            case AideEnded(step=step, attempt=attempt, aide=aide, approved=approved):
                self._close(world, step, attempt)
                if fact.trespassed:
                    world.spoilt |= {step}
                if aide is Aide.REVIEW and approved:
                    world.good |= {step}
            case OrderHeld(reason="full"):
                world.luck -= 1
            case SkippedByHand(step=step):
                world.luck -= 1
                world.good |= {step}
            case RetriedByHand(step=step):
                world.luck -= 1
                world.executed[step] = 0
            case CancelAsked() | FailedByHand():
                world.luck -= 1
            case ResumeAsked():
                world.luck -= 1
                world.executed, world.excused = {}, {}
                world.spoilt = frozenset()
                world.good -= {name for name, step in world.run.steps.items() if step.undone}
            case _:
                pass

    def _close(self, world: World, step: str, attempt: int) -> Effect | None:
        found = next((each for each in world.open.values() if (each.step, each.attempt) == (step, attempt)), None)
        return world.open.pop(found.id) if found else None

    def _carry_out(self, world: World, command: Command, trail: list[object]) -> None:
        match command:
            case StartAttempt(step=step, attempt=attempt, effect=id_):
                self._require_may_start(world, step, trail)
                world.good -= {step}
                if step in world.spoilt:
                    raise BrokenPromise(f"{step} is tried again, and its repair has changed what judges it", trail)
                world.executed[step] = world.executed.get(step, 0) + 1
                self._require_allowed_again(world, step, trail)
                hangs = self._hangs and attempt == 1 and self.workflow.steps[step].timeout_ms is not None
                self._begin(world, Effect(id_, step, attempt, hangs=hangs))
            case StartAide(step=step, attempt=attempt, aide=aide, effect=id_):
                self._begin(world, Effect(id_, step, attempt, aide))
            case StopAttempt(step=step, attempt=attempt):
                for effect in [each for each in world.open.values() if (each.step, each.attempt) == (step, attempt)]:
                    world.open[effect.id] = dataclasses.replace(effect, stopped=True)
            case BeginRound(steps=names):
                world.good -= set(names)
                for name in names:
                    world.executed[name] = world.excused[name] = 0
            case CompleteStep(step=step):
                world.order = (*world.order, step)
                if step not in world.good:
                    raise BrokenPromise(f"{step} is said to be completed, and did not end well", trail)
            case _:
                pass

    def _begin(self, world: World, effect: Effect) -> None:
        """An id that is known is not done again: that is what it is for."""
        if effect.id not in world.known:
            world.open[effect.id] = effect
            world.known |= {effect.id}

    def _require_may_start(self, world: World, step: str, trail: list[object]) -> None:
        if any(each.step == step for each in world.open.values()):
            raise BrokenPromise(f"two attempts of {step} at once", trail)
        spec = next(each for each in self.entry.steps if each.name == step)
        if spec.compensates is not None:
            self._require_reverse(world, spec.compensates, trail)
            return
        lost = [each for each in spec.depends_on if not self._is_settled(world, each)]
        if lost and not self._is_let_through(world, spec.depends_on, lost):
            raise BrokenPromise(f"{step} starts before {', '.join(lost)} succeeded", trail)
        if self.workflow.steps[step].instead_of in world.good:
            raise BrokenPromise(f"{step} is a fallback of what has succeeded", trail)

    def _require_reverse(self, world: World, target: str, trail: list[object]) -> None:
        later = world.run.completed[world.run.completed.index(target) + 1 :] if target in world.run.completed else []
        waiting = [
            each
            for each in later
            if each in self.workflow.compensations
            and world.run.steps[self.workflow.compensations[each].name].state is StepState.PENDING
        ]
        if waiting or target not in world.run.completed:
            raise BrokenPromise(f"{target} is undone before {', '.join(waiting) or 'it was done'}", trail)

    def _is_settled(self, world: World, step: str) -> bool:
        return step in world.good or (self.workflow.steps[step].optional and world.run.steps[step].state.final)

    def _is_let_through(self, world: World, before: list[str], lost: list[str]) -> bool:
        for gate in self.workflow.gates.values():
            if gate.mode is not BarrierMode.ALL and set(lost) <= set(gate.wait_for) <= set(before):
                return sum(self._is_settled(world, each) for each in gate.wait_for) >= gate.needed
        return False

    def _require_allowed_again(self, world: World, step: str, trail: list[object]) -> None:
        allowed = 1 + self.workflow.steps[step].retries + world.excused.get(step, 0)
        if world.executed[step] > allowed:
            raise BrokenPromise(f"{step} is done {world.executed[step]} times, and may be {allowed} times", trail)

    def _require_always(self, world: World, trail: list[object]) -> None:
        for name in world.run.roster.marked(Mark.HELD):
            if not world.run.steps[name].is_open:
                raise BrokenPromise(f"{name} waits for room, and nobody is to work on it", trail)
        if sum(self.workflow.steps[each.step].works for each in world.open.values()) > self.workflow.max_at_once:
            raise BrokenPromise("more goes on than maxConcurrency allows", trail)
        if world.run.state not in {RunState.RUNNING, RunState.NEEDS_HUMAN}:
            self._require_honest(world, trail)

    def _require_resumable(self, before: Run, decided: list[Command], world: World, trail: list[object]) -> None:
        """After any prefix of the decisions the rest follows, and what is carried out again has known ids."""
        resumed = World(run=before).copy().run
        if decided:
            resumed.apply(Entry(at_ms=resumed.at_ms, what=decided[0]))
            if engine.advance(resumed) != decided[1:]:
                raise BrokenPromise("after a crash other decisions follow", trail)
        if engine.advance(World(run=world.run).copy().run):
            raise BrokenPromise("the same history leads to more decisions", trail)
        ids = {each.effect for each in decided if isinstance(each, StartAttempt | StartAide)}
        for command in engine.outstanding(world.run):
            if isinstance(command, StartAttempt | StartAide) and command.effect not in world.known | ids:
                raise BrokenPromise(f"{command.step} is carried out again under another id", trail)

    def _require_end(self, world: World, trail: list[object]) -> None:
        """Nothing can happen any more: the run has to have ended, or to wait for a person."""
        if world.run.state is RunState.RUNNING:
            raise BrokenPromise("the run goes on, and nothing can happen", trail)
        if world.run.state is RunState.NEEDS_HUMAN:
            asks = any(each.state is StepState.NEEDS_HUMAN for each in world.run.steps.values())
            if not asks and not (world.run.voted and world.run.choice is None):
                raise BrokenPromise("the run waits for a person, and asks nothing", trail)

    def _require_honest(self, world: World, trail: list[object]) -> None:
        run = world.run
        self.ends.add(run.state)
        if world.open:
            raise BrokenPromise(
                f"the run has ended, and {', '.join(e.step for e in world.open.values())} goes on", trail
            )
        lost = [name for name, step in run.steps.items() if not step.state.final]
        if lost:
            raise BrokenPromise(f"the run has ended, and nothing is said of {', '.join(lost)}", trail)
        missing = [each.name for each in self.workflow.forward if not self._is_accounted_for(world, each.name)]
        if run.state is RunState.COMPLETED and missing:
            raise BrokenPromise(f"the run is said to be completed, without {', '.join(missing)}", trail)
        if run.state is RunState.FAILED and not missing and not run.overdue:
            raise BrokenPromise("the run is said to have failed, and nothing is missing", trail)
        if run.state is RunState.CANCELLED and not run.cancelled:
            raise BrokenPromise("the run is said to be cancelled, and nobody wanted that", trail)

    def _is_accounted_for(self, world: World, name: str) -> bool:
        """Whether the step succeeded, is optional, or another of its fallbacks or barriers makes up for it."""
        spec = self.workflow.steps[name]
        if name in world.good or spec.optional:
            return True
        chain = [each.name for each in self.workflow.forward if each.instead_of is not None or each.name in self._tried]
        if name in chain:
            return any(each in world.good for each in chain)
        gates = [each for each in self.workflow.gates.values() if name in each.wait_for]
        if any(name in each.after for each in self.workflow.steps.values()) or world.run.broken_gates:
            return False
        enough = all(sum(s in world.good for s in gate.wait_for) >= gate.needed for gate in gates)
        return bool(gates) and enough

    @property
    def _tried(self) -> set[str]:
        return set(self.workflow.fallbacks)


def look_through(*, states: int, each: int, first: int = 0) -> tuple[int, int, set[RunState]]:
    """Check generated workflows until `states` were seen, at most `each` of one: states, workflows, and ends met."""
    seen = 0
    seed = first
    ends: set[RunState] = set()
    while seen < states:
        checker = Checker(generated_file(seed), most=each, hangs=seed % 2 == 1)
        try:
            seen += checker.explore()
        except BrokenPromise as broken:
            broken.add_note(f"the workflow of seed {seed}")
            raise
        ends |= checker.ends
        seed += 1
    return seen, seed - first, ends


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--states", type=int, default=100_000)
    parser.add_argument("--each", type=int, default=5_000)
    chosen = parser.parse_args()
    found = look_through(states=chosen.states, each=chosen.each)
    sys.stdout.write(f"{found[0]} states of {found[1]} workflows; ends: {', '.join(sorted(found[2]))}\n")
