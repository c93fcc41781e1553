"""A standstill of the event loop is seen from outside it."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from broker.domain.errors import RelayError
from broker.runtime.watchdog import EXIT_STANDSTILL, Watchdog, keep_watch
from broker.settings import Settings, Standstill
from broker.telemetry import STANDSTILLS

SOON = Standstill(told_s=0.2, ended_s=0.6)
LATE_IN_A_TEST_S = 60


def stand_still(until: threading.Event) -> None:
    """Take no turn of the loop; named so that it is found in the stacks."""
    assert until.wait(LATE_IN_A_TEST_S)


def counted() -> float:
    return STANDSTILLS._value.get()  # type: ignore[no-any-return]  # prometheus_client's own is untyped


def watching(limits: Standstill, ended: threading.Event) -> Watchdog:
    watchdog = Watchdog(limits, end=ended.set, tick_s=0.01)
    watchdog.start()
    return watchdog


async def test_a_standstill_is_told_with_the_stack_of_the_loop_and_then_ends_the_process(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended, before = threading.Event(), counted()
    watchdog = watching(SOON, ended)
    stand_still(ended)
    watchdog.stop()
    assert counted() == before + 1
    first, last = (record.getMessage() for record in caplog.records if record.name == "broker.runtime.watchdog")
    assert "no turn for 0.2 s" in first
    assert "in stand_still" in first
    assert str(EXIT_STANDSTILL) in last


async def test_a_loop_that_turns_in_time_is_left_alone() -> None:
    ended, before = threading.Event(), counted()
    watchdog = watching(Standstill(told_s=30, ended_s=60), ended)
    for _ in range(20):
        time.sleep(0.01)
        await asyncio.sleep(0)
    watchdog.stop()
    assert (counted(), ended.is_set(), watchdog.stands_still) == (before, False, False)


async def test_a_standstill_that_ends_by_itself_is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    ended, told = threading.Event(), threading.Event()
    watchdog = watching(Standstill(told_s=0.1, ended_s=60), ended)

    class Telling(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.set()

    handler = Telling()
    logging.getLogger("broker.runtime.watchdog").addHandler(handler)
    try:
        stand_still(told)
    finally:
        logging.getLogger("broker.runtime.watchdog").removeHandler(handler)
    async with asyncio.timeout(30):
        while watchdog.stood_still_s:
            await asyncio.sleep(0.01)
    watchdog.stop()
    assert not ended.is_set()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


async def test_the_health_port_answers_while_the_loop_stands_still() -> None:
    port, answers = free_port(), list[httpx.Response]()
    settings = Settings(health_port=port, standstill=Standstill(told_s=0.2, ended_s=LATE_IN_A_TEST_S))
    done = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            while client.get("/livez").is_success:
                time.sleep(0.01)
            answers.append(client.get("/livez"))
            answers.append(client.get("/metrics"))
            answers.append(client.get("/v1/whoami"))
        done.set()

    async with keep_watch(settings):
        async with httpx.AsyncClient() as client:  # while the loop turns
            answers.append(await client.get(f"http://127.0.0.1:{port}/livez"))
        asker = threading.Thread(target=ask)
        asker.start()
        stand_still(done)
        asker.join()
    assert [answer.status_code for answer in answers] == [200, 503, 200, 404]
    assert answers[1].json()["ok"] is False
    assert "relaycast_standstills_total" in answers[2].text


async def test_a_health_port_in_use_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.raises(RelayError) as refused:
        async with keep_watch(Settings(health_port=listening.getsockname()[1])):
            pass
    assert refused.value.code == "PORT_IN_USE"


LAUNCHER = """
import asyncio, sys, threading
from pathlib import Path
from broker.cli.processes.commands import _run
from broker.processes import run_gateway, run_up, run_worker
from broker.settings import Settings, Standstill
from broker.telemetry.logs import configure_logging

role, stuck, folder, redis_url = sys.argv[1:]

def on_ready(*_):
    print("ready", flush=True)
    if stuck == "stuck":
        asyncio.get_running_loop().call_soon(threading.Event().wait)

run = {"up": run_up, "gateway": run_gateway, "worker": run_worker}[role]
limits = Standstill(told_s=0.5, ended_s=2) if stuck == "stuck" else Standstill(told_s=3, ended_s=5)
settings = Settings(data_dir=Path(folder), port=0, standstill=limits, redis_url=None if role == "up" else redis_url)
configure_logging(verbose=False)
_run(run(settings, on_ready=on_ready))
"""
"""Starts the product's own processes, with a loop that takes no turn any more once they are ready."""


@contextlib.asynccontextmanager
async def launched(role: str, how: str, folder: Path, redis_url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LAUNCHER, role, how, str(folder / "data"), redis_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()


@pytest.mark.parametrize("role", ["up", "gateway", "worker"])
async def test_a_process_whose_loop_stands_still_says_where_and_ends_for_its_supervisor(
    tmp_path: Path, redis_url: str, role: str
) -> None:
    async with asyncio.timeout(LATE_IN_A_TEST_S), launched(role, "stuck", tmp_path, redis_url) as process:
        _, said = await process.communicate()
    assert process.returncode == EXIT_STANDSTILL, said.decode()
    assert b"no turn for 0.5 s" in said
    assert b"threading.py" in said


async def test_a_process_that_was_frozen_goes_on(tmp_path: Path, redis_url: str) -> None:
    async with asyncio.timeout(LATE_IN_A_TEST_S), launched("worker", "free", tmp_path, redis_url) as process:
        assert process.stdout
        assert await process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(7)  # longer than a standstill may last: time itself is what is tested
        process.send_signal(signal.SIGCONT)
        await asyncio.sleep(1)  # for the watchdog to look
        process.send_signal(signal.SIGTERM)
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
        # Of what it had asked its store before it may say that there was no answer in time, and nothing else.
        assert [line for line in said.splitlines() if b"store does not answer in time" not in line] == []
