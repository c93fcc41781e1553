"""A dispatcher of hooks that dies between any two of its steps: each run begins once, and each message is sent once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from broker.app import build_services
from broker.domain.errors import Unavailable
from broker.protocol.proxy import Deliver, RunHook
from broker.services.hooks.deciding import HookDecisions
from broker.services.hooks.dispatch import HookDispatcher
from broker.services.hooks.starting import HookStarts
from broker.services.redaction import Redaction
from broker.settings import Settings
from tests.fixtures.gateway import Gateway, Machine
from tests.gateway.http.test_api import answered

S = "/v1/sessions/main"
HOOKS = 'hooks: {"agent:Worker": {on_turn_complete: {id: tell, relay: Lead, max_per_minute: 600}}}'


class Dying:
    """Passes calls on until one of them, which is the last: it is made, or not, and never answered."""

    def __init__(self, real: object, *, last: int, made: bool) -> None:
        self._real = real
        self._left = last
        self._made = made

    @property
    def has_died(self) -> bool:
        return self._left <= 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._real, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            self._left -= 1
            if self._left > 0:
                return await method(*args, **kwargs)
            if self._left == 0 and self._made:
                await method(*args, **kwargs)
            raise Unavailable("it has died")

        return call


def dispatcher(gateway: Gateway, *, records: Any = None, mailroom: Any = None, workflows: Any = None) -> HookDispatcher:
    adapters = gateway.adapters
    redaction = Redaction(adapters.redaction_rules)
    services = build_services(Settings(), adapters)
    return HookDispatcher(
        records or adapters.hooks,
        adapters.log,
        adapters.registry,
        mailroom=mailroom or adapters.mailroom,
        workspaces=adapters.workspaces,
        redaction=redaction,
        decisions=HookDecisions(records or adapters.hooks, adapters.approvals, redaction),
        starts=HookStarts(
            records or adapters.hooks,
            access=services.access,
            sessions=services.sessions,
            workflows=workflows or services.workflows,
        ),
        public_url="http://broker",
    )


async def a_turn(gateway: Gateway) -> None:
    sent = await gateway.ok("POST", f"{S}/messages", {"to": "Worker", "text": "hello"})
    await answered(gateway, sent["message_id"])


def told(machine: Machine) -> int:
    return sum(isinstance(each, Deliver) and "hook:tell" in each.text for each in machine.commands)


async def look_at_all(gateway: Gateway) -> None:
    while await dispatcher(gateway).look(gateway.workspace):
        pass


async def test_an_order_waits_for_its_machine_whichever_relay_connect_serves_that_by_then(gateway: Gateway) -> None:
    hook = 'hooks: {"agent:Worker": {on_turn_complete: {id: sound, command: afplay x}}}'
    async with gateway.machine(machine_id="m1", runs_hooks=True):
        await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
        await gateway.ok("PUT", "/v1/hooks", {"text": hook})
        await a_turn(gateway)
    await look_at_all(gateway)
    async with gateway.machine(machine_id="m1", runs_hooks=True, boot_id="another") as another:
        await another.until(lambda: any(isinstance(each, RunHook) for each in another.commands))
    (run,) = (await gateway.ok("GET", "/v1/hooks/runs"))["runs"]
    assert [each.run for each in another.commands if isinstance(each, RunHook)] == [run["id"]]


@pytest.mark.parametrize("made", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("part", ["records", "mailroom"])
async def test_a_run_is_carried_out_once_wherever_its_dispatcher_dies(
    gateway: Gateway, part: str, *, made: bool
) -> None:
    async with gateway.machine() as machine:
        for name in ("Lead", "Worker"):
            await gateway.ok("POST", f"{S}/agents", {"name": name, "cli": "demo"})
        await gateway.ok("PUT", "/v1/hooks", {"text": HOOKS})
        await look_at_all(gateway)
        turns = 0
        while True:
            await a_turn(gateway)
            turns += 1
            dying = Dying(getattr(gateway.adapters, "hooks" if part == "records" else part), last=turns, made=made)
            try:
                await dispatcher(gateway, **{part: dying}).look(gateway.workspace)
            except Unavailable:
                assert dying.has_died
            await look_at_all(gateway)
            await machine.until(lambda: told(machine) == turns)  # noqa: B023 - awaited at once
            runs = (await gateway.ok("GET", "/v1/hooks/runs?limit=1000"))["runs"]
            assert [run["state"] for run in runs] == ["completed"] * turns
            if not dying.has_died:
                break
        assert turns > 1
        assert told(machine) == turns
