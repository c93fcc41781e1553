"""Following a run from a shell: what happens is shown until it ends, or until nobody but a person can bring it on."""

from __future__ import annotations

import asyncio
import functools
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click
import orjson

from broker.cli.operator_client import using_broker
from broker.domain.needs.needs import NeedKind
from broker.domain.workflows.runs.journal import RunState

if TYPE_CHECKING:
    from connect.sdk.api_client import ApiClient

_EXIT_FAILED = 1
_EXIT_NEEDS_PERSON = 75
"""EX_TEMPFAIL of sysexits: it goes on once a person has decided. So ends `relay-connect -p`, too."""
_EXIT_INTERRUPTED = 130
_GOOD = frozenset({RunState.COMPLETED, RunState.COMPLETED_EARLY})
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.1, 1.0
"""Between two looks at a run: short ones end at once, and long ones cost the broker little."""
_MARKS = {
    "pending": "·",
    "running": "▶",
    "aided": "▶",
    "waiting_retry": "…",
    "waiting_quota": "…",
    "interrupted": "!",
    "needs_human": "?",
    "completed": "✓",
    "completed_early": "✓",
    "failed": "✗",
    "cancelled": "✗",
    "skipped": "-",
}
_ASKS = "waits for an answer, in the dashboard's inbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """Whether a command waits for the run it is about, and how long."""

    detach: bool
    waits_for_people: bool

    def follow(self, run: str, *, json_: bool = False) -> None:
        """Show each change until the run ends or rests, and end with its exit status; do nothing when detached."""
        if self.detach:
            return
        watch = _Watch(waits_for_people=self.waits_for_people, aloud=not json_)
        try:
            shown = using_broker(lambda client: watch.to_end(client, run))
        except KeyboardInterrupt:
            click.echo(f"\nthe run goes on: relaycast workflow show {run}", err=True)
            raise click.exceptions.Exit(_EXIT_INTERRUPTED) from None
        if json_:
            click.echo(orjson.dumps(shown))
        else:
            _say_end(shown)
        if shown["state"] not in _GOOD:
            needs_person = shown["state"] in {RunState.RUNNING, RunState.NEEDS_HUMAN}
            raise click.exceptions.Exit(_EXIT_NEEDS_PERSON if needs_person else _EXIT_FAILED)


def following(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that follows a run; it is given them as `then`."""

    @click.option("--detach", "-d", is_flag=True, help="Do not wait for its end.")
    @click.option(
        "--wait-for-people/--no-wait-for-people",
        "waits",
        default=None,
        help="Wait for the answer where the run asks a person.  [default: at a terminal]",
    )
    @functools.wraps(command)
    def followed(*, detach: bool, waits: bool | None, **given: Any) -> None:
        waits_for_people = sys.stdin.isatty() if waits is None else waits
        command(then=Following(detach=detach, waits_for_people=waits_for_people), **given)

    return followed


def run_path(run: str, *more: str) -> str:
    """Where a run is asked for: a step may be called almost anything."""
    return "/".join(["/v1/workflows/runs", *(quote(each, safe="") for each in (run, *more))])


class _Watch:
    """Asks again and again how a run stands: a broker that is started anew meanwhile is asked on."""

    def __init__(self, *, waits_for_people: bool, aloud: bool) -> None:
        self._waits_for_people = waits_for_people
        self._aloud = aloud
        self._seen: dict[str, tuple[object, ...]] = {}
        self._told: set[str] = set()

    async def to_end(self, client: ApiClient, run: str) -> dict[str, Any]:
        """The run, once it has ended or rests."""
        pause_s = _FIRST_LOOK_S
        while True:
            shown: dict[str, Any] = await client.call("GET", run_path(run))
            self._say_steps(shown)
            if shown["state"] != RunState.RUNNING or shown["held"] or self._rests(shown):
                return shown
            self._say_needs(shown)
            await asyncio.sleep(pause_s)
            pause_s = min(1.5 * pause_s, _LONGEST_LOOK_S)

    def _rests(self, shown: dict[str, Any]) -> bool:
        """Whether nobody waits on: a step of a called run is decided about by other commands, that follow it again."""
        answered = [each for each in shown["needs"] if each["kind"] != NeedKind.RUN]
        return bool(shown["waits_for_people"] and not (self._waits_for_people and answered))

    def _say_steps(self, shown: dict[str, Any]) -> None:
        for step in shown["steps"]:
            stands = (step["state"], step["attempt"], step["round"])
            if self._seen.get(step["name"], ("pending", 0, 1)) != stands and self._aloud:
                click.echo(step_line(step))
            self._seen[step["name"]] = stands

    def _say_needs(self, shown: dict[str, Any]) -> None:
        """Whoever reads JSON from the output is told beside it: else nothing would say why it takes so long."""
        for need in shown["needs"]:
            if need["kind"] != NeedKind.RUN and need["subject"] not in self._told:
                click.echo("\n".join(need_lines(need)), err=not self._aloud)
                self._told.add(need["subject"])


def need_lines(need: dict[str, Any]) -> list[str]:
    """What is asked, and how to answer. An agent's words are made harmless: they come from whatever it has read."""
    from connect.terminal.text.layout import one_line  # noqa: PLC0415 - only a run that asks needs it

    who = f"{need['step']}, {one_line(need['agent'])}," if need["agent"] else need["step"]
    return [
        f"  ? {who} asks: {one_line(need['asks'])}",
        *(f"    {each}" for each in need["commands"]),
        f"    or at {need['url']}",
    ]


def _say_end(shown: dict[str, Any]) -> None:
    rests = shown["waits_for_people"] and not shown["held"]
    click.echo("? waits for a person" if rests else f"{_MARKS.get(shown['state'], '?')} {state_words(shown)}")
    asked = [each for each in shown["steps"] if each["state"] == "needs_human"]
    for why in filter(None, (shown["held"], "" if asked else shown["reason"])):  # what is asked was said with its step
        click.echo(f"  {why}")
    run = shown["id"]
    for need in shown["needs"]:
        lines = need_lines(need) if need["kind"] != NeedKind.RUN else [f"  {each}" for each in need["commands"]]
        click.echo("\n".join(lines))
    if shown["state"] == RunState.RUNNING:
        return
    if shown["state"] == RunState.NEEDS_HUMAN:
        for step in asked:
            told = "budget" if step["reason"].startswith("budget") else None
            what = f"budget {run} --tokens N" if told else f"retry|skip|fail {run} {shlex.quote(step['name'])}"
            click.echo(f"  relaycast workflow {what}")
        if not asked:
            click.echo(f"  relaycast workflow vote {run} CHOICE")
    elif shown["state"] in _GOOD:
        click.echo(f"  relaycast workflow logs {run}")
    else:
        click.echo(f"  relaycast workflow resume {run}")
        click.echo(f"  relaycast workflow rerun {run} --with FILE, once the file is corrected")


def state_words(run: dict[str, Any]) -> str:
    """How a run stands."""
    return "held" if run["held"] and run["state"] == RunState.RUNNING else words_of(run["state"])


def words_of(state: str) -> str:
    """The state of a run or a step, as people say it."""
    return "needs a person" if state == RunState.NEEDS_HUMAN else state.replace("_", " ")


def step_line(step: dict[str, Any]) -> str:
    """Where a step stands."""
    who = f" ({step['agent']})" if step["agent"] else ""
    told = [f"attempt {step['attempt']}"] if step["attempt"] > 1 else []
    told += [f"round {step['round']}"] if step["round"] > 1 else []
    told += [_seconds(step["attempts"][-1])] if step["attempts"] else []
    told += [step["reason"]] if step["reason"] else []
    told += [_ASKS] if (step["type"], step["state"]) == ("approval", "running") else []
    more = f"  {', '.join(filter(None, told))}" if any(told) else ""
    return f"  {_MARKS[step['state']]} {step['name']}{who}: {words_of(step['state'])}{more}"


def _seconds(attempt: dict[str, Any]) -> str:
    if attempt["ended_at_ms"] is None:
        return ""
    return f"{(attempt['ended_at_ms'] - attempt['started_at_ms']) / 1000:.1f} s"
