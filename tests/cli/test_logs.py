"""`relaycast logs` against a gateway with a log store."""

import asyncio
import os
import signal
import sys

import orjson
import pytest

from broker.cli.logs import render
from tests.fixtures.gateway import Gateway
from tests.fixtures.shell import Shell, shell_of


@pytest.fixture
def shell(logged: Gateway) -> Shell:
    return shell_of(logged, "logs")


async def test_hits_are_printed_plain_where_there_is_no_terminal(shell: Shell) -> None:
    result = await shell("search", "kind:command exit:0")
    assert result.exit_code == 0
    assert "main:10 Lead" in result.stdout
    assert result.stdout.rstrip().endswith("npm test ok  → exit 0")
    assert "\x1b" not in result.stdout


async def test_nothing_found_is_an_exit_status_of_its_own(shell: Shell) -> None:
    for arguments in (["search", "nowhere"], ["histogram", "nowhere"], ["facets", "kind", "nowhere"]):
        result = await shell(*arguments)
        assert (result.exit_code, result.stdout) == (1, "nothing found\n")


async def test_a_query_error_keeps_its_caret_under_the_place(shell: Shell) -> None:
    result = await shell("search", "word kind:comand", "--since", "2h")
    assert (result.exit_code, result.stdout) == (2, "")
    first, query, caret = result.stderr.rstrip("\n").split("\n")
    assert first.startswith("relaycast: there is no kind comand; did you mean command?")
    assert first.endswith("[INVALID_QUERY]")
    assert query[caret.index("^") :].startswith("comand")


async def test_a_search_goes_on_where_it_ended(shell: Shell) -> None:
    first = await shell("search", "line", "--limit", "4", "--session", "main")
    cursor = first.stderr.removeprefix("more lines match: add --before ").strip()
    rest = await shell("search", "line", "--before", cursor, "--json")
    assert [hit["text"] for hit in orjson.loads(rest.stdout)["hits"]] == [f"line {n}" for n in (5, 4, 3, 2, 1)]
    assert rest.stderr == ""


async def test_context_and_bounds(shell: Shell) -> None:
    result = await shell("search", '"line 5"', "-C", "1", "--since", "2h", "--until", "1s")
    assert [line.split("  ")[-1] for line in result.stdout.splitlines()] == ["line 4", "line 5", "line 6"]
    assert (await shell("search", "line", "--until", "2h")).exit_code == 1


async def test_counts_over_time_and_by_value(shell: Shell) -> None:
    assert (await shell("facets", "kind")).stdout == "9  text\n1  command\n"
    histogram = await shell("histogram", "line", "--buckets", "3", "--json")
    assert sum(bucket["count"] for bucket in orjson.loads(histogram.stdout)["buckets"]) == 9
    assert "█" in (await shell("histogram", "line")).stdout


async def test_the_newest_events_of_a_session(shell: Shell) -> None:
    result = await shell("tail", "main", "--json")
    assert [orjson.loads(line)["kind"] for line in result.stdout.splitlines()] == ["session.created"]
    assert (await shell("tail")).stdout.rstrip().endswith("the session was created")
    missing = await shell("tail", "nobody")
    assert (missing.exit_code, "[SESSION_NOT_FOUND]" in missing.stderr) == (2, True)


def test_colours_are_left_out_on_request() -> None:
    line = (("class:match", "word"), ("", " and "), ("class:unheard", "more"))
    assert render(line, coloured=False) == "word and more"
    assert render(line, coloured=True) == "\x1b[33m\x1b[1mword\x1b[0m and more\x1b[0m"


async def test_a_tail_is_as_many_lines_as_asked_for_though_receipts_have_none(logged: Gateway, shell: Shell) -> None:
    async with logged.machine():
        for name in ("One", "Two", "Three"):
            await logged.ok("POST", "/v1/sessions/main/agents", {"name": name, "cli": "demo", "task": "begin"})
    assert len((await shell("tail", "-n", "5")).stdout.splitlines()) == 5


async def test_following_goes_on_until_it_is_interrupted(logged: Gateway) -> None:
    environment = {**os.environ, "RELAYCAST_URL": logged.url, "RELAYCAST_TOKEN": logged.key}
    command = [sys.executable, "-m", "broker.cli", "logs", "tail", "--follow", "--json"]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(20):
        assert orjson.loads(await process.stdout.readline())["kind"] == "session.created"
        async with logged.machine():
            assert orjson.loads(await process.stdout.readline())["kind"] == "proxy.connected"
        process.send_signal(signal.SIGINT)
        await process.stdout.read()
        assert await process.wait() == 130


async def test_how_long_logs_are_kept_is_shown_shortened_and_left_to_the_plan(logged: Gateway) -> None:
    shell = shell_of(logged, "logs", "keep")
    plan = (await shell()).stdout
    assert plan.endswith(" days: as the plan says\n")
    days = plan.split()[4]
    assert (await shell("3")).stdout == f"logs are kept for 3 days: the plan allows {days}\n"
    assert (await logged.ok("GET", "/v1/retention"))["own_days"] == 3
    assert (await shell("plan")).stdout == plan
    for wrong in ("0", "soon"):
        assert (await shell(wrong)).exit_code == 2
