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
from connect.notify_command import notify
from connect.policy_commands import policy
from connect.settings import Options, resolve_settings, resolve_state_dir
from connect.workflow_commands import workflow

if TYPE_CHECKING:
    from connect.control.messages import State
    from connect.serving.foreground import Presentation

_F = TypeVar("_F", bound=Callable[..., Any])

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--url", metavar="URL", help="URL of the broker; also RELAYCAST_URL."),
    click.option("--token-file", type=click.Path(path_type=Path), help="File with the token; -: standard input."),
    click.option("--token", metavar="TOKEN", help="The token. RELAYCAST_TOKEN is safer: other users cannot list it."),
    click.option("--insecure", is_flag=True, help="Allow http:// to another machine; also RELAYCAST_INSECURE=1."),
    click.option("--name", help="Name of this machine; also RELAYCAST_NAME.  [default: its host name]"),
    click.option("--label", "labels", multiple=True, help="A label for choosing this machine; may be repeated."),
    click.option("--session", help="Session to join, by name or id; also RELAYCAST_SESSION."),
    click.option(
        "--state-dir",
        type=click.Path(path_type=Path),
        help="Folder of this link's state, for one process; also RELAYCAST_STATE_DIR.",
    ),
    click.option(
        "--new-identity",
        is_flag=True,
        help="Register as a new machine: for a copy of a state folder that is still in use.",
    ),
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        help="Configuration file, in place of the user's relay-connect.toml.",
    ),
    click.option(
        "--agent",
        "agents",
        multiple=True,
        metavar="NAME=CMD",
        help="An ACP agent program and its command line; may be repeated.",
    ),
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
    help="The agent that plain text is for: `codex`, or `Boss=codex`.  [default: Lead, with an installed program]",
)
@click.option("-p", "--prompt", "task", metavar="TASK", help="Have this task done, then exit. -: standard input.")
@click.option("--wait-for-people", is_flag=True, help="With a task: wait for people to answer, elsewhere.")
@click.option("--headless", is_flag=True, help="Run the link alone, for services and containers.")
@click.option("--quiet", "verbosity", flag_value="quiet", help="Show final results only.")
@click.option("--verbose", "verbosity", flag_value="verbose", help="Show tool calls and file changes too.")
@click.option("--json", "json_lines", is_flag=True, help="Print one JSON object a line.")
@click.option(
    "--leaving",
    type=click.Choice(["keep", "stop"]),
    help="Keep or stop the link and its agents when the last terminal leaves.  [default: ask]",
)
@click.pass_context
def main(context: click.Context, /, **given: Any) -> None:
    """Connect this machine to a Relaycast broker, which starts and drives coding agents on it.

    The agents are the children of a link process, which holds a token that links this machine and does nothing else.
    A terminal starts it if none runs for the state folder, otherwise it connects to the one that runs. The person's
    token is exchanged for one that lasts 15 minutes and stays in the terminal's memory.

    \b
    Without a person:
      relay-connect "fix the failing test"          Lead does it; Lead is started here if it does not run
      relay-connect -p "fix the failing test"       the same, for a task of any form; -p - reads it from standard input
      git diff | relay-connect -p - --quiet         without -p a pipe is one task if its first line is no command,
                                                    otherwise each line is a command
      The final answer goes to standard output, the work to standard error (--quiet: no work; --verbose: tool calls
      too; --json: everything as one JSON object a line, the last of the kind `result`). It exits when everything that
      came of the task is answered, or with status 75 when only a person can answer; --wait-for-people waits instead.
      Ctrl-C interrupts the agents that work for it; a second one leaves.

    \b
    Leaving:
      exit, Ctrl-D      the last terminal asks whether agents continue in the background; Enter ends them cleanly
      SIGTERM, SIGINT   the last terminal ends the link without asking, unless it was kept before;
                        a second one kills the agents at once
      SIGHUP            closing the window, or killing the terminal, leaves the link and its agents running
      --headless        the link alone, in the foreground: each of these signals ends its agents cleanly, a second
                        SIGTERM or SIGINT kills them at once
      no terminal       reads tasks or commands from standard input and never asks; a link it has started ends with it
      --leaving         keep or stop without asking, however the last terminal leaves

    \b
    Exit status:
      0    ended by a signal or by its terminal; everything that was asked for is answered
      1    without a terminal: a command was refused, a message was not delivered, or the last turn of whoever was
           asked failed or was stopped
      2    cannot start: a wrong option, no token, a state folder that is in use or unsafe; in a terminal, or with a
           task: the broker cannot be reached or refuses
      3    the broker rejects this machine: a revoked token, another protocol version, …
      4    its state folder was deleted, moved or replaced while it ran
      70   an unexpected error; agents that were left are ended by the next start
      75   without a terminal: a person has to answer a question, or resume what is stopped, and nobody is there
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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def doctor(outer: Options, /, *, as_json: bool, **options: Any) -> None:
    """Check what relay-connect needs, and say what to do about what is missing.

    ACP agents are started briefly in an empty folder; no model is called.

    \b
    ✓  works                  !  works, but something should be changed
    ✗  does not work          ?  cannot be checked from here
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
main.add_command(workflow)
main.add_command(notify)


@main.command()
@_with_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def status(outer: Options, /, *, as_json: bool, **options: Any) -> None:
    """Show this machine's link with its agents and terminals. Exit status 1: no link runs."""
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
@click.option("--now", is_flag=True, help="Kill the agents instead of ending them cleanly.")
@click.pass_obj
def stop(outer: Options, /, *, now: bool, **options: Any) -> None:
    """End this machine's agents and its link, and wait until they have ended."""
    import asyncio  # noqa: PLC0415 - `version` needs no event loop

    from connect.control import client  # noqa: PLC0415 - for this command

    folder = _state_dir(outer, options)
    ended = asyncio.run(client.stop(folder, now=now, on_notice=lambda notice: click.echo(hide_tokens(notice.text))))
    click.echo(f"no link runs for {folder}" if ended is None else "✓ The link has ended")


@main.command()
@_with_options
@click.option(
    "--systemd", "manager", flag_value="systemd", help="Print a systemd user unit; the default, except on macOS."
)
@click.option("--launchd", "manager", flag_value="launchd", help="Print a launchd property list; the default on macOS.")
@click.pass_obj
def service(outer: Options, /, *, manager: str | None, **options: Any) -> None:
    """Print a service definition that runs this machine's link with the given options.

    \b
      systemd   relay-connect service > ~/.config/systemd/user/relay-connect.service
                systemctl --user daemon-reload && systemctl --user enable --now relay-connect
      launchd   relay-connect service > ~/Library/LaunchAgents/dev.relaycast.relay-connect.plist
                launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/dev.relaycast.relay-connect.plist

    Agents start in the current folder. No token is written into it: link the machine first, or give --token-file.
    Stop a link that already runs (`relay-connect stop`); terminals then use the service's.
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
