"""Commands whose every failure is a sentence: nobody is shown a traceback who did not ask for one."""

from __future__ import annotations

import contextlib
import os
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import click
from typing_extensions import override

from broker.domain.errors import RelayError
from broker.domain.people.token_text import hide_tokens
from connect.system.console import OUTPUT_CLOSED, accept_every_console, flush_output, leave_output

EXIT_REFUSED = 2
_EXIT_INTERRUPTED = 130
"""As shells say it of a program that SIGINT has ended."""
_EXIT_UNFORESEEN = 70
"""EX_SOFTWARE of sysexits.h."""
_OURS = frozenset({"broker", "connect", "graphql_api"})
TRACEBACK = "RELAYCAST_TRACEBACK"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where a command is, as `module:name`, and the first sentence of its help, which a list shows of it."""

    place: str
    says: str

    def load(self) -> click.Command:
        """Import it."""
        command = pkgutil.resolve_name(self.place)
        assert isinstance(command, click.Command)
        return command


class CommandGroup(click.Group):
    """A click group that tells what its commands raise, and ends with a status that says which kind it was.

    Its name is the program's, whichever way that was started. `elsewhere` names further commands and where each is: it
    is imported when it is called, and costs no other command anything, nor the list of them all.
    """

    def __init__(self, *arguments: Any, elsewhere: Mapping[str, Elsewhere] | None = None, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.elsewhere: Mapping[str, Elsewhere] = dict(elsewhere or {})

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *self.elsewhere])

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if there := self.elsewhere.get(cmd_name):
            return there.load()
        return super().get_command(ctx, cmd_name)

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # A group of what the list needs of each; those that are elsewhere stay where they are.
        told = click.Group(self.name)
        for name in self.list_commands(ctx):
            there = self.elsewhere.get(name)
            command = super().get_command(ctx, name) if there is None else click.Command(name, help=there.says)
            if command is not None:
                told.add_command(command, name)
        told.format_commands(ctx, formatter)

    @override
    def make_context(self, *arguments: Any, **named: Any) -> click.Context:
        accept_every_console()  # before --help and mistakes, which are said before any command runs
        with _without_tokens():
            return super().make_context(*arguments, **named)

    @override
    def main(self, *arguments: Any, **named: Any) -> Any:
        try:
            return super().main(*arguments, **named)
        finally:
            flush_output()  # what is short is not printed before

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _without_tokens():
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise  # click's own: usage, Ctrl-C
        except BrokenPipeError:
            leave_output()
            raise click.exceptions.Exit(OUTPUT_CLOSED) from None
        except KeyboardInterrupt:
            raise click.exceptions.Exit(_EXIT_INTERRUPTED) from None
        except Exception as error:  # the top of a command
            if os.environ.get(TRACEBACK):
                raise
            sentence, status = _describe(_innermost(error), command=ctx.invoked_subcommand or "")
            click.echo(f"{self.name}: {hide_tokens(sentence)}", err=True)
            raise click.exceptions.Exit(status) from None


@contextlib.contextmanager
def _without_tokens() -> Iterator[None]:
    """What click quotes of a mistyped command line is shown without the token that may be in it."""
    try:
        yield
    except click.UsageError as error:
        quoted = error.format_message()
        if hide_tokens(quoted) == quoted:
            raise
        raise click.UsageError(hide_tokens(quoted), ctx=error.ctx) from None


def refusal(error: RelayError) -> str:
    """The code ends the first line: below it a caret stays under what it points at."""
    problem, newline, pointer = error.message.partition("\n")
    return f"{problem} [{error.code}]{newline}{pointer}"


def _innermost(error: Exception) -> Exception:
    """What a task group wraps when one of its tasks fails."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        [error] = error.exceptions
    return error


def _describe(error: Exception, *, command: str) -> tuple[str, int]:
    if isinstance(error, RelayError):
        return refusal(error), EXIT_REFUSED
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.partition(".")[0] not in _OURS:
        return (
            f"`{command}` needs {error.name.partition('.')[0]}, which the base install does not have:"
            " pip install 'relaycast[server]' [EXTRA_MISSING]",
            EXIT_REFUSED,
        )
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror} [SYSTEM_ERROR]", EXIT_REFUSED
    kind = type(error).__name__
    return (
        f"unexpected error: {kind}: {error}; {TRACEBACK}=1 shows the traceback [INTERNAL]",
        _EXIT_UNFORESEEN,
    )
