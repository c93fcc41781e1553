"""Running the broker's processes: serving, signals, draining."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import orjson
import uvicorn

from broker import __version__
from broker.adapters.clickhouse.client import clickhouse_server
from broker.adapters.clickhouse.opening import embedded_log_store, open_in_time
from broker.adapters.embedded import FolderLock, embedded_redis, usable, write_private
from broker.adapters.redis.format_steps import STEPS
from broker.adapters.redis.opening import open_redis
from broker.adapters.redis.store_format import bring_forward
from broker.adapters.redis.trouble import NOT_AS_GIVEN
from broker.adapters.sealing import AesGcmSealing, make_key, split_keys
from broker.adapters.tracing import open_tracing, require_tracing
from broker.app import (
    Adapters,
    build_adapters,
    build_app,
    build_audit,
    build_billing,
    build_deliveries,
    build_ending,
    build_hooks,
    build_resealing,
    build_retention,
    build_services,
    build_shipping,
    build_survey,
    build_timekeeper,
    build_workflows,
    dashboard_link,
)
from broker.domain.errors import BadRequest, NotAuthenticated, RelayError, Unavailable
from broker.domain.ids import WorkspaceId
from broker.domain.operations.administrators import ADMINISTRATOR_PREFIX
from broker.domain.operations.installation import Installation
from broker.domain.operations.status import BrokerProcess, ProcessKind
from broker.domain.outbound.addresses import AddressPolicy
from broker.domain.people.access import TokenKind
from broker.domain.people.token_text import require_token_form
from broker.gateway.serving.addresses import TrustedProxies
from broker.gateway.serving.server import in_clear, server_config
from broker.gateway.serving.sub_path import require_public_url
from broker.gateway.serving.tls import Certificate
from broker.gateway.serving.visitors import ServerConfig
from broker.runtime.collector import settle_heap
from broker.runtime.metrics_access import metrics_token
from broker.runtime.watchdog import keep_watch
from broker.services.logs.tracing import Tracing
from broker.services.operations.installations import Installations
from broker.services.people.access import new_token
from broker.services.people.open_connections import OpenConnections
from broker.services.ports import LogStore
from broker.settings import ERRORS_FILE, Settings
from broker.telemetry.logs import errors_kept
from broker.workers.endurance import forever

_log = logging.getLogger(__name__)
_WORKSPACE = WorkspaceId("local")
_BEAT_S = 5.0
_OPEN_FILES = 65_536
"""Each peer is an open file; systems start programs with 1024, and the embedded server and its log want some too."""


class PortInUse(RelayError):
    """Something else listens there."""

    code = "PORT_IN_USE"
    http_status = 409


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: on SIGTERM it would close every socket with 1012 at once."""

    def __init__(self, config: ServerConfig, *, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._certificate = config.certificate
        self._handshake_s = config.door.limits.head_s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        encrypted = self._certificate is not None
        await super().startup([] if encrypted else sockets)
        if encrypted:
            await self._listen(sockets or [])
        if self.started:
            self._on_started()

    async def _listen(self, sockets: list[socket.socket]) -> None:
        """As uvicorn does, with a deadline for the handshake, which comes before any protocol of ours sees the peer."""
        assert self._certificate is not None
        for each in sockets:
            server = await asyncio.get_running_loop().create_server(
                self._protocol,
                sock=each,
                ssl=self._certificate.context,
                ssl_handshake_timeout=self._handshake_s,
                ssl_shutdown_timeout=self._handshake_s,
                backlog=self.config.backlog,
            )
            self.servers.append(server)

    def _protocol(self) -> asyncio.Protocol:
        # uvicorn's types know the classes that it has itself.
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run_up(settings: Settings, *, on_ready: Callable[[Settings, str], None]) -> None:
    """The whole broker in one process, until SIGTERM or SIGINT; told when ready with a sign-in link.

    Raises `DataFolderBusy`, `PortInUse`, …
    """
    _check(settings)
    lock = FolderLock(settings.data_dir)
    lock.acquire()
    try:
        with errors_kept(settings.data_dir / ERRORS_FILE), _bound(_with_secret_keys(settings)) as (listening, bound):
            async with _redis(bound) as url, _logs(bound, embedded=True) as logs:
                adapters = build_adapters(
                    url,
                    logs=logs,
                    folder=None if bound.redis_url else bound.data_dir,
                    plans=bound.plan_table,
                    trace_ratio=bound.traces,
                )
                await bring_forward(adapters.redis, program=__version__, steps=STEPS)
                link = await _adopt_key(bound, adapters)
                async with (
                    keep_watch(bound),
                    _worker(_with_checkpoints(bound), url, logs),
                    _announce(bound),
                    _present(adapters, ProcessKind.UP, url=bound.url),
                ):
                    await _serve(bound, adapters, listening, on_ready=lambda ready: on_ready(ready, link))
    finally:
        lock.release()


async def run_gateway(settings: Settings, *, on_ready: Callable[[Settings], None]) -> None:
    """One gateway on a shared Redis, until SIGTERM or SIGINT."""
    _check(settings)
    with _bound(settings) as (listening, bound):
        url = _require_shared(settings)
        await _require_store(url)
        async with keep_watch(bound), _logs(bound, embedded=False) as logs:
            adapters = build_adapters(url, logs=logs, plans=bound.plan_table, trace_ratio=bound.traces)
            await bring_forward(adapters.redis, program=__version__, steps=STEPS)
            async with _present(adapters, ProcessKind.GATEWAY, url=bound.url):
                await _serve(bound, adapters, listening, on_ready=on_ready)


async def run_worker(settings: Settings, *, on_ready: Callable[[Settings], None]) -> None:
    """One worker on a shared Redis, until SIGTERM or SIGINT."""
    url = _require_shared(settings)
    _check_outbound(settings)
    require_tracing(settings.traces)
    await _require_store(url)
    adapters = build_adapters(url, plans=settings.plans)
    await bring_forward(adapters.redis, program=__version__, steps=STEPS)
    async with (
        keep_watch(settings),
        _logs(settings, embedded=False) as logs,
        _worker(settings, url, logs),
        _present(adapters, ProcessKind.WORKER),
    ):
        settle_heap()
        signalled = _watch_signals()
        on_ready(settings)
        await signalled.wait()
    await adapters.redis.aclose()


async def run_migrate(settings: Settings) -> None:
    """Bring a shared store to this version's format and make the data folder's keys good there, then end.

    What `up` does at its start, for installations of gateways and workers alone. Any number of times. Raises
    `StoreTooNew`, `AnothersStore`, `Unavailable`, `DataFolderUnusable`.
    """
    url = _require_shared(settings)
    lock = FolderLock(settings.data_dir)
    lock.acquire()
    adapters = build_adapters(url)
    try:
        await _require_store(url)
        await bring_forward(adapters.redis, program=__version__, steps=STEPS)
        await _adopt_key(settings, adapters)
        async with _logs(settings, embedded=False) as logs:  # opening it brings its tables forward
            if logs is not None:
                await logs.check()
    finally:
        await adapters.redis.aclose()
        lock.release()


def _check(settings: Settings) -> None:
    """Refuse before anything is started what could not be served. Raises `BadRequest`."""
    TrustedProxies(settings.trusted_proxies)
    require_public_url(settings.public_url)
    metrics_token(settings)
    _check_outbound(settings)
    require_tracing(settings.traces)
    if settings.tls_cert and settings.tls_key:
        Certificate(settings.tls_cert, settings.tls_key)


def _check_outbound(settings: Settings) -> None:
    AesGcmSealing(settings.secret_keys)
    AddressPolicy(settings.allow_outbound)


def _require_shared(settings: Settings) -> str:
    if settings.redis_url is None:
        raise RelayError(
            "a gateway or worker of its own needs a shared Redis: give --redis or RELAYCAST_REDIS_URL", code="NO_REDIS"
        )
    return settings.redis_url


async def _require_store(url: str) -> None:
    """Raises `BadStoreUrl`, and `Unavailable` for a store that is not what the URL says; another trouble may pass."""
    redis = open_redis(url)
    try:
        await redis.require_writable()
    except Unavailable as error:
        if error.details.get("reason") in NOT_AS_GIVEN:
            raise
        _log.warning("%s", error.message)
    finally:
        await redis.aclose()


@contextlib.contextmanager
def _bound(settings: Settings) -> Iterator[tuple[socket.socket, Settings]]:
    """A listening socket, and the settings with the port it really has."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((settings.host, settings.port))
        except OSError as error:
            raise PortInUse(
                f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; choose another with --port"
            ) from None
        yield listening, replace(settings, port=listening.getsockname()[1])
    finally:
        listening.close()


@contextlib.asynccontextmanager
async def _redis(settings: Settings) -> AsyncIterator[str]:
    if settings.redis_url is not None:
        await _require_store(settings.redis_url)
        yield settings.redis_url
        return
    async with embedded_redis(settings.data_dir / "redis") as url:
        yield url


@contextlib.asynccontextmanager
async def _logs(settings: Settings, *, embedded: bool) -> AsyncIterator[LogStore | None]:
    """The log store: a server by URL, else the engine in this process, which one process alone can have."""
    if not settings.keep_logs or (settings.clickhouse_url is None and not embedded):
        yield None
        return
    if settings.clickhouse_url:
        async with clickhouse_server(settings.clickhouse_url) as clickhouse, open_in_time(clickhouse) as store:
            yield store
    else:
        async with embedded_log_store(settings.log_folder) as store:
            yield store


async def _adopt_key(settings: Settings, adapters: Adapters) -> str:
    """The workspace key in the data folder, made at the first start; a link for its owner."""
    key = _read_kept_key(settings.key_file) or new_token(TokenKind.WORKSPACE)
    mine = Installation(
        id=_read(settings.installation_file) or secrets.token_hex(16),
        folder=str(settings.data_dir.absolute()),
        host=socket.gethostname(),
    )
    services = build_services(settings, adapters)
    installations = Installations(
        adapters.installation, adapters.tokens, services.access, administrators=adapters.administrators
    )
    settle = partial(
        installations.settle,
        mine,
        workspace=_WORKSPACE,
        plan=settings.plan,
        owned=settings.redis_url is None,
        join=settings.join,
    )
    try:
        settled = await settle(key)
    except NotAuthenticated:
        _log.warning("the key in %s was revoked; a fresh one takes its place", settings.key_file)
        key = new_token(TokenKind.WORKSPACE)
        settled = await settle(key)
    administrator_key = _read(settings.administrator_key_file) or _new_administrator_key()
    await installations.adopt_administrator(administrator_key, mine)
    with usable(settings.data_dir):
        write_private(settings.administrator_key_file, administrator_key.encode() + b"\n")
        write_private(settings.key_file, key.encode() + b"\n")
        write_private(settings.installation_file, settled.id.encode() + b"\n")
    return await dashboard_link(settings, services, _WORKSPACE)


def _new_administrator_key() -> str:
    return ADMINISTRATOR_PREFIX + secrets.token_urlsafe(32)


def _with_secret_keys(settings: Settings) -> Settings:
    """With what secrets are sealed with: as it was given, else from the data folder, where it is made. Once lost, what
    it sealed cannot be read any more. Raises `BadRequest` for a file that people have spoilt."""
    if settings.secret_keys:
        return settings
    with usable(settings.data_dir):
        keys = split_keys(_read(settings.secret_key_file) or "")
        if not keys:
            keys = (make_key(),)
            write_private(settings.secret_key_file, keys[0].encode() + b"\n")
    AesGcmSealing(keys)
    return replace(settings, secret_keys=keys)


def _read_kept_key(path: Path) -> str | None:
    """The key in a file, which people may have edited. Raises `BadRequest`, without saying the key."""
    key = _read(path)
    try:
        require_token_form(key or "")
    except NotAuthenticated as error:
        raise BadRequest(f"{path}: {error.message}") from None
    return key


def _read(path: Path) -> str | None:
    return path.read_text().strip() if path.exists() else None


@contextlib.asynccontextmanager
async def _announce(settings: Settings) -> AsyncIterator[None]:
    """While we run, a file says how to reach us: `relay-connect` on this machine needs no arguments."""
    write_private(settings.up_file, orjson.dumps({"url": settings.url}))
    try:
        yield
    finally:
        settings.up_file.unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def _present(adapters: Adapters, kind: ProcessKind, *, url: str | None = None) -> AsyncIterator[None]:
    """While we run, the store says so: `relaycast status` shows which processes there are."""
    process = BrokerProcess(
        id=secrets.token_hex(8),
        kind=kind,
        version=__version__,
        host=socket.gethostname(),
        pid=os.getpid(),
        started_at_ms=await adapters.pressure.now_ms(),
        url=url,
    )

    async def beat() -> None:
        while True:
            await adapters.processes.beat(process)
            await asyncio.sleep(_BEAT_S)

    beating = asyncio.create_task(forever(beat, name="presence"), name="presence")
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        # When the store is away the process is forgotten there by itself.
        with contextlib.suppress(RelayError):
            await adapters.processes.end(process)


def _with_checkpoints(settings: Settings) -> Settings:
    """A broker with a data folder of its own has checkpoints there, unless it was told where."""
    return replace(settings, audit_checkpoints=settings.audit_checkpoints or settings.checkpoint_file)


@contextlib.asynccontextmanager
async def _worker(settings: Settings, redis_url: str, logs: LogStore | None) -> AsyncIterator[None]:
    async with open_tracing(settings.traces) as tracing, _working(settings, redis_url, logs, tracing=tracing):
        yield


@contextlib.asynccontextmanager
async def _working(
    settings: Settings, redis_url: str, logs: LogStore | None, *, tracing: Tracing | None
) -> AsyncIterator[None]:
    adapters = build_adapters(
        redis_url,
        folder=None if settings.redis_url else settings.data_dir,
        plans=settings.plans,
        trace_ratio=settings.traces,
    )
    tasks = [
        asyncio.create_task(build_timekeeper(settings, adapters).run(), name="timekeeper"),
        asyncio.create_task(build_hooks(settings, adapters, alone=settings.redis_url is None).run(), name="hooks"),
        asyncio.create_task(build_workflows(settings, adapters).run(), name="workflows"),
        asyncio.create_task(build_deliveries(settings, adapters).run(), name="deliveries"),
        asyncio.create_task(build_ending(adapters, logs).run(), name="ending"),
        asyncio.create_task(build_resealing(settings, adapters).run(), name="resealing"),
        asyncio.create_task(build_survey(adapters, logs).run(), name="survey"),
        asyncio.create_task(build_audit(settings, adapters).run(), name="audit"),
    ]
    if settings.stripe is not None:
        tasks.append(asyncio.create_task(build_billing(settings, adapters).run(), name="billing"))
    if logs is not None:
        shipping = build_shipping(adapters, logs, alone=settings.clickhouse_url is None, tracing=tracing)
        tasks.append(asyncio.create_task(shipping.run(), name="shipping"))
        tasks.append(asyncio.create_task(build_retention(adapters, logs).run(), name="retention"))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await adapters.redis.aclose()


async def _serve(
    settings: Settings, adapters: Adapters, listening: socket.socket, *, on_ready: Callable[[Settings], None]
) -> None:
    _allow_open_files()
    app = build_app(settings, adapters=adapters)
    if warning := in_clear(settings):
        _log.warning("%s", warning)
    config = server_config(app, settings)
    server = _Server(config, on_started=lambda: on_ready(settings))
    following = asyncio.create_task(_follow(config.certificate), name="certificate")
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="server")
    stopping = asyncio.create_task(_watch_signals().wait(), name="signal")
    try:
        await asyncio.wait({stopping, serving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        following.cancel()
        _drain(server, app.state.connections)
        await serving


async def _follow(certificate: Certificate | None) -> None:
    """Read a certificate anew when it changes, and at once on SIGHUP."""
    if certificate is None:
        return
    hurry = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hurry.set)
    await certificate.follow(hurry)


def _allow_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _drain(server: uvicorn.Server, connections: OpenConnections) -> None:
    """Stop listening, tell every peer to reconnect, and let running requests finish."""
    for listener in getattr(server, "servers", []):  # none yet when the start was cut short
        listener.close()
    connections.drain()
    server.should_exit = True


def _watch_signals() -> asyncio.Event:
    """Set by SIGTERM, SIGINT or a closed terminal; a second SIGINT ends the process at once."""
    loop = asyncio.get_running_loop()
    event = asyncio.Event()

    def on_signal() -> None:
        if event.is_set():
            loop.remove_signal_handler(signal.SIGINT)
        event.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # which is what `nohup` asks for
        loop.add_signal_handler(signal.SIGHUP, event.set)
    return event
