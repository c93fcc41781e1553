"""`python -m tests.e2e.metered`: that every accepted message is counted and billed once, however often it is asked for.

Two gateways, of which one is killed with -9 again and again; senders that repeat each message with its key until it is
accepted, and some of them at the other gateway once more; a worker that reports to Stripe, whose answers are lost,
among webhooks that come twice and in any order.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from broker.adapters.embedded import embedded_redis
from broker.app import build_adapters
from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from broker.domain.plans.plans import Plan
from tests.e2e.test_cluster import gateway, workspace_key
from tests.fixtures.gateway import Gateway
from tests.fixtures.processes import Running
from tests.fixtures.stripe_double.server import stripe_double
from tests.services.plans.test_billing import Account, Tenant, an_account
from tests.services.plans.test_reported_usage import known

SENDERS = 20
_REPEATED = 10
"""Of so many messages one is sent once more after it was accepted."""
_TRIES = 1000
_WORKSPACE = WorkspaceId("w1")


def _session(sender: int) -> str:
    """Each writes in one of its own: a store without a log store lets go of the beginning of a longer log."""
    return f"of-{sender}"


@dataclass(slots=True, kw_only=True)
class Metered:
    """What came of it."""

    messages: int
    """Distinct ones, each accepted."""
    kills: int
    requests: int = 0
    counted: int = 0
    """By the meters."""
    billed: int = 0
    """That Stripe knows."""
    differences: list[str] = field(default_factory=list)
    """Between the meters and the log, and between the meters and Stripe."""
    incomplete: int = 0
    """Sessions whose log does not begin at its beginning any more: what they had cannot be counted again."""
    took_s: float = 0

    @property
    def is_exact(self) -> bool:
        """Whether all of them say the same."""
        return self.counted == self.billed == self.messages and not self.differences and not self.incomplete

    def __str__(self) -> str:
        said = "exact" if self.is_exact else "NOT EXACT"
        return (
            f"{said}: {self.messages:,} messages in {self.requests:,} requests of {SENDERS} senders to two gateways, "
            f"{self.kills} kills -9: {self.counted:,} metered, {self.billed:,} at Stripe, "
            f"{len(self.differences)} differences, {self.incomplete} logs without their beginning, {self.took_s:.0f} s"
            + "".join(f"\n{each}" for each in self.differences)
        )


@dataclass(slots=True, kw_only=True)
class _Scene:
    folder: Path
    redis_url: str
    stack: contextlib.AsyncExitStack
    gateways: list[Gateway]
    victim: Running
    found: Metered

    async def send(self, sender: int) -> None:
        """Each message again and again with its key, at one gateway and the other, until it is accepted."""
        for number in range(self.found.messages // SENDERS):
            accepted = 0
            for attempt in range(_TRIES):
                accepted += await self._try(self.gateways[(sender + attempt) % 2], sender, number)
                if accepted > (number % _REPEATED == 0):
                    break
            else:
                raise RuntimeError(f"message {number} of sender {sender} was never accepted")

    async def _try(self, at: Gateway, sender: int, number: int) -> bool:
        self.found.requests += 1
        try:
            answer = await at.call(
                "POST",
                f"/v1/sessions/{_session(sender)}/messages",
                {"to": f"Worker-{sender}", "text": f"{sender} {number}"},
                **{"Idempotency-Key": f"{sender}-{number}"},
            )
        except httpx.HTTPError:
            return False
        return answer.status_code in {200, 201, 202}

    async def kill_again_and_again(self, senders: list[asyncio.Task[None]]) -> None:
        """Whenever a part of the messages was accepted."""
        part = self.found.messages // (self.found.kills + 1)
        for number in range(1, self.found.kills + 1):
            while await self.accepted() < part * number and not any(each.done() for each in senders):
                await asyncio.sleep(0.01)
            await self.victim.kill()
            self.victim = await self.stack.enter_async_context(gateway(self.folder, self.redis_url))
            self.gateways[1].url = self.victim.url

    async def accepted(self) -> int:
        """By the meters."""
        return sum(each["messages"] for each in (await self.gateways[0].ok("GET", "/v1/meters"))["days"])


async def measure(folder: Path, *, messages: int, kills: int) -> Metered:
    """Send so many, kill so often, and count what everybody knows of it."""
    began = time.monotonic()
    found = Metered(messages=messages // SENDERS * SENDERS, kills=kills)
    async with (
        embedded_redis(folder / "redis") as redis_url,
        workspace_key(redis_url, folder) as key,
        httpx.AsyncClient(timeout=30) as http,
        stripe_double(now=int(time.time())) as double,
        contextlib.AsyncExitStack() as stack,
    ):
        adapters = build_adapters(redis_url)
        stack.push_async_callback(adapters.redis.aclose)
        account, client = an_account(adapters, double)
        stack.push_async_callback(client.close)
        running = [await stack.enter_async_context(gateway(folder, redis_url)) for _ in range(2)]
        gateways = [
            Gateway(url=each.url, key=key.read_text(), workspace=_WORKSPACE, adapters=adapters, client=http)
            for each in running
        ]
        scene = _Scene(
            folder=folder, redis_url=redis_url, stack=stack, gateways=gateways, victim=running[1], found=found
        )
        tenant = Tenant(account=account, id=_WORKSPACE)
        await tenant.subscribe(Plan.TEAM)
        await _run(scene, account, tenant)
        reconciled = await gateways[0].ok("GET", "/v1/meters/reconciliation")
        differences = [*reconciled["differences"], *await account.keeper.differences(tenant.id)]
        found.counted, found.billed, found.differences = await scene.accepted(), known(double), [*map(str, differences)]
        found.incomplete = len(reconciled["incomplete"])
    found.took_s = time.monotonic() - began
    return found


async def _run(scene: _Scene, account: Account, tenant: Tenant) -> None:
    done = asyncio.Event()
    reporting = asyncio.create_task(_report(account, tenant, done))
    async with scene.gateways[0].machine():
        for sender in range(SENDERS):
            await scene.gateways[0].ok("POST", "/v1/sessions", {"name": _session(sender)})
            about = {"name": f"Worker-{sender}", "cli": "demo"}
            await scene.gateways[0].ok("POST", f"/v1/sessions/{_session(sender)}/agents", about)
        senders = [asyncio.create_task(scene.send(number)) for number in range(SENDERS)]
        await scene.kill_again_and_again(senders)
        await asyncio.gather(*senders)
        done.set()
        await reporting
        while await account.keeper.report(tenant.id):
            pass


async def _report(account: Account, tenant: Tenant, done: asyncio.Event) -> None:
    """A worker whose answers from Stripe are lost time and again, among webhooks that come twice and in any order."""
    while not done.is_set():
        account.double.broken = 1
        with contextlib.suppress(Unavailable):
            await account.keeper.report(tenant.id)
        ledger = account.double.ledger
        ledger.now = max(ledger.now, int(time.time()))  # it takes no meter event from ahead of its own clock
        ledger.tell("invoice.updated", {"object": "invoice", "customer": tenant.customer})
        account.double.broken = 0
        await tenant.told()
        await asyncio.sleep(0.05)


def main() -> int:
    """Print what came of it; 1 when it is not exact."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.metered", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=100_000, help="distinct messages (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=20, help="of a gateway, with -9 (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rc-metered-", ignore_cleanup_errors=True) as folder:
        found = asyncio.run(measure(Path(folder), messages=options.messages, kills=options.kills))
    print(found)
    return 0 if found.is_exact else 1


if __name__ == "__main__":
    sys.exit(main())
