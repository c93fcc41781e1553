"""How far messages get is measured from the log, whichever gateways they went through."""

from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.services.logs.shipping import Shipper
from tests.fixtures.desk import Desk
from tests.fixtures.samples import sample

STATES = ("queued", "sent", "received", "handed", "in_turn", "answered")


async def ship(desk: Desk, logs: ClickHouseLogStore) -> None:
    await Shipper(desk.adapters.tail, desk.adapters.backlog, logs, desk.adapters.registry).ship([desk.workspace])


def counted(state: str) -> float:
    return sample("relaycast_message_step_seconds_count", step=state)


async def test_each_step_of_a_message_is_measured_once(desk: Desk, logs: ClickHouseLogStore) -> None:
    await desk.adapters.backlog.begin(desk.workspace)
    bob = await desk.idle("Bob")
    before = {state: counted(state) for state in STATES}
    message, _ = await desk.send("Bob")
    await desk.handed(bob, message)
    await desk.turn(bob, message)
    await ship(desk, logs)
    await ship(desk, logs)
    assert {state: counted(state) - before[state] for state in STATES} == dict.fromkeys(STATES, 1)


async def test_a_message_that_goes_to_a_second_process_is_a_redelivery(desk: Desk, logs: ClickHouseLogStore) -> None:
    await desk.adapters.backlog.begin(desk.workspace)
    bob = await desk.idle("Bob")
    message, _ = await desk.send("Bob")
    await desk.exited(bob)
    before = sample("relaycast_redeliveries_total")
    await ship(desk, logs)
    assert sample("relaycast_redeliveries_total") == before
    await desk.ready(await desk.agent(bob.id))
    assert [event["data"].get("attempt") for event in await desk.events("message.receipt")][-1] == 2
    await ship(desk, logs)
    assert sample("relaycast_redeliveries_total") == before + 1
    assert (await desk.trace(message)).deliveries[0].attempts == 2


async def test_a_message_that_does_not_arrive_is_counted_with_its_reason(desk: Desk, logs: ClickHouseLogStore) -> None:
    await desk.adapters.backlog.begin(desk.workspace)
    bob = await desk.idle("Bob")
    await desk.send("Bob", ttl_s=1)
    before = sample("relaycast_messages_undeliverable_total", reason="agent_released")
    await desk.adapters.mailroom.release(desk.workspace, bob.id, by="operator")
    await desk.exited(bob, expected=True)
    await ship(desk, logs)
    assert sample("relaycast_messages_undeliverable_total", reason="agent_released") == before + 1
