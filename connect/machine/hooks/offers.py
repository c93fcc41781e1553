"""What was refused lately as something a person can allow: whole, in words, and with what it is made of now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from broker.domain.hooks.definitions import CommandAction, Hook
from broker.domain.hooks.templates import BadTemplate, fill_text
from connect.machine.commands.calls import PASSED_ON, is_passed_on
from connect.machine.hooks.consents import Consent, Consents, Standing
from connect.machine.hooks.inline_code import Code, as_written, code_of
from connect.machine.hooks.programs import digests_of, files_within_reach, find_program, project_of
from connect.machine.hooks.refusals import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A refused hook, and the consent that would let it run."""

    refusal: Refusal
    consent: Consent
    before: Consent | None
    """What was allowed under its id before."""

    @property
    def is_code(self) -> bool:
        """Whether its words are a program, to which a person has to say yes on purpose."""
        return self.consent.shell


def offers_of(refusals: list[Refusal], consents: Consents) -> list[Offer]:
    """Those that are not settled by now, the oldest first. What cannot be made sense of is left out."""
    return [offer for refusal in refusals for offer in _offer(refusal, consents)]


def foreseen(hooks: Iterable[Hook], *, folder: Path, path: str, roots: Sequence[Path]) -> Iterator[Refusal]:
    """What would be refused of hooks that run in `folder` and below, as long as nobody has allowed it.

    `path`: as in PATH; `roots`: where agents may write. What is not on this machine has no program.
    """
    for hook in hooks:
        action = hook.action
        if not isinstance(action, CommandAction):
            continue
        works_in = folder / (action.cwd or "")
        values = {"cwd": str(folder), "project": str(project_of(folder) or "")}
        program = find_program(fill_text(action.words[0], values), folder=works_in, path=path)
        files = (
            files_within_reach(action.words, values, program=program, folder=works_in, roots=roots) if program else ()
        )
        yield Refusal(
            id=hook.id,
            command=action.command,
            cwd=action.cwd,
            env=action.env,
            timeout_s=action.timeout_s,
            standing=Standing.UNKNOWN,
            why="it would be refused",
            root=str(folder),
            folder=str(works_in),
            program=str(program) if program else None,
            files=tuple(map(str, files)),
        )


def _offer(refusal: Refusal, consents: Consents) -> Iterator[Offer]:
    if refusal.id in consents.deny or refusal.program is None:
        return
    try:
        words = refusal.action.words
        digests = digests_of(map(Path, refusal.files))
    except (BadTemplate, OSError, ValueError):
        return
    code = code_of(words)
    consent = Consent(
        id=refusal.id,
        fingerprint=refusal.action.fingerprint,
        words=as_written(words),
        program=Path(refusal.program),
        roots=(Path(refusal.root),),
        cwd=refusal.cwd,
        env=refusal.env,
        timeout_s=refusal.timeout_s,
        files=digests,
        shell=code is Code.INLINE,
    )
    if code is not Code.FROM_VALUES and consent not in consents.allow:
        known = consents.of(refusal.id)
        yield Offer(refusal=refusal, consent=consent, before=known[-1] if known else None)


def in_words(consent: Consent) -> list[tuple[str, str]]:
    """Everything that a consent lets run, as names and values. Values may hold anything: make them harmless."""
    passed = [name for name in consent.env if is_passed_on(name)]
    withheld = [name for name in consent.env if not is_passed_on(name)]
    lines = [
        ("runs", json.dumps(list(consent.words), ensure_ascii=False)),
        ("program", str(consent.program)),
        ("in", f"{', '.join(map(str, consent.roots))} and below"),
        ("folder", f"{consent.cwd}, inside the agent's" if consent.cwd is not None else "the agent's"),
        ("environment", ", ".join([*PASSED_ON, *passed])),
        ("time", f"at most {consent.timeout_s:g} s"),
    ]
    lines += [("withheld", f"{name}: tokens are never passed on") for name in withheld]
    lines += [("held to", f"{path} as it is now (sha256 {digest[:12]}…)") for path, digest in consent.files.items()]
    return lines


def difference(before: Consent, after: Consent) -> list[tuple[str, str]]:
    """What is not as it was allowed: signs and lines."""
    old, new = in_words(before), in_words(after)
    gone = [("-", f"{name}: {value}") for name, value in old if (name, value) not in new]
    return [*gone, *(("+", f"{name}: {value}") for name, value in new if (name, value) not in old)]
