"""What a run of a workflow has a machine do, one command at a time, and how far each came.

A command has the id of the effect that it is (`effects.effect_id`: run, step, attempt): however often it is ordered,
the machine begins it at most once, and tells one end of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from broker.domain.workflows.runs.effects import effect_id

CommandId = NewType("CommandId", str)

DEFAULT_OUTPUT_BYTES = 256 * 1024
"""Of standard output; of more, beginning and end are kept. The next steps are given what is kept."""
MAX_OUTPUT_BYTES = 4 * 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024
"""Of standard error."""


class CommandKind(StrEnum):
    """What a machine is to do."""

    SHELL = "shell"
    """Shell text, with `sh -c`."""
    WORKTREE_ADD = "worktree_add"
    WORKTREE_REMOVE = "worktree_remove"
    FILE_EXISTS = "file_exists"
    """A check: whether a path is there, in the step's folder or the machine's own."""
    GIT_CLEAN = "git_clean"
    """A check: whether the folder's work tree has no changes."""
    FILE_AWAITED = "file_awaited"
    """A wait: until a path is there, in the step's folder or the machine's own."""

    PATHS_HASHED = "paths_hashed"
    """A look: what the files hold that the lines of the text name."""

    @property
    def needs_consent(self) -> bool:
        """Whether the machine's owner has to have allowed exactly this; what remains only looks."""
        return self not in {
            CommandKind.FILE_EXISTS,
            CommandKind.GIT_CLEAN,
            CommandKind.FILE_AWAITED,
            CommandKind.PATHS_HASHED,
        }


class CommandState(StrEnum):
    """How far a command came; all but the first two are its end."""

    ORDERED = "ordered"
    """On its way to the machine."""
    STARTED = "started"
    ENDED = "ended"
    """It has run to its end, by itself or by a signal: exit code and signal say how."""
    TIMED_OUT = "timed_out"
    """It took longer than it may and was ended, with all it had started."""
    STOPPED = "stopped"
    """It was ended because the run, or relay-connect, was told to stop."""
    NEEDS_CONSENT = "needs_consent"
    """The machine's owner has not allowed this file; the reason has the command that a person types there."""
    REFUSED = "refused"
    """The machine's policy does not allow it, whatever the file."""
    FAILED = "failed"
    """It could not be started."""
    EXPIRED = "expired"
    """The machine did not take it in time: it was never started."""
    INTERRUPTED = "interrupted"
    """It was started, and nobody knows its end."""

    @property
    def is_end(self) -> bool:
        """Whether nothing more is told."""
        return self not in {CommandState.ORDERED, CommandState.STARTED}

    @property
    def was_started(self) -> bool:
        """Whether the command may have had an effect."""
        return self in {
            CommandState.STARTED,
            CommandState.ENDED,
            CommandState.TIMED_OUT,
            CommandState.STOPPED,
            CommandState.INTERRUPTED,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEnd:
    """How a command ended, as its machine has told it."""

    state: CommandState
    reason: str = ""
    exit_code: int | None = None
    """None unless it has exited by itself."""
    signal: int | None = None
    """What ended it, where a signal did."""
    output: str = ""
    """Standard output, of which the middle may be left out; secrets are cut."""
    errors: str = ""
    """Standard error, likewise."""
    output_bytes: int = 0
    """How much it wrote."""
    duration_ms: int = 0
    folder: str = ""
    """Where it ran; of a worktree that was made, where that is."""

    @property
    def succeeded(self) -> bool:
        """Exit code 0. A signal is a failure."""
        return self.state is CommandState.ENDED and self.exit_code == 0

    @property
    def how(self) -> str:
        """Why it is no success, in words; '' for one."""
        if self.succeeded:
            return ""
        if self.state is not CommandState.ENDED:
            return self.reason
        return f"ended by signal {self.signal}" if self.signal else f"exit code {self.exit_code}"


def command_id(run: str, step: str, attempt: int, *, part: str = "") -> CommandId:
    """The id of a command: that of the attempt's effect, or of a `part` of it, such as the number of a check."""
    if not part:
        return CommandId(effect_id(run, step, attempt))
    return CommandId(hashlib.sha256("\0".join((run, step, str(attempt), "part", part)).encode()).hexdigest()[:32])


def shell_template(command: str) -> str:
    """What a machine's owner is shown of a step's shell text, and consents to."""
    return f"command: {command}"


def check_template(command: str) -> str:
    """The same, of a check that is shell text."""
    return f"check: {command}"


def preflight_template(command: str) -> str:
    """The same, of a command ahead of the first step."""
    return f"preflight: {command}"


def worktree_template(*, path: str, branch: str, base: str | None) -> str:
    """The same, of a worktree."""
    return f"worktree: {path} of {branch} from {base or 'HEAD'}"


def digest_of(templates: Iterable[str]) -> str:
    """SHA-256 of all that a file has run in one folder of one machine: values are no part of it."""
    return hashlib.sha256(json.dumps(list(templates)).encode()).hexdigest()
