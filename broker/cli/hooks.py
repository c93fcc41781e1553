"""`relaycast hooks`: what is done when something happens to an agent."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from textwrap import indent
from typing import Any, TextIO
from urllib.parse import quote

import click
import orjson

from broker.cli.operator_client import ask
from broker.protocol.hooks_yaml.project import PROJECT_FILE
from broker.protocol.hooks_yaml.reader import read_hooks

_STATES = {
    "ordered": "…",
    "started": "▶",
    "completed": "✓",
    "failed": "✗",
    "refused": "!",
    "skipped": "-",
    "expired": "✗",
    "interrupted": "✗",
}


_takes_file = click.argument("file", type=click.File("r"), default=str(PROJECT_FILE), metavar="[FILE]")


@click.group()
def hooks() -> None:
    """Do something when an agent's turn ends, a file changes, a command fails, a person is needed.

    Hooks are one YAML file of the workspace. A command runs on the agent's own machine, and only once that machine's
    owner has allowed it there with `relay-connect hooks allow`. Speaks to the broker on this machine, or to
    RELAYCAST_URL; `check` needs no broker.
    """


@hooks.command()
@_takes_file
def check(*, file: TextIO) -> None:
    """Read FILE and list what is wrong in it, with line and column. Without FILE: .relaycast/hooks.yaml."""
    _require_good(file)
    click.echo("✓ nothing is wrong with it")


@hooks.command()
@_takes_file
@click.option("--replacing", type=int, metavar="VERSION", help="Refuse when the hooks are not of VERSION any more.")
def apply(*, file: TextIO, replacing: int | None) -> None:
    """Replace the workspace's hooks by those in FILE (- for standard input), from the next event on.

    Without FILE it is .relaycast/hooks.yaml of the folder this is typed in, where projects keep hooks they propose.
    """
    text = _require_good(file)
    shown = ask("PUT", "/v1/hooks", body={"text": text, "version": replacing})
    count = len(shown["hooks"])
    click.echo(f"✓ version {shown['version']}: {count} hook{'' if count == 1 else 's'}")
    for note in shown["notes"]:
        click.echo(f"! {note}")
    if any("command" in hook["does"] for hook in shown["hooks"]):
        what = "review" if file.name in {"-", "<stdin>"} else f"allow {shlex.quote(file.name)}"
        where = "  each machine's owner allows the commands there, in the agents' folder"
        click.echo(f"{where}: relay-connect hooks {what}")


@hooks.command("list")
@click.option("--json", "json_", is_flag=True, help="One JSON document, as /v1/hooks has it.")
def list_(*, json_: bool) -> None:
    """List the hooks that hold."""
    shown = ask("GET", "/v1/hooks")
    if json_:
        click.echo(orjson.dumps(shown))
        return
    if shown["paused"]:
        click.echo("all hooks are paused: relaycast hooks resume lets them go on")
    for hook in shown["hooks"]:
        state = f"  ({_state(hook)})" if _state(hook) else ""
        click.echo(f"{hook['id']:<16} {hook['for']} {hook['on']}: {_does(hook['does'])}{state}")
    for note in shown["notes"]:
        click.echo(f"! {note}")
    if not shown["hooks"]:
        click.echo("there are no hooks; `relaycast hooks apply FILE` makes some")


@hooks.command()
def show() -> None:
    """Print the hooks that hold as they were written."""
    click.echo(ask("GET", "/v1/hooks")["text"], nl=False)


@hooks.command()
@click.option("-n", "--lines", default=20, show_default=True, help="Show at most so many runs.")
@click.option("-o", "--output", is_flag=True, help="With what each command wrote.")
@click.option("--json", "json_", is_flag=True, help="One JSON document, as /v1/hooks/runs has it.")
def history(*, lines: int, output: bool, json_: bool) -> None:
    """Show the latest runs: what set each off, and what came of it."""
    runs = ask("GET", f"/v1/hooks/runs?limit={lines}")["runs"]
    if json_:
        click.echo(orjson.dumps({"runs": runs}))
        return
    for run in reversed(runs):
        click.echo(_harmless(_run(run)))
        if output and run["data"].get("output"):
            click.echo(indent(_harmless(run["data"]["output"].rstrip()), "    "))


@hooks.command()
@click.argument("file", type=click.File("r"), required=False)
@click.option("--hook", metavar="ID", help="Only this hook.")
@click.option("--days", type=click.FloatRange(0, 366, min_open=True), default=7, show_default=True)
@click.option("--on", "machine", metavar="MACHINE", help="Let --hook run now, for an agent on that machine.")
@click.option("--json", "json_", is_flag=True, help="One JSON document, as /v1/hooks/test has it.")
def test(*, file: TextIO | None, hook: str | None, days: float, machine: str | None, json_: bool) -> None:
    """Show what hooks would have done with the log of the last days: those in FILE, or those that hold.

    Nothing is done, except with --on: then one hook that holds runs now, and what it does is shown as it is done.
    """
    if machine is not None:
        if hook is None or file is not None:
            raise click.UsageError("--on goes with --hook, and with hooks that hold")
        _fire(ask("POST", "/v1/hooks/test/runs", body={"hook": hook, "machine": machine}), json_=json_)
        return
    text = _require_good(file) if file else None
    trial = ask("POST", "/v1/hooks/test", body={"text": text, "hook": hook, "days": days})
    if json_:
        click.echo(orjson.dumps(trial))
        return
    for each in trial["hooks"]:
        click.echo(f"{each['hook']} ({each['on']}) {_times(each['runs'])} in the last {days:g} days")
        for example in each["examples"]:
            at = datetime.fromtimestamp(example["at_ms"] / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
            click.echo(f"  {at}  {example['session']}/{example['agent']}  {_would(example['does'])}")
    looked = f"looked at {trial['events']} events of {_sessions(trial['sessions'])}"
    click.echo(looked if trial["complete"] else f"{looked}; there is more in the log, or was, that was not looked at")


@hooks.command("dead-letters")
@click.option("-n", "--lines", default=20, show_default=True, help="Show at most so many.")
@click.option("--json", "json_", is_flag=True, help="One JSON document, as /v1/hooks/dead-letters has it.")
def dead_letters(*, lines: int, json_: bool) -> None:
    """Show what could not be delivered, with the id that `resend` takes."""
    runs = ask("GET", f"/v1/hooks/dead-letters?limit={lines}")["runs"]
    if json_:
        click.echo(orjson.dumps({"runs": runs}))
        return
    for run in reversed(runs):
        click.echo(_harmless(f"{run['id']}  {_run(run)}"))
    if not runs:
        click.echo("everything was delivered")


@hooks.command()
@click.argument("runs", nargs=-1, metavar="[RUN]…")
@click.option("--all", "all_", is_flag=True, help="All that could not be delivered.")
def resend(*, runs: tuple[str, ...], all_: bool) -> None:
    """Deliver again what could not be delivered: the runs given, or --all. Receivers know each by the id it had."""
    if bool(runs) is all_:
        raise click.UsageError("name runs, or give --all")
    chosen = [run["id"] for run in ask("GET", "/v1/hooks/dead-letters?limit=1000")["runs"]] if all_ else list(runs)
    for run in chosen:
        ask("POST", f"/v1/hooks/runs/{quote(run, safe='')}/resend")
    click.echo(f"✓ {len(chosen)} to be delivered again")


@hooks.command()
def pause() -> None:
    """Let no hook begin; what happens meanwhile sets nothing off."""
    ask("PUT", "/v1/hooks/paused", body={"paused": True})
    click.echo("✓ all hooks are paused")


@hooks.command()
def resume() -> None:
    """Let paused hooks go on, from the next event on."""
    ask("PUT", "/v1/hooks/paused", body={"paused": False})
    click.echo("✓ hooks go on")


@hooks.command()
@click.confirmation_option(prompt="Remove all hooks of the workspace?")
def clear() -> None:
    """Remove all hooks."""
    ask("DELETE", "/v1/hooks")
    click.echo("✓ there are no hooks any more")


def _require_good(file: TextIO) -> str:
    text = file.read()
    problems = read_hooks(text).problems
    if problems:
        raise click.ClickException("\n".join(f"{file.name}: {problem}" for problem in problems))
    return text


def _does(does: dict[str, Any]) -> str:
    if "relay" in does:
        return f"relay to {does['relay']}"
    if "webhook" in does:
        return f"webhook to {does['webhook']}"
    if "notify" in does:
        return f"notify {does['notify']}"
    if "start_workflow" in does:
        return f"start the workflow {does['start_workflow']}"
    command = does["command"]
    return command if isinstance(command, str) else " ".join(command)


def _fire(fired: dict[str, Any], *, json_: bool) -> None:
    if json_:
        click.echo(orjson.dumps(fired))
        return
    about = (
        "the latest that set it off" if fired["from_log"] else "an example: nothing in the log would have set it off"
    )
    click.echo(f"✓ run {fired['run']} for {fired['session']}/{fired['agent']}, about {about}")
    click.echo(f"  {_would(fired['does'])}")
    click.echo("  `relaycast hooks history` shows what comes of it")


def _would(does: dict[str, Any]) -> str:
    """What is done, with every word of a command as it is: quoted where a space would hide its end."""
    if "argv" in does:
        return " ; ".join(shlex.join(call) for call in does["argv"])
    if "skipped" in does:
        return f"nothing: {does['skipped']}"
    if "starts" in does:
        given = ", ".join(f"{name}={value}" for name, value in does["starts"].items())
        return f"start its workflow{' with ' if given else ''}{given}"
    return f"{does['text'].splitlines()[0]} → {does['relay']}" if "relay" in does else f"to {does['to']}"


def _times(count: int) -> str:
    return f"would have run {'once' if count == 1 else f'{count} times'}" if count else "would not have run"


def _sessions(count: int) -> str:
    return "1 session" if count == 1 else f"{count} sessions"


def _state(hook: dict[str, Any]) -> str:
    if not hook["enabled"]:
        return "not enabled"
    return f"stopped: {hook['stopped']}; `relaycast hooks resend` or apply lets it go on" if hook.get("stopped") else ""


def _run(run: dict[str, Any]) -> str:
    at, data = _clock(run["at_ms"]), run["data"]
    said = [data.get("event", ""), data.get("reason", ""), shlex.join(data.get("argv", ()))]
    code = data.get("exit_code")
    said += [f"exit {code}"] if code else []
    said += [f"{data['times']} times in one"] if "times" in data else []
    said += [f"to {data['to']}"] if "to" in data else []
    said += [f"attempt {data['attempt']}"] if run["state"] == "started" and "attempt" in data else []
    said += [f"again at {_clock(data['again_at_ms'])}"] if "again_at_ms" in data else []
    mark = _STATES[run["state"]]
    return f"{at}  {mark} {run['state']:<11} {run['hook']:<16} {run['name']}  {'  '.join(filter(None, said))}"


def _harmless(text: str) -> str:
    """What programs have written and files are called, with what hides in it made visible."""
    from connect.terminal.text.characters import visible  # noqa: PLC0415 - for two commands of many

    return "\n".join(visible(line) for line in text.split("\n"))


def _clock(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone().strftime("%H:%M:%S")
