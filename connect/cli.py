"""The command `relay-connect`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import orjson
from typing_extensions import override

from broker import __version__
from broker.domain.people.token_text import hide_tokens
from connect.command_group import CommandGroup, Elsewhere
from connect.link_options import ask_for_code, merge, with_link_options
from connect.settings import ConnectSettings, Options, resolve_settings, resolve_state_dir

if TYPE_CHECKING:
    from connect.control.messages import State
    from connect.serving.foreground import Presentation


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
    elsewhere={
        "hooks": Elsewhere("connect.hooks_commands:hooks", "Show or change what hooks may run on this machine."),
        "notify": Elsewhere(
            "connect.notify_command:notify",
            "Show a notification on this machine's desktop: TEXT, or what happened to an agent.",
        ),
        "policy": Elsewhere("connect.policy_commands:policy", "Show or change what agents may do on this machine."),
        "service": Elsewhere(
            "connect.service_commands:service",
            "Print a service definition that runs this machine's link with the given options; or install it.",
        ),
        "workflow": Elsewhere(
            "connect.workflow_commands:workflow", "Show or change what workflows may run on this machine."
        ),
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, "-v", "--version", prog_name="relay-connect")
@with_link_options
@click.option(
    "--lead",
    metavar="[NAME=]PROGRAM",
    help="The agent that plain text is for: `codex`, or `Boss=codex`.  [default: Lead, with an installed program]",
)
@click.option("-p", "--prompt", "task", metavar="TASK", help="Have this task done, then exit. -: standard input.")
@click.option("--wait-for-people", is_flag=True, help="With a task: wait for people to answer, elsewhere.")
@click.option("--headless", is_flag=True, help="Run the link alone, for services and containers.")
@click.option(
    "--enrol",
    metavar="CODE",
    help="With --headless: link this machine by a code of `relaycast machine enrol`. -: ask for it, or read it from"
    " standard input.",
)
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
      70   an unexpected error, or it was upgraded while it waited; agents that were left are ended by the next start
      75   without a terminal: a person has to answer a question, or resume what is stopped, and nobody is there
      130  interrupted, or killed by a second signal
    """
    context.obj = Options(**{each.name: given[each.name] for each in dataclasses.fields(Options)})
    if context.invoked_subcommand is not None:
        return
    task = given["task"]
    if given["headless"] and task is not None:
        raise click.UsageError("--headless is a link alone: it has nobody do a task")
    if given["enrol"] is not None:
        _enrol(context, given)
    if task == "-" and given["token_file"] == Path("-"):
        raise click.UsageError("standard input is one thing: the token or the task; set RELAYCAST_TOKEN")
    _serve(context, _choose_presentation(given, sys.stdin.read() if task == "-" else task))


def _enrol(context: click.Context, given: Mapping[str, Any]) -> NoReturn:
    """Serve with the token that a code is exchanged for."""
    from connect.access.enrolment import enrol  # noqa: PLC0415 - for this option

    if not given["headless"]:
        raise click.UsageError("--enrol links a machine that nobody sits at: it goes with --headless")
    if given["token"] or given["token_file"]:
        raise click.UsageError("this machine is linked by a code or by a token, not by both")
    code = ask_for_code(given["enrol"])
    settings = resolve_settings(context.obj, with_token=False)
    _serve(
        context, _choose_presentation(given, None), dataclasses.replace(settings, token=enrol(settings.endpoint, code))
    )


def _choose_presentation(given: Mapping[str, Any], task: str | None) -> Presentation:
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
    _serve(outer, _choose_presentation(outer.params, words[0]))


def _serve(context: click.Context, presentation: Presentation, settings: ConnectSettings | None = None) -> NoReturn:
    from connect.serving.foreground import serve  # noqa: PLC0415 - as above

    sys.exit(serve(settings or resolve_settings(context.obj), presentation))


@main.command()
@with_link_options
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

    findings = asyncio.run(examine_options(merge(outer, options)))
    if as_json:
        click.echo(orjson.dumps({"findings": [dataclasses.asdict(finding) for finding in findings]}))
    else:
        marks = {Health.OK: "✓", Health.WARNING: "!", Health.PROBLEM: "✗", Health.UNKNOWN: "?"}
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            click.echo(f"{marks[finding.health]} {finding.subject:<{width}}  {finding.text}")
    sys.exit(any(finding.health is Health.PROBLEM for finding in findings))


@main.command()
@with_link_options
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
        click.echo(orjson.dumps({"running": state is not None, "state_dir": str(folder), **_show(state)}))
    else:
        click.echo(
            "\n".join(state_lines(state, state_dir=folder) if state is not None else [f"no link runs for {folder}"])
        )
    sys.exit(state is None)


@main.command()
@with_link_options
@click.option("--now", is_flag=True, help="Kill the agents instead of ending them cleanly.")
@click.pass_obj
def stop(outer: Options, /, *, now: bool, **options: Any) -> None:
    """End this machine's agents and its link, and wait until they have ended."""
    import asyncio  # noqa: PLC0415 - `version` needs no event loop

    from connect.control import client  # noqa: PLC0415 - for this command

    folder = _state_dir(outer, options)
    ended = asyncio.run(client.stop(folder, now=now, on_notice=lambda notice: click.echo(hide_tokens(notice.text))))
    click.echo(f"no link runs for {folder}" if ended is None else "✓ The link has ended")


def _state_dir(outer: Options, given: dict[str, Any]) -> Path:
    return resolve_state_dir(merge(outer, given))


def _show(state: State | None) -> dict[str, Any]:
    return {} if state is None else state.model_dump(mode="json", exclude={"type"})


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(__version__)


if __name__ == "__main__":
    main()
