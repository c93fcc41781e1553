"""What a typed line means: a command by its grammar, or words for Lead. Pure.

A line is a command when its first word is one's name and what follows can be its arguments: agents and programs that
are known, ids, options. A sentence that begins with such a word is for Lead, and says what it was not taken for:
`search the code for TODO comments and fix them`. A slash makes any line a command, `>` any line one for Lead.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass, field

from broker.domain.agents.stops import StopHow
from broker.domain.approvals.answers import Scope, Verdict
from broker.domain.messages.messages import Mode
from connect.terminal.input.commands import (
    Agents,
    Answer,
    AnswerQuestion,
    Attach,
    Channels,
    Command,
    Detach,
    Exit,
    Help,
    Interrupt,
    Join,
    Leave,
    Logs,
    Machines,
    Misused,
    Release,
    ResumeAll,
    Search,
    Send,
    Sessions,
    Show,
    Spawn,
    StopAll,
    Tell,
    Trace,
)

# The words without arguments, or with options alone, are not here: `help me with …` is a line for Lead.
_USAGE = {
    "spawn": "spawn <name> <cli> [task] [--on <machine>] [--model <model>] [--cwd <folder>] [--worktree]",
    "send": "send <name|#channel|*> [--steer|--interrupt] <message>",
    "interrupt": "interrupt <name>",
    "release": "release <name>",
    "attach": "attach <name>",
    "logs": "logs [name] [--last <lines>] [--before <number>]",
    "search": "search <query>",
    "approve": "approve [id] [--session] [--option <number>] [--always <rule>]",
    "answer": "answer [id] <number or text>",
    "trace": "trace <number>",
    "show": "show <number>",
    "join": "join <#channel> <name>…",
    "leave": "leave <#channel> <name>…",
}
# As a shell's word: with quotes and backslashes around what has spaces.
_WORD = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])+"""
_OPTION = re.compile(rf"--(on|model|cwd)[ =]({_WORD})(?:\s+|$)")
_TRAILING_OPTION = re.compile(rf"\s+--(on|model|cwd)[ =]({_WORD})$")
_WORKTREE = re.compile(r"^--worktree(?:\s+|$)|\s+--worktree$")
"""In front of the task or behind it, as the others."""
_HALF_AN_OPTION = re.compile(r"""^--(?:on|model|cwd)(?![\w-])|\s--(?:on|model|cwd)[ =](?:"[^"]*|'[^']*)$""")
"""In front without a value, or with a quote that is not closed."""
_QUOTED = r""""(?:[^"\\]|\\.)*"|'[^']*'"""
_LOG_OPTION = re.compile(r"\s*--(last|before)[ =]#?(\d{1,9})(?=\s|$)")
_EVERYTHING = re.compile(
    rf"(?: ?--(?:(?P<release>release)|(?P<workspace>workspace)|machine[ =](?P<machine>{_WORD})))*"
    r"(?: ?--note (?P<note>.+))?"
)
_CHOSEN = re.compile(r"(?:^|\s)--option[ =](\S+)")
_ALWAYS = re.compile(r"(?:^|\s)--always[ =]([0-9]{1,3})(?=\s|$)")
_MODES = {"--steer": Mode.STEER, "--interrupt": Mode.INTERRUPT}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_ANSWERED = re.compile(r"m?[0-9]{1,9}|[0-9a-f-]{4,36}", re.IGNORECASE)
"""How what waits for an answer is called: a question of this machine, the end of an approval's id."""
_QUERY_MARKS = re.compile(r'["*]|(?:^|\s)-\w|\w:(?!//)\S|\b(?:AND|OR|NOT)\b')
_LONGEST_PLAIN_QUERY = 3
_SENTENCE_WORDS = frozenset(
    {"a", "an", "the", "this", "that", "these", "those", "my", "our", "your", "his", "her", "its", "their", "it"}
    | {"them", "me", "us", "all", "every", "each", "some", "any", "another", "one", "two", "three", "for", "to", "in"}
    | {"on", "of", "with", "from", "by", "about", "and", "or", "if", "so", "then", "whether", "where", "which", "who"}
    | {"how", "what", "why", "when", "please"}
)
"""English words that names and short queries do not consist of; the commands are English words too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the words of a line can refer to."""

    agents: Collection[str] = ()
    """Those that are there."""
    clis: Collection[str] = field(default=())
    """Agent programs of the machines; empty when nobody has said."""
    waiting: Collection[str] = ()
    """What waits for an answer, as it is called."""


def read_command(line: str, known: Known | None = None) -> Command | None:
    """What `line` asks for; None for an empty one."""
    text = line.strip()
    if text.startswith(">"):
        text = text[1:].strip()
        return Tell(text=text) if text else None
    if not text:
        return None
    word, _, rest = text.removeprefix("/").partition(" ")
    word, rest = word.lower(), rest.strip()
    known = known or Known()
    command = _command(word, rest, known)
    if command is None:
        return Tell(text=text)
    if text.startswith("/") or not _reads_as_sentence(word, rest, known):
        return command
    return Tell(text=text, instead_of=word)


def _reads_as_sentence(word: str, rest: str, known: Known) -> bool:
    words = rest.split()
    if not words:
        return False
    match word:
        case "spawn":
            return _spawn_is_sentence(words, known)
        case "send":
            return not _is_address([each for each in words if each not in _MODES], known)
        case "interrupt" | "release" | "logs" | "attach":
            plain = _LOG_OPTION.sub("", rest).split() if word == "logs" else words
            return len(plain) > 1 and plain[0] not in known.agents
        case "trace" | "show":
            return len(words) > 1 and not words[0].lstrip("#").isdecimal()
        case "join" | "leave":
            return not words[0].startswith("#")
        case "search":
            return _search_is_sentence(rest, words)
        case "answer":
            return not known.waiting
        case "approve" | "deny":
            return _answer_is_sentence(word, rest, known)
        case _:
            return False


def _spawn_is_sentence(words: list[str], known: Known) -> bool:
    if len(words) == 1 or any(_OPTION.match(f"{option} x") for option in words):
        return False
    name, cli = words[0], words[1]
    is_named = name[:1].isupper() and cli in known.clis  # `Two codex`, but not `two codex agents`
    if not _NAME.fullmatch(name) or (not is_named and {name.lower(), cli.lower()} & _SENTENCE_WORDS):
        return True
    return len(words) > 2 and bool(known.clis) and cli not in known.clis


def _is_address(words: list[str], known: Known) -> bool:
    """Whether the first of `words` can be whom a message is for: somebody who is there, or a name with a capital."""
    to = words[0].removeprefix("@") if words else "*"
    there = to in known.agents or to == "*" or to.startswith("#")
    return there or len(words) == 1 or (to[:1].isupper() and to.lower() not in _SENTENCE_WORDS)


def _search_is_sentence(rest: str, words: list[str]) -> bool:
    if _QUERY_MARKS.search(rest):
        return False
    return len(words) > _LONGEST_PLAIN_QUERY or any(each.lower() in _SENTENCE_WORDS for each in words)


def _answer_is_sentence(word: str, rest: str, known: Known) -> bool:
    first = next((each for each in _option(rest)[0].split() if each != "--session"), None)
    if first is None or _is_waiting(first, known):
        return False
    return word == "approve" or not known.waiting


def _is_waiting(word: str, known: Known) -> bool:
    """Whether `word` can be what something is called that waits, or has waited, for an answer."""
    return word in known.waiting or (_ANSWERED.fullmatch(word) is not None and any(map(str.isdecimal, word)))


def _command(word: str, rest: str, known: Known) -> Command | None:
    match word, rest.split():
        case "spawn", [_, _, *_]:
            return _spawn(rest)
        case "send", [_, _, *_]:
            return _send(rest) or _explain_misuse(word)
        case "search", [_, *_]:
            return Search(query=rest)
        case "deny", _:
            return _deny(rest, known)
        case "answer", [_, *_]:
            return AnswerQuestion(text=rest)
        case "stop" | "resume", _:
            return _stop_or_resume(word, rest)
        case "approve", _:
            return _approve(rest)
        case "logs", _:
            return _logs(rest)
        case _:
            return _short_command(word, rest.split())


def _short_command(word: str, words: list[str]) -> Command | None:
    match word, words:
        case "interrupt", [name]:
            return Interrupt(name=name)
        case "release", [name]:
            return Release(name=name)
        case "attach", [name]:
            return Attach(name=name.removeprefix("@"))
        case "detach", []:
            return Detach()
        case "trace", [message]:
            return Trace(message=message.removeprefix("#"))
        case "show", [number] if number.removeprefix("#").isdecimal():
            return Show(number=int(number.removeprefix("#")))
        case "agents", []:
            return Agents()
        case "channels", []:
            return Channels()
        case "join", [channel, *names] if names and channel.startswith("#"):
            return Join(channel=channel, names=tuple(name.removeprefix("@") for name in names))
        case "leave", [channel, *names] if names and channel.startswith("#"):
            return Leave(channel=channel, names=tuple(name.removeprefix("@") for name in names))
        case "machines", []:
            return Machines()
        case "sessions", []:
            return Sessions()
        case "help" | "?", []:
            return Help()
        case "exit" | "quit", []:
            return Exit()
        case _:
            return _explain_misuse(word) if word in _USAGE else None


def _explain_misuse(word: str) -> Misused:
    return Misused(usage=_USAGE[word])


def _spawn(rest: str) -> Command:
    options: dict[str, str] = {}
    name, cli, *after = rest.split(maxsplit=2)
    task = after[0] if after else ""
    worktree = False
    while found := _OPTION.match(task) or _TRAILING_OPTION.search(task) or _WORKTREE.search(task):
        if found.lastindex:
            options.setdefault(found[1], _unquote(found[2]))
        worktree = worktree or not found.lastindex
        task = task[: found.start()] + task[found.end() :]
    if name.startswith("-") or cli.startswith("-") or _HALF_AN_OPTION.search(task):
        return _explain_misuse("spawn")
    return Spawn(
        name=name,
        cli=cli,
        task=_task(task.strip()) or None,
        on=options.get("on"),
        model=options.get("model"),
        cwd=options.get("cwd"),
        worktree=worktree,
    )


def _unquote(word: str) -> str:
    return "".join(shlex.split(word))


def _task(text: str) -> str:
    """What is quoted as a whole, as shells want it, is meant without the quotes."""
    return _unquote(text) if text[:1] in {"'", '"'} and re.fullmatch(_QUOTED, text, re.DOTALL) else text


def _stop_or_resume(word: str, rest: str) -> StopAll | ResumeAll | None:
    """None when words follow that are no options: `stop using tabs` is a line for Lead."""
    found = _EVERYTHING.fullmatch(" ".join(rest.split()))
    if found is None or (found["workspace"] and found["machine"]) or (found["release"] and word == "resume"):
        return None
    machine = found["machine"] and _unquote(found["machine"])
    everywhere, note = found["workspace"] is not None, found["note"] or ""
    if word == "resume":
        return ResumeAll(machine=machine, everywhere=everywhere, note=note)
    how = StopHow.RELEASE if found["release"] else StopHow.PAUSE
    return StopAll(machine=machine, everywhere=everywhere, how=how, note=note)


def _send(rest: str) -> Send | None:
    mode = Mode.WAIT
    to: str | None = None
    while rest:
        word, _, after = rest.partition(" ")
        if word in _MODES:
            mode = _MODES[word]
        elif to is None:
            to = word
        else:
            return Send(to=to, text=rest, mode=mode)
        rest = after.lstrip()
    return None


def _logs(rest: str) -> Logs | Misused:
    given = {name: int(number) for name, number in _LOG_OPTION.findall(rest)}
    names = _LOG_OPTION.sub("", rest).split()
    if len(names) > 1 or given.get("last") == 0 or (names and names[0].startswith("-")):
        return _explain_misuse("logs")
    last = given.get("last", Logs().last)
    return Logs(name=names[0] if names else None, last=last, before=given.get("before"))


def _approve(rest: str) -> Command:
    rest, option = _option(rest)
    rest, always = _chosen(_ALWAYS, rest)
    words = rest.split()
    ids = [word for word in words if word != "--session"]
    scope = Scope.SESSION if "--session" in words else Scope.ONCE
    if len(ids) > 1:
        return _explain_misuse("approve")
    return Answer(
        verdict=Verdict.ALLOW,
        short_id=ids[0] if ids else None,
        scope=scope,
        option=option,
        always=int(always) if always else None,
    )


def _deny(rest: str, known: Known) -> Answer:
    """`deny f3a2 use npm ci`, or `deny because of the tests` where one request waits."""
    rest, option = _option(rest)
    first, _, note = rest.partition(" ")
    if _is_waiting(first, known):
        return Answer(verdict=Verdict.DENY, short_id=first, note=note.strip(), option=option)
    return Answer(verdict=Verdict.DENY, note=rest, option=option)


def _option(rest: str) -> tuple[str, str | None]:
    """What is typed besides the option that is chosen, and that option."""
    return _chosen(_CHOSEN, rest)


def _chosen(wanted: re.Pattern[str], rest: str) -> tuple[str, str | None]:
    found = wanted.search(rest)
    return (f"{rest[: found.start()]}{rest[found.end() :]}".strip(), found[1]) if found else (rest, None)
