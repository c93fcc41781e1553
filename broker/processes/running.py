"""The broker's processes from their start to their end: `up`, `gateway`, `worker`, `migrate`."""

from __future__ import annotations

from collections.abc import Callable

from broker import __version__
from broker.adapters.embedded import FolderLock
from broker.adapters.redis.format_steps import STEPS
from broker.adapters.redis.store_format import bring_forward
from broker.adapters.tracing import require_tracing
from broker.app import build_adapters
from broker.domain.operations.status import ProcessKind
from broker.processes.checks import require_outbound, require_served
from broker.processes.data_folder import adopt_keys, announced, with_secret_keys
from broker.processes.presence import present
from broker.processes.serving import bound_socket, serve, watch_signals
from broker.processes.stores import log_store_of, redis_of, require_shared, require_store
from broker.processes.working import with_checkpoints, working
from broker.runtime.collector import settle_heap
from broker.runtime.watchdog import keep_watch
from broker.settings import ERRORS_FILE, Settings
from broker.telemetry.logs import errors_kept


async def run_up(settings: Settings, *, on_ready: Callable[[Settings, str], None]) -> None:
    """The whole broker in one process, until SIGTERM or SIGINT; told when ready with a sign-in link.

    Raises `DataFolderBusy`, `PortInUse`, …
    """
    require_served(settings)
    lock = FolderLock(settings.data_dir)
    lock.acquire()
    try:
        with (
            errors_kept(settings.data_dir / ERRORS_FILE),
            bound_socket(with_secret_keys(settings)) as (listening, bound),
        ):
            async with redis_of(bound) as url, log_store_of(bound, embedded=True) as logs:
                adapters = build_adapters(
                    url,
                    logs=logs,
                    folder=None if bound.redis_url else bound.data_dir,
                    plans=bound.plan_table,
                    trace_ratio=bound.traces,
                )
                await bring_forward(adapters.redis, program=__version__, steps=STEPS)
                link = await adopt_keys(bound, adapters)
                async with (
                    keep_watch(bound),
                    working(with_checkpoints(bound), url, logs),
                    announced(bound),
                    present(adapters, ProcessKind.UP, url=bound.url),
                ):
                    await serve(bound, adapters, listening, on_ready=lambda ready: on_ready(ready, link))
    finally:
        lock.release()


async def run_gateway(settings: Settings, *, on_ready: Callable[[Settings], None]) -> None:
    """One gateway on a shared Redis, until SIGTERM or SIGINT."""
    require_served(settings)
    with bound_socket(settings) as (listening, bound):
        url = require_shared(settings)
        await require_store(url)
        async with keep_watch(bound), log_store_of(bound, embedded=False) as logs:
            adapters = build_adapters(url, logs=logs, plans=bound.plan_table, trace_ratio=bound.traces)
            await bring_forward(adapters.redis, program=__version__, steps=STEPS)
            async with present(adapters, ProcessKind.GATEWAY, url=bound.url):
                await serve(bound, adapters, listening, on_ready=on_ready)


async def run_worker(settings: Settings, *, on_ready: Callable[[Settings], None]) -> None:
    """One worker on a shared Redis, until SIGTERM or SIGINT."""
    url = require_shared(settings)
    require_outbound(settings)
    require_tracing(settings.traces)
    await require_store(url)
    adapters = build_adapters(url, plans=settings.plans)
    await bring_forward(adapters.redis, program=__version__, steps=STEPS)
    async with (
        keep_watch(settings),
        log_store_of(settings, embedded=False) as logs,
        working(settings, url, logs),
        present(adapters, ProcessKind.WORKER),
    ):
        settle_heap()
        signalled = watch_signals()
        on_ready(settings)
        await signalled.wait()
    await adapters.redis.aclose()


async def run_migrate(settings: Settings) -> None:
    """Bring a shared store to this version's format and make the data folder's keys good there, then end.

    What `up` does at its start, for installations of gateways and workers alone. Any number of times. Raises
    `StoreTooNew`, `AnothersStore`, `Unavailable`, `DataFolderUnusable`.
    """
    url = require_shared(settings)
    lock = FolderLock(settings.data_dir)
    lock.acquire()
    adapters = build_adapters(url)
    try:
        await require_store(url)
        await bring_forward(adapters.redis, program=__version__, steps=STEPS)
        await adopt_keys(settings, adapters)
        async with log_store_of(settings, embedded=False) as logs:  # opening it brings its tables forward
            if logs is not None:
                await logs.check()
    finally:
        await adapters.redis.aclose()
        lock.release()
