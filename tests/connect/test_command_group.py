"""Failures of commands are sentences."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from broker.cli.main import main as relaycast
from broker.domain.errors import BadRequest
from connect.cli import main as relay_connect
from connect.command_group import CommandGroup, Elsewhere


def failing(error: BaseException) -> click.Command:
    group = CommandGroup("tool")

    @group.command()
    def act() -> None:
        raise error

    return group


@pytest.mark.parametrize(
    ("error", "said", "status"),
    [
        (BadRequest("no such colour\n  ^"), "tool: no such colour [INVALID_ARGUMENT]\n  ^\n", 2),
        (PermissionError(13, "Permission denied", "/x"), "tool: /x: Permission denied [SYSTEM_ERROR]\n", 2),
        (
            ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn.config"),
            "tool: `act` needs uvicorn, which the base install does not have:"
            " pip install 'relaycast[server]' [EXTRA_MISSING]\n",
            2,
        ),
        (
            ExceptionGroup("several", [ExceptionGroup("inner", [BadRequest("deep")])]),
            "tool: deep [INVALID_ARGUMENT]\n",
            2,
        ),
        (
            KeyError("x"),
            "tool: unexpected error: KeyError: 'x'; RELAYCAST_TRACEBACK=1 shows the traceback [INTERNAL]\n",
            70,
        ),
    ],
)
def test_what_a_command_raises_is_said_in_a_sentence(error: Exception, said: str, status: int) -> None:
    result = CliRunner().invoke(failing(error), ["act"], prog_name="tool")
    assert (result.stderr, result.exit_code) == (said, status)


def test_a_module_of_ours_that_is_missing_is_a_defect_and_no_extra() -> None:
    error = ModuleNotFoundError("No module named 'broker.gone'", name="broker.gone")
    result = CliRunner().invoke(failing(error), ["act"], prog_name="tool")
    assert (result.exit_code, "unexpected error" in result.stderr) == (70, True)


def test_a_command_that_is_interrupted_ends_as_shells_expect_and_says_nothing() -> None:
    result = CliRunner().invoke(failing(KeyboardInterrupt()), ["act"])
    assert (result.exit_code, result.output) == (130, "")


def test_who_asks_for_the_traceback_gets_it() -> None:
    result = CliRunner().invoke(failing(KeyError("x")), ["act"], env={"RELAYCAST_TRACEBACK": "1"})
    assert isinstance(result.exception, KeyError)


SERVER = (
    "redis", "starlette", "uvicorn", "mcp", "strawberry", "clickhouse_connect", "chdb", "prometheus_client", "uvloop",
)  # fmt: skip
"""Packages of the extra `server`."""


@pytest.mark.parametrize("command", ["up", "gateway", "worker"])
def test_the_base_install_says_which_extra_the_server_needs(command: str) -> None:
    script = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {SERVER!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from broker.cli import main\n"
        f"main(['{command}', '--redis', 'redis://127.0.0.1:1'], prog_name='relaycast')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"relaycast: `{command}` needs ")
    assert done.stderr.endswith("pip install 'relaycast[server]' [EXTRA_MISSING]\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_goes_away_ends_it_as_shells_expect_and_nothing_is_said(lines: int) -> None:
    program = (
        "from connect.command_group import CommandGroup\nimport click\n"
        "group = CommandGroup('tool')\n"
        f"group.command('act')(lambda: [print('x' * 80) for _ in range({lines})] and None)\n"
        "group()"
    )
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-c", program, "act"], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("program", [relay_connect, relaycast], ids=["relay-connect", "relaycast"])
def test_the_list_of_commands_says_of_each_what_it_says_itself(program: CommandGroup) -> None:
    assert program.elsewhere
    for name, there in program.elsewhere.items():
        assert click.Command(name, help=there.says).get_short_help_str(500) == there.load().get_short_help_str(500)


def test_the_list_of_commands_loads_none_that_is_elsewhere() -> None:
    group = CommandGroup("tool", elsewhere={"far": Elsewhere("no.such.module:far", "Do it far away.")})
    group.add_command(click.Command("near", help="Do it here."))
    group.add_command(click.Command("secret", help="Do it unseen.", hidden=True))
    listed = CliRunner().invoke(group, ["--help"], prog_name="tool")
    assert listed.output.partition("Commands:\n")[2] == "  far   Do it far away.\n  near  Do it here.\n"
    assert CliRunner().invoke(group, ["far"]).exit_code != 0
