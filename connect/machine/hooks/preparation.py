"""From the broker's order to what is run: a folder held open, a consent found, words filled in; else why not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from broker.domain.hooks.definitions import MAX_TIMEOUT_S, CommandAction
from broker.domain.hooks.runs import RunState
from broker.domain.hooks.templates import BadTemplate, Template, fill_command, fill_text
from broker.protocol.proxy import RunHook
from connect.machine.hooks.consents import (
    Consent,
    Consents,
    Objection,
    Standing,
    Wanted,
    find_change,
    is_hook_id,
    judge,
)
from connect.machine.hooks.inline_code import Code, as_written, code_of
from connect.machine.hooks.programs import (
    digests_of,
    files_to_name,
    files_within_reach,
    find_program,
    project_of,
)
from connect.machine.hooks.refusals import Refusal
from connect.policy.folders import OpenFolder
from connect.policy.gate import Gate, NotAdmitted

PROGRAM_NOT_FOUND = "program not found"


class NotRun(Exception):
    """A hook does not run."""

    def __init__(self, state: RunState, reason: str, *, argv: tuple[str, ...] = (), known: bool = False) -> None:
        super().__init__(reason)
        self.state = state
        self.argv = argv
        self.known = known
        """The person at this machine has said so, and need not be told."""


class Objected(NotRun):
    """It does not run because the owner of this machine has not allowed this."""

    def __init__(self, objection: Objection, refusal: Refusal, *, argv: tuple[str, ...]) -> None:
        super().__init__(RunState.REFUSED, objection.why, argv=argv)
        self.objection = objection
        self.refusal = refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A run that is allowed."""

    calls: tuple[tuple[str, ...], ...]
    """One after the other; each begins with the program's path."""
    folder: OpenFolder
    files: tuple[Path, ...]
    """The changed files that it is given."""


@contextmanager
def hold(gate: Gate, order: RunHook) -> Iterator[tuple[OpenFolder, OpenFolder]]:
    """The agent's folder, and the one in which the hook runs. Raises `NotRun`."""
    opened: list[OpenFolder] = []
    try:
        for below in (None, order.cwd):
            opened.append(gate.open_workplace(order.agent, below=below))
        yield opened[0], opened[1]
    except NotAdmitted as refusal:
        raise NotRun(RunState.REFUSED, str(refusal)) from None
    finally:
        for folder in opened:
            folder.close()


def action_of(order: RunHook) -> CommandAction:
    """Its definition. Raises `NotRun` for one that nobody could allow."""
    if not is_hook_id(order.hook):
        raise NotRun(RunState.REFUSED, "its id is no name that a person could read and type")
    command = order.command if isinstance(order.command, str) else tuple(order.command)
    action = CommandAction(command=command, cwd=order.cwd, env=tuple(order.env), timeout_s=order.timeout_s)
    try:
        words = action.words
    except BadTemplate as error:
        raise NotRun(RunState.REFUSED, f"its command cannot be understood: {error}") from None
    if order.timeout_s > MAX_TIMEOUT_S:
        raise NotRun(RunState.REFUSED, f"it wants {order.timeout_s:g} s; a hook gets at most {MAX_TIMEOUT_S:g} s")
    if code_of(words) is Code.FROM_VALUES:
        raise NotRun(
            RunState.REFUSED,
            "a value would become a part of the program that runs: give it as an argument"
            " (`sh -c 'lint \"$1\"' sh ${file}`), or put the code into a script",
        )
    return action


async def prepare(
    order: RunHook,
    *,
    action: CommandAction,
    folders: tuple[OpenFolder, OpenFolder],
    gate: Gate,
    consents: Consents,
    path: str,
) -> Prepared:
    """What is run. Raises `NotRun`."""
    agent_folder, folder = folders
    words = action.words
    values = _values(order, agent_folder.path)
    files = files_to_name(order.files, agent_folder=agent_folder.path, folder=folder.path, roots=gate.folders)
    calls = fill_command(words, values, files=files)
    first = calls[0] if not isinstance(calls, str) else as_written(words)
    consent = await _consent(
        order, action, first, folder=folder.path, values=values, gate=gate, consents=consents, path=path
    )
    if isinstance(calls, str):
        left_out = len(order.files) - len(files)
        why = f"; {left_out} were left out: gone, or outside of the policy's folders" if left_out else ""
        raise NotRun(RunState.SKIPPED, f"{calls}{why}", argv=first)
    return Prepared(
        calls=tuple((str(consent.program), *call[1:]) for call in calls),
        folder=folder,
        files=tuple(folder.path / file for file in files),
    )


async def _consent(
    order: RunHook,
    action: CommandAction,
    argv: tuple[str, ...],
    *,
    folder: Path,
    values: Mapping[str, str],
    gate: Gate,
    consents: Consents,
    path: str,
) -> Consent:
    words = action.words
    program = _program(words, values, consents.of(order.hook), folder=folder, path=path)
    wanted = Wanted(hook=order.hook, action=action, folder=folder, program=program)
    verdict = judge(consents, wanted)
    if isinstance(verdict, Objection) and verdict.standing is Standing.DENIED:
        raise NotRun(RunState.REFUSED, verdict.why, argv=argv, known=True)
    if program is None:
        raise NotRun(RunState.SKIPPED, PROGRAM_NOT_FOUND, argv=argv)
    files = files_within_reach(words, values, program=program, folder=folder, roots=gate.folders)
    if isinstance(verdict, Consent):
        try:
            # In a thread: a program may be large, and the disk slow.
            digests = await asyncio.to_thread(digests_of, files)
        except OSError as error:
            raise NotRun(RunState.FAILED, f"{error.filename}: {error.strerror}", argv=argv) from None
        objection = find_change(verdict, digests) or _needs_shell(words, verdict)
        if objection is None:
            return verdict
    else:
        objection = verdict
    refusal = _refusal(order, action, objection, folder=folder, gate=gate, program=program, files=files)
    raise Objected(objection, refusal, argv=argv)


def _program(
    words: tuple[Template, ...], values: Mapping[str, str], known: tuple[Consent, ...], *, folder: Path, path: str
) -> Path | None:
    """Where the first word leads. A bare name leads to what was allowed under it, whatever PATH says by then."""
    word = fill_text(words[0], values)
    if "/" not in word:
        allowed = [each.program for each in known if each.words[:1] == as_written(words[:1]) and each.program.is_file()]
        if allowed:
            return allowed[-1]
    return find_program(word, folder=folder, path=path)


def _needs_shell(words: tuple[Template, ...], consent: Consent) -> Objection | None:
    if code_of(words) is Code.IN_FILES or consent.shell:
        return None
    return Objection(standing=Standing.UNKNOWN, why="its words are a program: allow it with --shell", before=consent)


def _values(order: RunHook, agent_folder: Path) -> dict[str, str]:
    """The broker's, but for what this machine knows better."""
    project = project_of(agent_folder)
    return {**order.values, "cwd": str(agent_folder), "project": str(project) if project else ""}


def _refusal(
    order: RunHook,
    action: CommandAction,
    objection: Objection,
    *,
    folder: Path,
    gate: Gate,
    program: Path,
    files: tuple[Path, ...],
) -> Refusal:
    root = next((each for each in gate.folders if folder.is_relative_to(each)), folder)
    return Refusal(
        id=order.hook,
        command=action.command,
        cwd=action.cwd,
        env=action.env,
        timeout_s=action.timeout_s,
        standing=objection.standing,
        why=objection.why,
        root=_readable(root),
        folder=_readable(folder),
        program=_readable(program),
        files=tuple(map(_readable, files)),
    )


def _readable(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")
