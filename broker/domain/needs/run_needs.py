"""What of a run waits for people: each question, the commands that answer it, and whether anything else goes on.

This alone decides that a run waits for people, for whoever follows one: a shell, a program, a page.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from broker.domain.ids import SessionId, WorkflowRunId
from broker.domain.needs.needs import NeedKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNeed:
    """One thing that a step waits for and only people can give."""

    kind: NeedKind
    """`gate`, `approval`, `question`; `run`: the step is another workflow, of which a step has to be decided about."""
    run: WorkflowRunId
    """The run itself, or one that it has called."""
    session: SessionId
    step: str
    subject: str
    """The id of the approval; of `run`, that of the run."""
    agent: str = ""
    """Who asks, where an agent does."""
    asks: str
    """The question, in words."""
    named: bool = False
    """Whether the command that answers has to name it: its step asks something else, too."""

    @property
    def commands(self) -> tuple[str, ...]:
        """How it is answered from a shell. A question wants words: from there it is only declined."""
        if self.kind is NeedKind.RUN:
            return (f"relaycast workflow show {self.run}",)
        words = ("deny",) if self.kind is NeedKind.QUESTION else ("allow", "deny")
        which = f" --asked {self.subject}" if self.named else ""
        return tuple(f"relaycast workflow {word} {self.run} {shlex.quote(self.step)}{which}" for word in words)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNeeds:
    """What a run, or a step of it, waits for people with."""

    needs: tuple[RunNeed, ...] = ()
    alone: bool = False
    """Whether nothing else goes on: it waits for people."""


NOTHING = RunNeeds()


def join(steps: Iterable[RunNeeds]) -> RunNeeds:
    """What all waits for, of the steps that go on."""
    found = list(steps)
    return RunNeeds(
        needs=tuple(need for each in found for need in each.needs),
        alone=bool(found) and all(each.alone for each in found),
    )
