"""`relaycast logs`: searching and following the logs of a running broker."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import orjson

from broker.cli.operator_client import ask, with_client
from broker.cli.options import together
from broker.domain.agents.sessions import DEFAULT_SESSION
from broker.domain.logs.pages import Facet
from broker.domain.logs.search.lexer import write_quoted
from broker.domain.logs.search.zone import in_zone
from broker.settings import Settings

if TYPE_CHECKING:
    from connect.sdk.logs import Logs
    from connect.terminal.text.layout import Line

_FOUND, _NOTHING = 0, 1
_MOST_HITS = 10_000
_PAGE, _MOST_PAGES = 200, 10
_LOOKS: dict[str, dict[str, Any]] = {
    "dim": {"fg": "bright_black"},
    "strong": {"bold": True},
    "match": {"fg": "yellow", "bold": True},
    "bad": {"fg": "red"},
    "warn": {"fg": "yellow"},
    "frame": {"fg": "cyan"},
}
_T = TypeVar("_T")


@click.group()
def logs() -> None:
    """Search and follow logs. Uses the broker on this machine, or RELAYCAST_URL with RELAYCAST_TOKEN.

    A search is words and conditions that all hold:

    \b
      relaycast logs search 'agent:Backend kind:command "exit 1" -lint'
      word  "words in order"  *part of a word*   a minus before a word excludes it
      session: agent: cli: kind: exit:           one or several: kind:command,files
      tool:relay_*  command:"npm *"  path:src/*.py
      failed:true   since:2h   until:2026-01-31T10:00

    Any other word before a colon is text, as in localhost:8080. Quotes make text of everything: '"exit: 1"'.

    Exit status: 0: something was found; 1: nothing was found; 2: the search failed.
    """


def _searching(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every search can be told; the command gets what is looked for as one `text`."""

    @functools.wraps(command)
    def collected(*, query: tuple[str, ...], since: str | None, until: str | None, **others: Any) -> Any:
        return command(text=_text(query, since=since, until=until), **others)

    return together(
        click.argument("query", nargs=-1),
        click.option("--session", metavar="NAME", help="Look in one session only, by name or id."),
        click.option(
            "--since",
            metavar="TIME",
            help="Only lines after this: an age (30m, 2h, 7d) or a time in this computer's zone.",
        ),
        click.option("--until", metavar="TIME", help="Only lines before this, in the same form."),
        click.option("--json", "json_", is_flag=True, help="Print one JSON document."),
    )(collected)


@logs.command()
@_searching
@click.option(
    "--limit",
    default=50,
    show_default=True,
    type=click.IntRange(1, _MOST_HITS),
    help="Show at most this many, the newest.",
)
@click.option("--before", metavar="CURSOR", help="Continue where an earlier search ended.")
@click.option("-C", "--context", default=0, type=click.IntRange(0, 20), help="Lines to show around each hit.")
def search(*, text: str, session: str | None, json_: bool, limit: int, before: str | None, context: int) -> None:
    """Find lines, newest first."""
    found = _ask(lambda logs: logs.search(text, session=session, limit=limit, before=before, context=context))
    if json_:
        _print_json(found.model_dump(mode="json"))
    else:
        from connect.terminal.output.findings import hit_lines  # noqa: PLC0415 - --help must not load a terminal

        _print(hit_lines(found.hits))
        if found.next:
            click.echo(f"more lines match: add --before {found.next}", err=True)
    if found.incomplete:
        click.echo(found.incomplete, err=True)
    sys.exit(_FOUND if found.hits else _NOTHING)


@logs.command()
@_searching
@click.option(
    "--buckets", default=24, show_default=True, type=click.IntRange(1, 1000), help="At most this many spans of time."
)
def histogram(*, text: str, session: str | None, json_: bool, buckets: int) -> None:
    """Count matching lines over time."""
    found = _ask(lambda logs: logs.histogram(text, session=session, buckets=buckets))
    from connect.terminal.output.findings import histogram_lines  # noqa: PLC0415 - --help must not load a terminal

    _show("buckets", found, histogram_lines(found), json_=json_)


@logs.command()
@click.argument("field", type=click.Choice([field.value for field in Facet]))
@_searching
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100), help="At most this many values.")
def facets(*, field: str, text: str, session: str | None, json_: bool, limit: int) -> None:
    """Count the most frequent values of a field among matching lines."""
    found = _ask(lambda logs: logs.facets(text, field, session=session, limit=limit))
    from connect.terminal.output.findings import count_lines  # noqa: PLC0415 - --help must not load a terminal

    _show("values", found, count_lines(found), json_=json_)


@logs.command()
@click.argument("session", envvar="RELAYCAST_SESSION", default=DEFAULT_SESSION)
@click.option(
    "-n", "--lines", default=20, show_default=True, type=click.IntRange(1, 1000), help="Show this many events first."
)
@click.option("-f", "--follow", is_flag=True, help="Continue with new events until Ctrl-C.")
@click.option("--json", "json_", is_flag=True, help="Print each event as one line of JSON.")
def tail(*, session: str, lines: int, follow: bool, json_: bool) -> None:
    """Show the newest events of a session."""
    after = _ask(lambda logs: _newest(logs, session, lines=lines, json_=json_))
    if follow:
        asyncio.run(_follow(session, after, json_=json_))


@logs.command()
@click.argument("days", required=False, metavar="[DAYS|plan]")
def keep(*, days: str | None) -> None:
    """Show for how many days the workspace keeps its logs, or keep them for fewer: DAYS, or as the `plan` says.

    Workers remove what is older.
    """
    if days is None:
        kept = ask("GET", "/v1/retention")
    elif days == "plan" or days.isdecimal():
        kept = ask("PUT", "/v1/retention", body={"days": None if days == "plan" else int(days)})
    else:
        raise click.UsageError(f"{days!r} is no number of days, and not `plan`")
    said = "as the plan says" if kept["own_days"] is None else f"the plan allows {kept['plan_days']}"
    click.echo(f"logs are kept for {kept['days']} days: {said}")


@logs.command("set-aside")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="The data folder of `up`.",
    envvar="RELAYCAST_DATA_DIR",
)
def set_aside_store(*, data_dir: Path | None) -> None:
    """Rename a damaged embedded log store, so that `up` creates a new one. Nothing is deleted."""
    from broker.adapters.clickhouse.opening import set_aside  # noqa: PLC0415 - --help must not load the engine

    settings = Settings(data_dir=data_dir) if data_dir else Settings()
    name = set_aside(settings.log_folder)
    if name is None:
        click.echo(f"there is no log store in {settings.log_folder}", err=True)
        sys.exit(_NOTHING)
    click.echo(f"the log store was renamed to {name}; the next `relaycast up` creates a new one")


async def _newest(logs: Logs, session: str, *, lines: int, json_: bool) -> str:
    """Print the newest lines; where to go on. People are shown what is worth a line, so that may take more pages."""
    from connect.terminal.output.history import log_lines  # noqa: PLC0415 - --help must not load a terminal

    page = await logs.page(session, limit=lines)
    if page.incomplete:
        click.echo(page.incomplete, err=True)
    after, events = page.after, page.events
    for _ in range(_MOST_PAGES):
        if json_ or page.before is None or len(list(log_lines(events))) >= lines:
            break
        page = await logs.page(session, before=page.before, limit=_PAGE)
        events = page.events + events
    if json_:
        for event in events:
            _print_json(event.model_dump(mode="json"))
    else:
        _print(list(log_lines(events))[-lines:])
    return after


async def _follow(session: str, after: str, *, json_: bool) -> None:
    from connect.sdk import AgentRelay, Reset  # noqa: PLC0415 - --help must not load an HTTP client
    from connect.terminal.output.history import History  # noqa: PLC0415 - --help must not load a terminal

    history = History()
    async with AgentRelay(session=session) as relay:
        async for item in relay.events(after):
            if isinstance(item, Reset):
                click.echo("some history between these lines is gone", err=True)
            elif json_:
                _print_json(item.model_dump(mode="json"))
            else:
                _print(history.lines([item]))


def _text(query: tuple[str, ...], *, since: str | None, until: str | None) -> str:
    """One search of what was typed and the options, whose times are of the clock that hits are shown with."""
    bounds = [f"{name}:{write_quoted(value)}" for name, value in (("since", since), ("until", until)) if value]
    return in_zone(" ".join([*query, *bounds]))


def _ask(question: Callable[[Logs], Coroutine[Any, Any, _T]]) -> _T:
    from connect.sdk.logs import Logs  # noqa: PLC0415 - --help must not load an HTTP client

    return asyncio.run(with_client(lambda client: question(Logs(client))))


def _show(name: str, found: list[Any], lines: Iterable[Line], *, json_: bool) -> None:
    if json_:
        _print_json({name: [each.model_dump(mode="json") for each in found]})
    else:
        _print(lines)
    sys.exit(_FOUND if found else _NOTHING)


def _print_json(value: object) -> None:
    click.echo(orjson.dumps(value))


def _print(lines: Iterable[Line]) -> None:
    for line in lines:
        click.echo(render(line, coloured=_colours_wanted()), color=True)


def render(line: Line, *, coloured: bool) -> str:
    """A line as text, with ANSI colours or without any."""
    if not coloured:
        return "".join(text for _, text in line).rstrip()
    return "".join(
        click.style(text, **_LOOKS.get(style.removeprefix("class:"), {})) if style else text for style, text in line
    )


def _colours_wanted() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
