"""A workspace's rules: which uses of tools they deny, allow, or put before a person, or people that they name.

A rule that restricts (deny, require, ask) looks at all that a command line runs, however it is spelled, and at the
files that it names; where it may apply, but what is asked for cannot be read, a person is asked. A rule that allows
covers only what it names, wholly: never a compound command.

On a command line a restricting rule is a fence, not a wall: a program may do by itself what the rule forbids.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from broker.domain.approvals.effects import Effect
from broker.domain.approvals.hidden import hidden_characters
from broker.domain.approvals.patterns import UNKNOWN, Match, pattern
from broker.domain.approvals.risk.findings import Risk
from broker.domain.approvals.risk.known_programs import SHELLS
from broker.domain.approvals.shell.commands import shell_text
from broker.domain.approvals.shell.files import find_named_files
from broker.domain.approvals.shell.programs import shell_line
from broker.domain.approvals.tool_kinds import FILE_KINDS, ToolKind, tool_names
from broker.domain.approvals.tool_use import ToolUse, absolute
from broker.domain.errors import BadRequest
from broker.domain.people.access import MemberRole

RELAY_TOOLS = "mcp__relay__"
"""How the broker's own tools begin. A rule reaches them only when its pattern does too."""
MAX_REQUIRED = 5
"""People that one rule may require."""
_SIGNING_ROLES = frozenset({MemberRole.OWNER, MemberRole.ADMIN, MemberRole.MEMBER})
"""Those that answer approvals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Matches when every given pattern (shell-style: `*`, `?`, `[…]`) matches."""

    effect: Effect
    tool: str = "*"
    """Any vendor's name for a tool, or a kind of tools (`shell`, `read`, `edit`, …)."""
    command: str | None = None
    path: str | None = None
    risk: Risk | None = None
    """Of one that requires people: what is less risky it does not match."""
    role: MemberRole | None = None
    """Those people have it, or one that includes it."""
    group: str | None = None
    """Those people are in it; by its name."""
    people: int = 1
    """How many different ones say yes."""

    @property
    def name(self) -> str:
        """How the log names it."""
        parts = [self.tool, *(x for x in (self.command, self.path) if x)]
        if self.risk is not None:
            parts.append(f"at {self.risk} risk")
        return f"rule {self.effect} {' '.join(parts)}"


def check_rule(rule: Rule) -> Rule:
    """Return a rule that means something. Raises `BadRequest` (BAD_RULE)."""
    if rule.effect is not Effect.REQUIRE:
        if (rule.risk, rule.role, rule.group, rule.people) != (None, None, None, 1):
            raise _bad_rule("risk, role, group and people go with the effect require")
        return rule
    if rule.role is not None and rule.group is not None:
        raise _bad_rule("it requires people with a role or of a group; make two rules to require both")
    if rule.role is not None and rule.role not in _SIGNING_ROLES:
        raise _bad_rule(f"nobody with the role {rule.role} answers approvals; require owner, admin or member")
    if not 1 <= rule.people <= MAX_REQUIRED:
        raise _bad_rule(f"people: from 1 to {MAX_REQUIRED}")
    if rule.role is None and rule.group is None and rule.people == 1:
        raise _bad_rule("say whom it requires: a role, a group, or how many people")
    return rule


def _bad_rule(why: str) -> BadRequest:
    return BadRequest(why, code="BAD_RULE")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRule:
    """A rule as a workspace keeps it: who made it, and when. None where that was not written down."""

    rule: Rule
    by: str | None = None
    at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the rules say about one use of a tool."""

    effect: Effect
    rule: Rule
    why: str = ""
    """Of a rule that only may apply: what cannot be read."""


def rule_on(rules: Iterable[Rule], use: ToolUse, *, relay_tool: bool = False) -> Ruling | None:
    """The rule that applies: any deny, else any ask, else any allow; None when no rule matches (a person is asked).

    A deny that may apply asks. A use that asks for more than itself (`ToolUse.widens`) is never allowed by a rule. Whom
    rules require is another question: `requirements.requirements_on`.
    """
    named = [each for each in _rules_named(rules, use, relay_tool=relay_tool) if each.effect is not Effect.REQUIRE]
    restricting = [(match(rule, use), rule) for rule in named if rule.effect is not Effect.ALLOW]
    for found, rule in restricting:
        if rule.effect is Effect.DENY and found is Match.MUST:
            return Ruling(effect=Effect.DENY, rule=rule)
    for found, rule in restricting:
        if found is not Match.NO:
            unsure = found is Match.MAY
            return Ruling(effect=Effect.ASK, rule=rule, why=f"{rule.name} may apply to it" if unsure else "")
    for rule in named:
        if rule.effect is Effect.ALLOW and match(rule, use) is Match.MUST:
            return Ruling(effect=Effect.ALLOW, rule=rule)
    return None


def requiring(rules: Iterable[Rule], use: ToolUse, *, relay_tool: bool = False) -> list[Rule]:
    """The rules that require people for it, whatever its risk; one that only may apply does."""
    named = _rules_named([each for each in rules if each.effect is Effect.REQUIRE], use, relay_tool=relay_tool)
    return [rule for rule in named if match(rule, use) is not Match.NO]


def _rules_named(rules: Iterable[Rule], use: ToolUse, *, relay_tool: bool) -> list[Rule]:
    return [rule for rule in rules if _names_tool(rule, use) and (not relay_tool or _names_relay(rule))]


def match(rule: Rule, use: ToolUse) -> Match:
    """Whether a rule applies. `MAY` is an answer of restricting rules only."""
    if rule.effect is Effect.ALLOW:
        return Match.MUST if _covers(rule, use) else Match.NO
    found = [Match.MUST if _names_tool_itself(rule, use) else Match.NO]
    if rule.path is not None:
        found = [_path_match(rule, use)]
    if rule.command is not None:
        found.append(_command_match(rule.command, use))
    return min(found)


def allowable(command: str) -> str | None:
    """What an allow rule compares with its pattern; None for a compound command, which no allow rule covers."""
    inner = _behind_shell(command).strip()
    text = shell_text(inner)
    if not text.plain or text.commands[0].has_harmful_redirections or not text.commands[0].words:
        return None
    command_words = text.commands[0]
    if command_words.writes or command_words.reads:
        return " ".join(word.written for word in command_words.words)
    return inner


def _names_tool(rule: Rule, use: ToolUse) -> bool:
    return _names_tool_itself(rule, use) or (
        rule.effect is not Effect.ALLOW and rule.path is not None and (use.command is not None or use.hides_command)
    )


def _names_tool_itself(rule: Rule, use: ToolUse) -> bool:
    return _names(rule.tool, use.tool)


@lru_cache(maxsize=4096)
def _names(wanted: str, tool: str) -> bool:
    """Whether a pattern is for a tool, by any of its names."""
    return pattern(wanted.lower()).match_any(tool_names(tool)) is Match.MUST


def _names_relay(rule: Rule) -> bool:
    return rule.tool.lower().startswith(RELAY_TOOLS)


def _covers(rule: Rule, use: ToolUse) -> bool:
    """Whether an allow rule covers a use wholly."""
    if use.widens:
        return False
    if rule.command is not None and not _command_is_covered(rule.command, use):
        return False
    return rule.path is None or _paths_are_covered(rule.path, use)


def _command_is_covered(wanted: str, use: ToolUse) -> bool:
    if use.command is None or not use.is_bash or hidden_characters(use.command):
        return False
    inner = allowable(use.command)
    if inner is None:
        return False
    compiled = pattern(wanted)
    if compiled.match(inner) is Match.MUST:
        return True
    words = shell_text(inner).commands[0].words
    # With blanks inside words, another command would look the same.
    in_words = all(word.value and not re.search(r"\s", word.value) for word in words)
    return in_words and compiled.match(" ".join(word.value for word in words)) is Match.MUST


_SHELL_FOLDERS = {".", "/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"}
"""Where a shell is one (`.` is what a bare name has for a parent); `./bash` may be anything."""


def _behind_shell(command: str) -> str:
    """The command inside `bash -lc '…'`, which is how Codex shows every command."""
    text = shell_text(command)
    words = text.commands[0].words if text.plain else []
    if len(words) != 3 or words[1].value not in {"-lc", "-c"} or text.commands[0].has_harmful_redirections:
        return command
    shell = PurePosixPath(words[0].value)
    trusted = not words[0].value.startswith("./") and str(shell.parent) in _SHELL_FOLDERS
    return words[2].value if trusted and shell.name in SHELLS - {"fish"} and words[2].is_known else command


def _paths_are_covered(wanted: str, use: ToolUse) -> bool:
    """Every path, as it is or inside the agent's folder; one with `..` never is.

    What a tool of another program does with its paths, and which members of its input are paths, is not known.
    """
    if not use.paths or use.has_more_paths or use.kind not in FILE_KINDS:
        return False
    compiled = pattern(wanted)
    return all(
        ".." not in PurePosixPath(path).parts and compiled.match_any(_spellings(path, use.folder)) is Match.MUST
        for path in use.paths
    )


def _command_match(wanted: str, use: ToolUse) -> Match:
    """How a restricting pattern applies to anything that a command line runs."""
    if use.command is None:
        return Match.MAY if use.hides_command else Match.NO
    line = shell_line(use.command)
    compiled = [pattern(each) for each in _without_quotes(wanted)]
    certain = max(each.match_any(line.certain) for each in compiled)
    if certain is Match.MUST or any(each.match(use.command.replace(UNKNOWN, " ")) for each in compiled):
        return Match.MUST
    unsure = certain or line.opaque or not use.is_bash or any(each.match_any(line.perhaps) for each in compiled)
    return Match.MAY if unsure else Match.NO


@lru_cache(maxsize=1024)
def _without_quotes(wanted: str) -> tuple[str, ...]:
    """A pattern as it is written, and as words are compared: without quotes, with single blanks."""
    return tuple(dict.fromkeys((wanted, re.sub(r"[ \t]+", " ", re.sub("['\"]", "", wanted)))))


def _path_match(rule: Rule, use: ToolUse) -> Match:
    """How a restricting rule's path applies to the files that a request is about, or that its command names."""
    wanted = _fold(rule.path or "")
    compiled = pattern(wanted)
    itself = _names_tool_itself(rule, use)
    found = Match.MAY if (itself and use.hides_paths) or use.hides_command else Match.NO
    if itself:
        found = max([found, *(compiled.match_any(each) for each in _paths_named(use, wanted))])
    if use.command is None:
        return found
    kinds = _file_kinds(rule.tool)
    named, spelled = find_named_files(use.command), _files_spelled(use.command, use.folder)
    found = max(found, Match.NO if named.complete and use.is_bash else Match.MAY)
    for file, texts in zip(named.files, spelled, strict=True):
        if itself or kinds & file.access:
            matched = compiled.match_any(texts if "/" in wanted else (*texts, posixpath.basename(texts[0])))
            found = max(found, matched if file.certain else min(matched, Match.MAY))
    return found


def _paths_named(use: ToolUse, wanted: str) -> Iterator[tuple[str, ...]]:
    for path in use.paths:
        texts = _spellings(path, use.folder)
        yield tuple(_fold(text) for text in texts)
        if "/" not in wanted:
            yield (_fold(posixpath.basename(path)),)
        if use.kind is ToolKind.SEARCH:
            yield (_fold(f"{absolute(path, use.folder)}/{UNKNOWN}"),)


@lru_cache(maxsize=256)
def _files_spelled(command: str, folder: str | None) -> tuple[tuple[str, ...], ...]:
    """For each file that a command names, its path in every way in which a pattern may mean it."""
    return tuple(
        tuple(dict.fromkeys(_fold(text) for text in _spellings(file.path, folder)))
        for file in find_named_files(command).files
    )


def _spellings(path: str, folder: str | None) -> Iterator[str]:
    """As it is, without detours, whole, and as it is called inside the agent's folder."""
    yield path
    if not path:
        return
    yield re.sub("^//", "/", posixpath.normpath(path))
    whole = absolute(path, folder)
    yield whole
    if folder and whole.startswith(inside := f"{folder.rstrip('/')}/"):
        yield whole.removeprefix(inside)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


@lru_cache(maxsize=1024)
def _file_kinds(tool: str) -> frozenset[ToolKind]:
    """The kinds of tools about files that a rule names: a rule on `Read` is also about what `cat` shows."""
    wanted = pattern(tool.lower())
    return frozenset(kind for kind in FILE_KINDS if wanted.match_any(tool_names(kind)) is Match.MUST)
