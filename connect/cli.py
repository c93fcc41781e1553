"""The command `relay-connect`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
import orjson
from typing_extensions import override

from broker import __version__
from broker.domain.people.token_text import hide_tokens
from connect.command_group import CommandGroup
from connect.hooks_commands import hooks
from connect.policy_commands import policy
from connect.settings import Options, resolve_settings, resolve_state_dir

if TYPE_CHECKING:
    from connect.control.messages import State
    from connect.serving.foreground import Presentation

_F = TypeVar("_F", bound=Callable[..., Any])

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--url", metavar="URL", help="The broker; also RELAYCAST_URL."),
    click.option(
        "--token-file", type=click.Path(path_type=Path), help="A file that holds the token; -: standard input."
    ),
    click.option("--token", metavar="TOKEN", help="The token; better RELAYCAST_TOKEN, which other users cannot list."),
    click.option("--insecure", is_flag=True, help="Allow http:// to another machine; also RELAYCAST_INSECURE=1."),
    click.option("--name", help="What this machine is called; its host name by default."),
    click.option("--label", "labels", multiple=True, help="Something to choose this machine by; may be repeated."),
    click.option("--session", help="The session to join, by name or id."),
    click.option("--state-dir", type=click.Path(path_type=Path), help="Where it remembers itself; one process each."),
    click.option(
        "--new-identity", is_flag=True, help="Become another machine: for a state folder copied from one that runs on."
    ),
    click.option("--config", type=click.Path(path_type=Path), help="Instead of the user's relay-connect.toml."),
    click.option("--agent", "agents", multiple=True, metavar="NAME=CMD", help="An ACP agent and its command line."),
)


def _with_options(command: _F) -> _F:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class _TasksToo(CommandGroup):
    """Takes one argument with spaces in it, as a sentence in quotes has, for a task."""

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None:
            if len(args[0].split()) > 1:
                return _TASK, _task, args
            raise click.UsageError(
                f"No such command '{args[0]}'. A task stands in quotes, behind the options: `relay-connect"
                ' "fix the failing test"`; one of a single word behind -p',
                ctx,
            )
        return super().resolve_command(ctx, args)


_TASK = "task"


@click.group(
    "relay-connect",
    cls=_TasksToo,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, "-v", "--version", prog_name="relay-connect")
@_with_options
@click.option(
    "--lead",
    metavar="[NAME=]PROGRAM",
    help="Whom plain lines are for, as `codex` or `Boss=codex`; else Lead, with what is installed.",
)
@click.option("-p", "--prompt", "task", metavar="TASK", help="Have this done, and end. -: all of standard input.")
@click.option(
    "--wait-for-people", is_flag=True, help="Where nobody sits at it: wait until a person has answered, elsewhere."
)
@click.option("--headless", is_flag=True, help="Without a terminal: for services and containers.")
@click.option("--quiet", "verbosity", flag_value="quiet", help="Show final results only.")
@click.option("--verbose", "verbosity", flag_value="verbose", help="Show tool calls and file changes too.")
@click.option("--json", "json_lines", is_flag=True, help="One JSON object a line instead of text.")
@click.option(
    "--leaving",
    type=click.Choice(["keep", "stop"]),
    help="What becomes of the link and its agents when their last terminal leaves; without it a person is asked.",
)
@click.pass_context
def main(context: click.Context, /, **given: Any) -> None:
    """Connect this machine to a Relaycast broker, which starts and drives coding agents on it.

    The agents are the children of a link process, which holds a token that links this machine and does nothing else.
    A terminal starts it when none runs for the state folder, and else comes to the one that does; the person's token
    is exchanged for one of a quarter of an hour and stays in the terminal's memory.

    \b
    Without a person:
      relay-connect "fix the failing test"          has it done by Lead, which is started here when it is not there
      relay-connect -p "fix the failing test"       the same, for a task of any form; -p - reads it from standard input
      git diff | relay-connect -p - --quiet         a pipe without -p is read as one task, too, when its first line is
                                                    no command; else each line of it is a command
      The last words of whoever was asked go to standard output, the work goes to standard error (--quiet: no work;
      --verbose: tool calls too; --json: all as one JSON object a line, the last of the kind `result`). It ends when
      all that came of the task is answered. What only a person can answer is said and ends it with 75;
      --wait-for-people waits instead. Ctrl-C interrupts the agents that work for it; a second one leaves.

    \b
    Leaving:
      exit, Ctrl-D      the last terminal asks whether agents go on in the background; Enter ends them in good order
      SIGTERM, SIGINT   the same without a question: the link is ended by its last terminal, unless it was kept before;
                        a second one kills the agents at once
      SIGHUP            a window that is closed, like a terminal that is killed, leaves the link and its agents running
      --headless        the link alone, in the foreground: each of these signals ends its agents in good order, a second
                        SIGTERM or SIGINT kills them at once
      no terminal       tasks or commands from standard input: never asks; a link that was started for it ends with it
      --leaving         keep or stop, however the last terminal leaves, without a question

    \b
    Exit status:
      0    ended by a signal or by its terminal; all that was asked for is answered
      1    without a terminal: a command was refused, a message did not arrive, or the last turn of whoever was asked
           failed or was stopped
      2    it cannot start: a wrong option, no token, a state folder that is in use or unsafe; in a terminal, or with a
           task: the broker is out of reach or says no
      3    the broker does not want this machine: a revoked token, another protocol version, …
      4    its state folder was deleted, moved or replaced while it ran
      70   something unforeseen; agents that were left are ended by the next start
      75   without a terminal: a person has to answer a question or to resume what is stopped, and nobody is there
      130  interrupted, or killed by a second signal
    """
    context.obj = Options(**{each.name: given[each.name] for each in dataclasses.fields(Options)})
    if context.invoked_subcommand is not None:
        return
    task = given["task"]
    if given["headless"] and task is not None:
        raise click.UsageError("--headless is a link alone: it has nobody do a task")
    if task == "-" and given["token_file"] == Path("-"):
        raise click.UsageError("standard input is one thing: the token or the task; set RELAYCAST_TOKEN")
    _serve(context, _presented(given, sys.stdin.read() if task == "-" else task))


def _presented(given: Mapping[str, Any], task: str | None) -> Presentation:
    """How it was asked to show itself. Raises `click.UsageError` for a task without words."""
    from connect.serving.foreground import Presentation  # noqa: PLC0415 - `doctor` and `version` need no link

    if task is not None and not task.strip():
        raise click.UsageError("the task is empty")
    return Presentation(
        headless=given["headless"],
        json_lines=given["json_lines"],
        verbosity=given["verbosity"] or "normal",
        leaving=given["leaving"],
        task=task and task.strip(),
        waits_for_people=given["wait_for_people"],
    )


@click.command(_TASK)
@click.argument("words", nargs=-1)
@click.pass_context
def _task(context: click.Context, /, *, words: tuple[str, ...]) -> None:
    """Have a task done, and end."""
    outer = context.parent
    assert outer is not None
    if len(words) > 1 or outer.params["task"] is not None or outer.params["headless"]:
        raise click.UsageError("one task, in quotes, and no other argument", outer)
    _serve(outer, _presented(outer.params, words[0]))


def _serve(context: click.Context, presentation: Presentation) -> NoReturn:
    from connect.serving.foreground import serve  # noqa: PLC0415 - as above

    sys.exit(serve(resolve_settings(context.obj), presentation))


@main.command()
@_with_options
@click.option("--json", "as_json", is_flag=True, help="A JSON document instead of a table.")
@click.pass_obj
def doctor(outer: Options, /, *, as_json: bool, **options: Any) -> None:
    """Look at what relay-connect needs, and say what to do about what is missing.

    Agents of the Agent Client Protocol are started for a moment, in an empty folder; no model is asked.

    \b
    ✓  it works here          !  it works, and something should be otherwise
    ✗  it does not work       ?  it cannot be known from here
    """
    import asyncio  # noqa: PLC0415 - `version` needs no event loop

    from connect.doctor import Health, examine_options  # noqa: PLC0415 - brings an HTTP client

    given = {name: value for name, value in options.items() if value}
    findings = asyncio.run(examine_options(dataclasses.replace(outer, **given)))
    if as_json:
        click.echo(orjson.dumps({"findings": [dataclasses.asdict(finding) for finding in findings]}))
    else:
        marks = {Health.OK: "✓", Health.WARNING: "!", Health.PROBLEM: "✗", Health.UNKNOWN: "?"}
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            click.echo(f"{marks[finding.health]} {finding.subject:<{width}}  {finding.text}")
    sys.exit(any(finding.health is Health.PROBLEM for finding in findings))


main.add_command(policy)
main.add_command(hooks)


@main.command()
@_with_options
@click.option("--json", "as_json", is_flag=True, help="A JSON document instead of text.")
@click.pass_obj
def status(outer: Options, /, *, as_json: bool, **options: Any) -> None:
    """Say whether a link of this machine runs, with which agents and terminals; else the exit status is 1."""
    import asyncio  # noqa: PLC0415 - `version` needs no event loop

    from connect.control.client import ask_state  # noqa: PLC0415 - for this command
    from connect.control.report import state_lines  # noqa: PLC0415 - for this command

    folder = _state_dir(outer, options)
    state = asyncio.run(ask_state(folder))
    if as_json:
        click.echo(orjson.dumps({"running": state is not None, "state_dir": str(folder), **_shown(state)}))
    else:
        click.echo("\n".join(state_lines(state) if state is not None else [f"no link runs for {folder}"]))
    sys.exit(state is None)


@main.command()
@_with_options
@click.option("--now", is_flag=True, help="Kill the agents instead of ending them in good order.")
@click.pass_obj
def stop(outer: Options, /, *, now: bool, **options: Any) -> None:
    """End the agents of this machine's link, and the link, and wait for that."""
    import asyncio  # noqa: PLC0415 - `version` needs no event loop

    from connect.control import client  # noqa: PLC0415 - for this command

    folder = _state_dir(outer, options)
    ended = asyncio.run(client.stop(folder, now=now, on_notice=lambda notice: click.echo(hide_tokens(notice.text))))
    click.echo(f"no link runs for {folder}" if ended is None else "✓ The link has ended")


@main.command()
@_with_options
@click.option("--systemd", "manager", flag_value="systemd", help="A systemd user unit; the default but on macOS.")
@click.option("--launchd", "manager", flag_value="launchd", help="A launchd property list; the default on macOS.")
@click.pass_obj
def service(outer: Options, /, *, manager: str | None, **options: Any) -> None:
    """Print what a service manager needs to run this machine's link, with the options that are given here.

    \b
      systemd   relay-connect service > ~/.config/systemd/user/relay-connect.service
                systemctl --user daemon-reload && systemctl --user enable --now relay-connect
      launchd   relay-connect service > ~/Library/LaunchAgents/dev.relaycast.relay-connect.plist
                launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/dev.relaycast.relay-connect.plist

    Agents start in the folder in which this is called. No token is written down: link the machine first, or give
    --token-file. A link that runs already has to be stopped (`relay-connect stop`); terminals come to the service's.
    """
    from connect.access.credentials import KEPT_FILE, KeptTokens  # noqa: PLC0415 - for this command
    from connect.service import Manager, describe, own_manager  # noqa: PLC0415 - for this command
    from connect.service import service as as_service  # noqa: PLC0415 - for this command

    chosen = dataclasses.replace(outer, **{name: value for name, value in options.items() if value})
    settings = resolve_settings(chosen)
    linked = KeptTokens(path=settings.state_dir / KEPT_FILE, url=settings.endpoint.url).read() is not None
    found = as_service(settings, chosen, linked=linked)
    click.echo(describe(found, Manager(manager) if manager else own_manager()), nl=False)


def _state_dir(outer: Options, given: dict[str, Any]) -> Path:
    chosen = dataclasses.replace(outer, **{name: value for name, value in given.items() if value})
    return resolve_state_dir(chosen)


def _shown(state: State | None) -> dict[str, Any]:
    return {} if state is None else state.model_dump(mode="json", exclude={"type"})


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(__version__)


if __name__ == "__main__":
    main()
