"""The program of a link that a terminal started: `python -m connect.serving.link_process FD`, in a session of its own.

Through the socket FD it says that it is guarded, and is then told what to do: so a secret is given to it only once no
other program of the user can read it. It answers whether it runs, and closes the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from pathlib import Path

import orjson

from broker.domain.errors import RelayError
from connect.access.token_text import keep_tokens_out_of_output
from connect.serving.exit_status import ExitStatus
from connect.serving.link_host import LinkHost
from connect.serving.link_log import LOG_FILE, log_notice, log_to
from connect.serving.link_order import GUARDED, ORDER, Order
from connect.system.child_watching import children_without_threads
from connect.system.process_guard import guard_process

_CANNOT_START = 2
_log = logging.getLogger("relay-connect")


def main() -> int:
    """Run one link; the exit status."""
    guard_process()
    keep_tokens_out_of_output()
    with socket.socket(fileno=int(sys.argv[1])) as starter:
        starter.sendall(GUARDED)
        order = _order(starter)
        if order is None:
            return _CANNOT_START
        try:
            host = _host(order)
        except (RelayError, OSError) as error:
            _answer(starter, error)
            return _CANNOT_START
        return _run(host, starter)


def _order(starter: socket.socket) -> Order | None:
    """None when whoever started this has gone."""
    with starter.makefile("rb") as lines:
        line = lines.readline()
    return ORDER.validate_json(line) if line else None


def _host(order: Order) -> LinkHost:
    log = order.settings.state_dir / LOG_FILE
    host = LinkHost(order.settings, show=log_notice, headless=False, pair=order.pair, log=log)
    log_to(log)
    return host


def _run(host: LinkHost, starter: socket.socket) -> int:
    try:
        with children_without_threads():
            status = asyncio.run(host.run(listening=lambda: _answer(starter)))
    except (RelayError, OSError) as error:
        _answer(starter, error)
        return _CANNOT_START
    except Exception:
        _log.exception("the link has ended for something unforeseen")
        return ExitStatus.UNFORESEEN
    _log.info("the link has ended with status %d%s", status, f": {host.refusal}" if host.refusal else "")
    return status


def _answer(starter: socket.socket, error: RelayError | OSError | None = None) -> None:
    answer: dict[str, str] = {}
    if isinstance(error, RelayError):
        answer = {"code": error.code, "message": error.message}
    elif error is not None:
        answer = {"code": "SYSTEM_ERROR", "message": f"{error.filename or 'the control socket'}: {error.strerror}"}
    with contextlib.suppress(OSError):  # it did not wait for the answer
        starter.sendall(orjson.dumps(answer) + b"\n")
        starter.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    os.chdir(Path("/"))
    sys.exit(main())
