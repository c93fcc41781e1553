"""The terminal between pipes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.connect.api_double import ApiDouble
from tests.connect.terminal.programs import terminal_argv, terminal_environment


async def _run(url: str, tmp_path: Path, text: str, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    process = await asyncio.create_subprocess_exec(
        *terminal_argv(*arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=terminal_environment(url, tmp_path),
    )
    async with asyncio.timeout(30):
        output, errors = await process.communicate(text.encode())
    assert process.returncode is not None
    return process.returncode, [orjson.loads(line) for line in output.splitlines()], errors.decode()


def _kinds(lines: list[dict[str, Any]]) -> list[str]:
    return [line["kind"] for line in lines]


async def test_a_task_on_standard_input_spawns_lead_and_ends_when_it_is_answered(
    broker: ApiDouble, tmp_path: Path
) -> None:
    status, lines, errors = await _run(broker.url, tmp_path, "Build it\n", "normal", "--json")

    assert (status, errors) == (0, "")
    assert _kinds(lines)[:2] == ["session", "link.up"]
    assert broker.agents["Lead"]["cli"] == "claude"
    assert [line["data"]["text"] for line in lines if line["kind"] == "turn.ended"] == ["Lead is done"]


async def test_quiet_prints_the_result_and_not_the_way_to_it(broker: ApiDouble, tmp_path: Path) -> None:
    _, lines, _ = await _run(broker.url, tmp_path, "Build it\n", "quiet", "--json")

    assert sorted(set(_kinds(lines))) == ["command.done", "link.up", "session", "turn.ended"]


async def test_a_failed_command_is_told_and_is_the_exit_status(broker: ApiDouble, tmp_path: Path) -> None:
    status, lines, _ = await _run(
        broker.url, tmp_path, "release Nobody\nspawn\nagents\nexit\nagents\n", "normal", "--json"
    )

    assert status == 1
    failed = [(line["line"], line["code"]) for line in lines if line["kind"] == "command.failed"]
    assert failed == [("release Nobody", "AGENT_NOT_FOUND"), ("spawn", "USAGE")]
    assert [line["line"] for line in lines if line["kind"] == "command.done"] == ["agents"]


@pytest.mark.parametrize("arguments", [("normal",), ("normal", "--json")])
async def test_no_broker_is_status_2_and_one_line_on_standard_error(
    tmp_path: Path, unused_tcp_port: int, arguments: tuple[str, ...]
) -> None:
    status, lines, errors = await _run(f"http://127.0.0.1:{unused_tcp_port}", tmp_path, "", *arguments)

    assert (status, lines) == (2, [])
    assert errors.startswith("✗ cannot reach http://127.0.0.1")
    assert errors.count("\n") == 1
