"""`relaycast workflow run | list | show | …`: runs, seen from a shell. Speaks to a broker."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import orjson

from broker.cli.operator_client import ask
from broker.cli.workflows.comparisons import show_comparison
from broker.cli.workflows.files import file_argument, parse_assignments, read_file, require_good, text_of, var_pair
from broker.cli.workflows.following import (
    Following,
    following,
    need_lines,
    run_path,
    state_words,
    step_line,
    words_of,
)
from broker.domain.errors import Conflict, NotFound
from broker.domain.workflows.files.definition import WorkflowFile

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


@click.command("run")
@file_argument
@click.option("--workflow", "-w", "name", metavar="NAME", help="Which workflow of the file.  [default: the first]")
@click.option("--var", "given", multiple=True, metavar="NAME=VALUE", help="Give a variable a value. Can be repeated.")
@click.option("--on", "machine", metavar="MACHINE", help="Where steps run that the file gives no machine.")
@click.option("--folder", metavar="PATH", help="Where on that machine.  [default: where relay-connect was started]")
@click.option("--session", metavar="NAME", help="Run in this session.  [default: one of its own]")
@following
@_JSON
def run_(
    *,
    file: Path,
    name: str | None,
    given: tuple[str, ...],
    machine: str | None,
    folder: str | None,
    session: str | None,
    then: Following,
    json_: bool,
) -> None:
    """Run FILE on the broker, and show what happens until it ends.

    \b
    Exit status, here and of whatever follows a run:
      0    the run is completed
      1    it has failed or was cancelled
      75   it needs a person: to decide about a step, or, unless it is waited for, to answer what the run or one of
           its agents asks
      130  Ctrl-C; the run goes on
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
    if then.detach:
        click.echo(orjson.dumps(started).decode() if json_ else started["id"])
        return
    if not json_:
        click.echo(f"{started['name']}: run {started['id']}")
    then.follow(started["id"], json_=json_)


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
        click.echo(f"{_clock(each['started_at_ms'])}  {each['id']}  {state_words(each):<16} {each['name']}{why}")
    if not runs:
        click.echo("there are no runs; `relaycast workflow run FILE` starts one")


@click.command("show")
@_RUN
@_JSON
def show(*, run: str, json_: bool) -> None:
    """Show RUN and where each of its steps stands."""
    shown = ask("GET", run_path(run))
    if json_:
        click.echo(orjson.dumps(shown))
        return
    click.echo(f"{shown['name']}: {state_words(shown)}  (session {shown['session_name']}, started by {shown['by']})")
    for why in filter(None, (shown["held"], shown["reason"])):
        click.echo(f"  {why}")
    for step in shown["steps"]:
        click.echo(step_line(step))
        if step.get("webhook"):
            click.echo(f"      POST {step['webhook']}")
        for need in (each for each in shown["needs"] if each["run"] == shown["id"] and each["step"] == step["name"]):
            click.echo("\n".join(f"  {each}" for each in need_lines(need)))


@click.command("logs")
@_RUN
@click.option("--step", metavar="STEP", help="Only this step's output.  [default: all that have ended]")
@click.option("--attempt", type=int, metavar="N", help="In this attempt.  [default: the newest that has ended]")
def logs(*, run: str, step: str | None, attempt: int | None) -> None:
    """Print what the steps of RUN have said."""
    shown = ask("GET", run_path(run))
    names = [step] if step else [each["name"] for each in shown["steps"] if _has_ended(each)]
    for name in names:
        found = ask("GET", f"{run_path(run, 'steps', name, 'output')}?attempt={attempt or 0}")
        if not step:
            click.echo(f"--- {name} (attempt {found['attempt']})")
        click.echo(found["output"].rstrip("\n"))


@click.command("cancel")
@_RUN
@following
def cancel(*, run: str, then: Following) -> None:
    """End RUN: nothing new starts, and what runs is stopped."""
    ask("POST", run_path(run, "cancel"))
    then.follow(run)


@click.command("resume")
@_RUN
@following
def resume(*, run: str, then: Following) -> None:
    """Let RUN go on, that has failed, was cancelled or needs a person: completed steps stay completed."""
    ask("POST", run_path(run, "resume"))
    then.follow(run)


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
@following
def rerun(*, run: str, step: str | None, file: Path | None, given: tuple[str, ...], dry: bool, then: Following) -> None:
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
    _say_preview(ask("POST", run_path(run, "rerun", "preview"), body=body))
    if dry:
        return
    started = ask("POST", run_path(run, "rerun"), body=body)
    click.echo(f"{started['name']}: run {started['id']}")
    then.follow(started["id"])


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
    found = ask("GET", run_path(left, "compare", right))
    if json_:
        click.echo(orjson.dumps(found).decode())
    else:
        click.echo("\n".join(show_comparison(found)))


@click.command("retry")
@_RUN
@click.argument("step")
@following
def retry(*, run: str, step: str, then: Following) -> None:
    """Try STEP of RUN again."""
    ask("POST", run_path(run, "steps", step, "retry"))
    then.follow(run)


@click.command("skip")
@_RUN
@click.argument("step")
@click.option("--output", default="", metavar="TEXT", help="What the steps behind it take for its output.")
@following
def skip(*, run: str, step: str, output: str, then: Following) -> None:
    """Count STEP of RUN as completed: you have done it by hand."""
    ask("POST", run_path(run, "steps", step, "skip"), body={"output": output})
    then.follow(run)


@click.command("fail")
@_RUN
@click.argument("step")
@following
def fail(*, run: str, step: str, then: Following) -> None:
    """Give STEP of RUN up, that needs a person."""
    ask("POST", run_path(run, "steps", step, "fail"))
    then.follow(run)


@click.command("budget")
@_RUN
@click.option("--tokens", default=0, type=click.IntRange(0), help="So many tokens more.")
@click.option("--usd", default=0.0, type=click.FloatRange(0), help="So many dollars more.")
@following
def budget(*, run: str, tokens: int, usd: float, then: Following) -> None:
    """Allow RUN to spend more than it may; steps that wait for that go on."""
    ask("POST", run_path(run, "budget"), body={"tokens": tokens, "usd": usd})
    then.follow(run)


_ASKED = click.option("--asked", metavar="ID", help="Which question, where STEP asks several.")


@click.command("allow")
@_RUN
@click.argument("step")
@click.option("--note", default="", metavar="TEXT", help="What to say with it; of a gate it is the output of STEP.")
@_ASKED
@following
def allow(*, run: str, step: str, note: str, asked: str | None, then: Following) -> None:
    """Answer what RUN asks in STEP: yes, it may go on, or its agent may use the tool."""
    _answer(run, step, verdict="allow", note=note, asked=asked)
    then.follow(run)


@click.command("deny")
@_RUN
@click.argument("step")
@click.option("--note", default="", metavar="TEXT", help="Why; of a gate it is the reason of STEP.")
@_ASKED
@following
def deny(*, run: str, step: str, note: str, asked: str | None, then: Following) -> None:
    """Answer what RUN asks in STEP: no, it may not go on, or its agent may not use the tool."""
    _answer(run, step, verdict="deny", note=note, asked=asked)
    then.follow(run)


def _answer(run: str, step: str, *, verdict: str, note: str, asked: str | None) -> None:
    """Raises `NotFound` for no such step, `Conflict` for one that asks nothing now, or several things."""
    shown = ask("GET", run_path(run))
    steps = {each["name"]: each for each in shown["steps"]}
    if step not in steps:
        raise NotFound(f"the run has no step {step!r}; it has {', '.join(steps)}", code="STEP_NOT_FOUND")
    needs = [each for each in shown["needs"] if (each["run"], each["step"]) == (shown["id"], step)]
    found = [each["subject"] for each in needs if asked in {None, each["subject"]}]
    if not found:
        raise Conflict(f"{step} waits for no answer: it is {words_of(steps[step]['state'])}", code="NOTHING_ASKED")
    if len(found) > 1:
        raise Conflict(f"{step} asks several things: say which, --asked {' | '.join(found)}", code="ASKS_SEVERAL")
    body = {"verdict": verdict, "note": note}
    answered = ask("POST", f"/v1/approvals/{quote(found[0], safe='')}/answer", body=body)
    if answered["status"] == "pending":
        click.echo("noted; somebody else has to say yes, too", err=True)


@click.command("vote")
@_RUN
@click.argument("choice")
@following
def vote(*, run: str, choice: str, then: Following) -> None:
    """Decide a vote in RUN that had no winner: for CHOICE."""
    ask("POST", run_path(run, "vote"), body={"choice": choice})
    then.follow(run)


def _has_ended(step: dict[str, Any]) -> bool:
    return bool(step["output"]) or any(each["outcome"] for each in step["attempts"])


def _clock(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone().strftime("%m-%d %H:%M:%S")


COMMANDS = (run_, list_, show, logs, cancel, resume, rerun, compare, retry, skip, fail, allow, deny, budget, vote)
