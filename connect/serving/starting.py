"""Starts the link process of a state folder, detached from the terminal that needs it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys

import orjson

from broker.domain.errors import RelayError, Unavailable
from connect.serving.link_order import GUARDED, ORDER, Order
from connect.settings import agent_environment

_START_S = 30.0
"""Python from a cold disk, and what an earlier link left running is ended first."""


async def start_link(order: Order) -> None:
    """Start it, and return when terminals may come. Raises `RelayError` with what it says, `Unavailable`.

    Its environment holds nothing of the relay's, and what it needs to know passes over a socket, once it is guarded.
    """
    ours, theirs = socket.socketpair()
    # -P: nothing is imported from the folder this was started in, where agents write.
    command = [sys.executable, "-P", "-m", "connect.serving.link_process", str(theirs.fileno())]
    with ours, theirs:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - it is detached, and a program of ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=agent_environment(os.environ),
            cwd="/",
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
        theirs.close()
        try:
            async with asyncio.timeout(_START_S):
                await _instruct(ours, order)
        except TimeoutError:
            process.kill()
            process.wait()
            raise Unavailable(
                f"the link process did not start within {_START_S:.0f} s", code="LINK_NOT_STARTED"
            ) from None
    # It outlives this process: nobody here waits for its end.
    process.returncode = 0


async def _instruct(starter: socket.socket, order: Order) -> None:
    starter.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=starter.dup())
    try:
        if await reader.readline() == GUARDED:
            writer.write(ORDER.dump_json(order) + b"\n")
            answer = await reader.readline()
            if answer:
                _check(orjson.loads(answer))
                return
    except ConnectionError:
        pass
    finally:
        writer.close()
    raise Unavailable("the link process ended before it was ready", code="LINK_NOT_STARTED")


def _check(answer: dict[str, str]) -> None:
    if "code" in answer:
        raise _CannotStart(answer["message"], code=answer["code"])


class _CannotStart(RelayError):
    """In the link process' own words."""
