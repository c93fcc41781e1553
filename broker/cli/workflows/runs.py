"""`relaycast workflow run | list | show | …`: runs, seen from a shell. Speaks to a broker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click
import orjson

from broker.cli.operator_client import ask, using_broker
from broker.cli.workflows.comparisons import show_comparison
from broker.cli.workflows.files import file_argument, parse_assignments, read_file, require_good, text_of, var_pair
from broker.domain.workflows.files.definition import WorkflowFile
from broker.domain.workflows.runs.journal import RunState

if TYPE_CHECKING:
    from connect.sdk.api_client import ApiClient

_EXIT_FAILED = 1
_EXIT_NEEDS_PERSON = 75
"""EX_TEMPFAIL of sysexits: it goes on once a person has decided."""
_EXIT_INTERRUPTED = 130
_GOOD = frozenset({RunState.COMPLETED, RunState.COMPLETED_EARLY})
_GOING_ON = frozenset({"running", "aided", "waiting_retry", "waiting_quota"})
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
_ID_LENGTH, _LEAST = 36, 4


def _find_run(_context: click.Context, _argument: click.Parameter, given: str) -> str:
    if not _LEAST <= len(given) < _ID_LENGTH:
        return given
    return whole_id(given, [each["id"] for each in ask("GET", "/v1/workflows/runs?limit=100")["runs"]])


def whole_id(given: str, ids: Iterable[str]) -> str:
    """The id that begins so, where one of them does; else what was given. Raises `UsageError` where several do."""
    found = [each for each in ids if each.startswith(given)]
    if len(found) > 1:
        raise click.UsageError(f"several runs begin with {given}: {', '.join(found[:5])}")
    return found[0] if found else given


_RUN = click.argument("run", callback=_find_run)
_JSON = click.option("--json", "json_", is_flag=True, help="One JSON document.")
_FOLLOW = click.option("--detach", "-d", is_flag=True, help="Do not wait for its end.")


@click.command("run")
@file_argument
@click.option("--workflow", "-w", "name", metavar="NAME", help="Which workflow of the file.  [default: the first]")
@click.option("--var", "given", multiple=True, metavar="NAME=VALUE", help="Give a variable a value. Can be repeated.")
@click.option("--on", "machine", metavar="MACHINE", help="Where steps run that the file gives no machine.")
@click.option("--folder", metavar="PATH", help="Where on that machine.  [default: where relay-connect was started]")
@click.option("--session", metavar="NAME", help="Run in this session.  [default: one of its own]")
@click.option("--detach", "-d", is_flag=True, help="Start it, and do not wait for its end.")
@_JSON
def run_(
    *,
    file: Path,
    name: str | None,
    given: tuple[str, ...],
    machine: str | None,
    folder: str | None,
    session: str | None,
    detach: bool,
    json_: bool,
) -> None:
    """Run FILE on the broker, and show what happens until it ends.

    Ends with 0 when the run is completed, 1 when it has failed or was cancelled, 75 when it needs a person. Ctrl-C
    leaves it running, and ends with 130.
    """
    text = text_of(file)
    reading = read_file(file, text)
    require_good(file, reading)
    assert reading.file is not None
    body = {
        "text": text,
        "workflow": name,
        "vars": parse_assignments(reading.file, given),
        "on": machine,
        "folder": folder,
        "session": session,
    }
    started = ask("POST", "/v1/workflows/runs", body=body)
    if detach:
        click.echo(orjson.dumps(started).decode() if json_ else started["id"])
        return
    if not json_:
        click.echo(f"{started['name']}: run {started['id']}")
    _follow(started["id"], json_=json_)


@click.command("list")
@click.option("-n", "--lines", default=20, show_default=True, help="Show at most so many runs.")
@_JSON
def list_(*, lines: int, json_: bool) -> None:
    """List the latest runs."""
    runs = ask("GET", f"/v1/workflows/runs?limit={lines}")["runs"]
    if json_:
        click.echo(orjson.dumps({"runs": runs}))
        return
    for each in reversed(runs):
        why = f"  {each['held'] or each['reason'] or ''}".rstrip()
        click.echo(f"{_clock(each['started_at_ms'])}  {each['id']}  {_state(each):<16} {each['name']}{why}")
    if not runs:
        click.echo("there are no runs; `relaycast workflow run FILE` starts one")


@click.command("show")
@_RUN
@_JSON
def show(*, run: str, json_: bool) -> None:
    """Show RUN and where each of its steps stands."""
    shown = ask("GET", _path(run))
    if json_:
        click.echo(orjson.dumps(shown))
        return
    click.echo(f"{shown['name']}: {_state(shown)}  (session {shown['session_name']}, started by {shown['by']})")
    for why in filter(None, (shown["held"], shown["reason"])):
        click.echo(f"  {why}")
    for step in shown["steps"]:
        click.echo(_step(step))
        if step.get("webhook"):
            click.echo(f"      POST {step['webhook']}")


@click.command("logs")
@_RUN
@click.option("--step", metavar="STEP", help="Only this step's output.  [default: all that have ended]")
@click.option("--attempt", type=int, metavar="N", help="In this attempt.  [default: the newest that has ended]")
def logs(*, run: str, step: str | None, attempt: int | None) -> None:
    """Print what the steps of RUN have said."""
    shown = ask("GET", _path(run))
    names = [step] if step else [each["name"] for each in shown["steps"] if _has_ended(each)]
    for name in names:
        found = ask("GET", f"{_path(run, 'steps', name, 'output')}?attempt={attempt or 0}")
        if not step:
            click.echo(f"--- {name} (attempt {found['attempt']})")
        click.echo(found["output"].rstrip("\n"))


@click.command("cancel")
@_RUN
@_FOLLOW
def cancel(*, run: str, detach: bool) -> None:
    """End RUN: nothing new starts, and what runs is stopped."""
    ask("POST", _path(run, "cancel"))
    if not detach:
        _follow(run)


@click.command("resume")
@_RUN
@_FOLLOW
def resume(*, run: str, detach: bool) -> None:
    """Let RUN go on, that has failed, was cancelled or needs a person: completed steps stay completed."""
    ask("POST", _path(run, "resume"))
    if not detach:
        _follow(run)


@click.command("rerun")
@_RUN
@click.option("--from", "step", metavar="STEP", help="Do this step again, and all behind it.")
@click.option(
    "--with",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Go on with this file.  [default: the run's own]",
)
@click.option("--var", "given", multiple=True, metavar="NAME=VALUE", help="Give a variable another value.")
@click.option("--dry", is_flag=True, help="Only say what would be done again, and why.")
@_FOLLOW
def rerun(*, run: str, step: str | None, file: Path | None, given: tuple[str, ...], dry: bool, detach: bool) -> None:
    """Begin a run that goes on from RUN: with a corrected file, or from a step on.

    Steps that are completed, and come to the same by the file and its values, are kept with their outputs.
    """
    body: dict[str, Any] = {"step": step}
    new: WorkflowFile | None = None
    if file is not None:
        body["text"] = text_of(file)
        reading = read_file(file, body["text"])
        require_good(file, reading)
        new = reading.file
    if given:
        body["vars"] = _read_values(new, given)
    _say_preview(ask("POST", _path(run, "rerun", "preview"), body=body))
    if dry:
        return
    started = ask("POST", _path(run, "rerun"), body=body)
    click.echo(f"{started['name']}: run {started['id']}")
    if not detach:
        _follow(started["id"])


def _read_values(file: WorkflowFile | None, given: tuple[str, ...]) -> dict[str, Any]:
    """Values with the types of the new file; without one as JSON has them, else as text."""
    if file is not None:
        return parse_assignments(file, given)
    return {name: _as_json(text) for name, text in map(var_pair, given)}


def _as_json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _say_preview(found: dict[str, Any]) -> None:
    """How the files differ, and what is done again."""
    if found["difference"]:
        click.echo(found["difference"] + "\n")
    for each in found["steps"]:
        click.echo(f"  {'kept ' if each['kept'] else 'again'}  {each['name']}  {each['why']}".rstrip())
    for name in found["gone"]:
        click.echo(f"  gone   {name}")


@click.command("compare")
@click.argument("left", callback=_find_run)
@click.argument("right", callback=_find_run)
@_JSON
def compare(*, left: str, right: str, json_: bool) -> None:
    """Show two runs side by side: the states of their steps, outputs, cost and time."""
    found = ask("GET", _path(left, "compare", right))
    if json_:
        click.echo(orjson.dumps(found).decode())
    else:
        click.echo("\n".join(show_comparison(found)))


@click.command("retry")
@_RUN
@click.argument("step")
@_FOLLOW
def retry(*, run: str, step: str, detach: bool) -> None:
    """Try STEP of RUN again."""
    ask("POST", _path(run, "steps", step, "retry"))
    if not detach:
        _follow(run)


@click.command("skip")
@_RUN
@click.argument("step")
@click.option("--output", default="", metavar="TEXT", help="What the steps behind it take for its output.")
@_FOLLOW
def skip(*, run: str, step: str, output: str, detach: bool) -> None:
    """Count STEP of RUN as completed: you have done it by hand."""
    ask("POST", _path(run, "steps", step, "skip"), body={"output": output})
    if not detach:
        _follow(run)


@click.command("fail")
@_RUN
@click.argument("step")
@_FOLLOW
def fail(*, run: str, step: str, detach: bool) -> None:
    """Give STEP of RUN up, that needs a person."""
    ask("POST", _path(run, "steps", step, "fail"))
    if not detach:
        _follow(run)


@click.command("budget")
@_RUN
@click.option("--tokens", default=0, type=click.IntRange(0), help="So many tokens more.")
@click.option("--usd", default=0.0, type=click.FloatRange(0), help="So many dollars more.")
@_FOLLOW
def budget(*, run: str, tokens: int, usd: float, detach: bool) -> None:
    """Allow RUN to spend more than it may; steps that wait for that go on."""
    ask("POST", _path(run, "budget"), body={"tokens": tokens, "usd": usd})
    if not detach:
        _follow(run)


@click.command("vote")
@_RUN
@click.argument("choice")
@_FOLLOW
def vote(*, run: str, choice: str, detach: bool) -> None:
    """Decide a vote in RUN that had no winner: for CHOICE."""
    ask("POST", _path(run, "vote"), body={"choice": choice})
    if not detach:
        _follow(run)


def _path(run: str, *more: str) -> str:
    """Where a run is asked for: a step may be called almost anything."""
    return "/".join(["/v1/workflows/runs", *(quote(each, safe="") for each in (run, *more))])


COMMANDS = (run_, list_, show, logs, cancel, resume, rerun, compare, retry, skip, fail, budget, vote)


def _follow(run: str, *, json_: bool = False) -> None:
    """Show each change until the run ends or rests, and end with its exit code."""
    try:
        shown = using_broker(lambda client: _watch(client, run, say=_nothing if json_ else click.echo))
    except KeyboardInterrupt:
        click.echo(f"\nthe run goes on: relaycast workflow show {run}", err=True)
        raise click.exceptions.Exit(_EXIT_INTERRUPTED) from None
    if json_:
        click.echo(orjson.dumps(shown))
    else:
        _say_end(shown)
    if shown["state"] not in _GOOD:
        raise click.exceptions.Exit(_EXIT_NEEDS_PERSON if _needs_person(shown) else _EXIT_FAILED)


def _nothing(_: str) -> None:
    """For those who read the end alone."""


async def _watch(client: ApiClient, run: str, *, say: Callable[[str], None]) -> dict[str, Any]:
    """Ask again and again: a broker that is started anew meanwhile is asked on."""
    seen: dict[str, tuple[object, ...]] = {}
    pause_s = _FIRST_LOOK_S
    while True:
        shown: dict[str, Any] = await client.call("GET", _path(run))
        for step in shown["steps"]:
            stands = (step["state"], step["attempt"], step["round"])
            if seen.get(step["name"], ("pending", 0, 1)) != stands:
                say(_step(step))
            seen[step["name"]] = stands
        if shown["state"] != RunState.RUNNING or shown["held"] or _find_asking(shown):
            return shown
        await asyncio.sleep(pause_s)
        pause_s = min(1.5 * pause_s, _LONGEST_LOOK_S)


def _say_end(shown: dict[str, Any]) -> None:
    click.echo(f"{_MARKS.get(shown['state'], '?')} {_state(shown)}")
    asked = [each for each in shown["steps"] if each["state"] == "needs_human"]
    for why in filter(None, (shown["held"], "" if asked else shown["reason"])):  # what is asked was said with its step
        click.echo(f"  {why}")
    run = shown["id"]
    for called in _find_asking(shown):
        click.echo(f"  relaycast workflow show {called}")
    if shown["state"] == RunState.RUNNING:
        return
    if shown["state"] == RunState.NEEDS_HUMAN:
        for step in asked:
            told = "budget" if step["reason"].startswith("budget") else None
            what = f"budget {run} --tokens N" if told else f"retry|skip|fail {run} {step['name']}"
            click.echo(f"  relaycast workflow {what}")
        if not asked:
            click.echo(f"  relaycast workflow vote {run} CHOICE")
    elif shown["state"] in _GOOD:
        click.echo(f"  relaycast workflow logs {run}")
    else:
        click.echo(f"  relaycast workflow resume {run}")
        click.echo(f"  relaycast workflow rerun {run} --with FILE, once the file is corrected")


def _needs_person(shown: dict[str, Any]) -> bool:
    return shown["state"] == RunState.NEEDS_HUMAN or bool(shown["held"]) or bool(_find_asking(shown))


def _find_asking(shown: dict[str, Any]) -> list[str]:
    """The runs that this one has called and that need a person, when it waits for nothing else."""
    going_on = [each for each in shown["steps"] if each["state"] in _GOING_ON]
    asking = [each["run"] for each in going_on if each["run"] and each["reason"].startswith("needs a person")]
    return asking if len(asking) == len(going_on) else []


def _state(run: dict[str, Any]) -> str:
    return "held" if run["held"] and run["state"] == RunState.RUNNING else _words(run["state"])


def _words(state: str) -> str:
    return "needs a person" if state == RunState.NEEDS_HUMAN else state.replace("_", " ")


def _step(step: dict[str, Any]) -> str:
    who = f" ({step['agent']})" if step["agent"] else ""
    told = [f"attempt {step['attempt']}"] if step["attempt"] > 1 else []
    told += [f"round {step['round']}"] if step["round"] > 1 else []
    told += [_seconds(step["attempts"][-1])] if step["attempts"] else []
    told += [step["reason"]] if step["reason"] else []
    told += [_ASKS] if (step["type"], step["state"]) == ("approval", "running") else []
    more = f"  {', '.join(filter(None, told))}" if any(told) else ""
    return f"  {_MARKS[step['state']]} {step['name']}{who}: {_words(step['state'])}{more}"


def _seconds(attempt: dict[str, Any]) -> str:
    if attempt["ended_at_ms"] is None:
        return ""
    return f"{(attempt['ended_at_ms'] - attempt['started_at_ms']) / 1000:.1f} s"


def _has_ended(step: dict[str, Any]) -> bool:
    return bool(step["output"]) or any(each["outcome"] for each in step["attempts"])


def _clock(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone().strftime("%m-%d %H:%M:%S")
