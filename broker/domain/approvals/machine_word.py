"""What the machine of an agent makes of a yes from afar, as far as it told its policy.

It tells people before they answer, and decides nothing: the machine does that by itself (`connect.policy.decision`), by
the policy that it has by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from broker.domain.machines.policy import MachinePolicy

_SHELL = "shell"
_LASTS = "answers that hold for more than this request"
_SECOND = "asks for a second yes at its own terminal"


class MachineSays(StrEnum):
    """What becomes of a yes there."""

    PASSES = "passes"
    """It reaches the agent."""
    ASKS = "asks"
    """It does when somebody at the machine's own terminal says yes, too; else the agent is told no."""
    REFUSES = "refuses"
    """The agent is told no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineWord:
    """Of one request. Only what does not simply pass is worth a word."""

    yes: MachineSays
    """To a plain yes."""
    lasting: MachineSays
    """To one of the program's own answers that hold for more than this request; as `yes` where it offers none."""
    why: str
    """In words for the person who answers."""


class Option(Protocol):
    """One of the answers that an agent's program offers."""

    @property
    def lasts(self) -> bool:
        """Whether it may hold for more than this request."""


class Request(Protocol):
    """What it depends on: of an approval that is kept, and of one that a machine reports."""

    @property
    def command(self) -> str | None:
        """That is run."""

    @property
    def changes(self) -> Sequence[object]:
        """Of files."""

    @property
    def options(self) -> Sequence[Option]:
        """That its program offers."""

    @property
    def lasting(self) -> bool:
        """Whether any yes holds for more than this request."""


def machine_word(policy: MachinePolicy | None, asked: Request, *, machine: str) -> MachineWord | None:
    """What a machine says to a request.

    None where all passes, and where the machine's relay-connect does not tell its policy.
    """
    if policy is None:
        return None
    every = MachineSays.PASSES
    if policy.strict or (_SHELL in policy.asks and (asked.command is not None or not asked.changes)):
        every = MachineSays.ASKS if policy.terminal else MachineSays.REFUSES
    more = _WIDENING.get(policy.widening, MachineSays.PASSES)
    of_lasting = max(every, more, key=list(MachineSays).index)
    if asked.lasting:
        every = of_lasting
    elif not any(option.lasts for option in asked.options):
        of_lasting = every
    if of_lasting is MachineSays.PASSES:
        return None
    words = _words(every, of_lasting, lasting=asked.lasting, drops=policy.widening == "drop")
    return MachineWord(yes=every, lasting=of_lasting, why=f"The policy of {machine} {words}")


_WIDENING = {"ask": MachineSays.ASKS, "drop": MachineSays.REFUSES}
"""The words of `connect.policy.policy.Widening` that do not let it pass."""


def _words(every: MachineSays, of_lasting: MachineSays, *, lasting: bool, drops: bool) -> str:
    match every, of_lasting:
        case MachineSays.REFUSES, _ if lasting and drops:
            return "refuses this: any yes would hold for more than this request."
        case MachineSays.REFUSES, _:
            return f"{_SECOND}, and nobody is there: a yes will be refused."
        case MachineSays.ASKS, MachineSays.REFUSES:
            return f"{_SECOND}, and refuses {_LASTS}."
        case MachineSays.ASKS, _:
            return f"{_SECOND}; without it the agent is told no."
        case _, MachineSays.REFUSES:
            return f"refuses {_LASTS}."
        case _:
            return f"{_SECOND} for {_LASTS}; without it the agent is told no."
