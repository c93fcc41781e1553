"""The table of faults: what is done, for how long, and within which time everybody has to be served again."""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults import acts, scenarios
from tests.faults.acts import Act
from tests.faults.proxy import Weather

_RECOVERS_S = 90.0
"""Far more than any of it takes on a quiet machine; only what never comes back exceeds it on a loaded one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row of the table. What is broken is mended when `act` has returned; `act` may mend it itself."""

    name: str
    says: str
    act: Act
    short_s: float
    """How long it lasts in a run of a few minutes."""
    long_s: float
    """How long it lasts where there is time: past the pings and patience of everybody who is concerned."""
    recovers_s: float = _RECOVERS_S
    replicated: bool = False
    """Wants a store with a replica, on a stage of its own."""


def _fault(name: str, says: str, act: Act, /, short_s: float, long_s: float, *, replicated: bool = False) -> Fault:
    return Fault(name=name, says=says, act=act, short_s=short_s, long_s=long_s, replicated=replicated)


FAULTS: tuple[Fault, ...] = (
    _fault("none", "the measure for all others", acts.lasting(acts.nothing), 5, 20),
    # Processes that die, are restarted in good order, or stand still.
    _fault("gateway-killed", "a gateway dies, three times", acts.in_turn(acts.kill_gateway, times=3), 4, 20),
    _fault("worker-killed", "one worker dies, then both", acts.in_turn(acts.kill_workers, times=2), 4, 15),
    _fault("relay-connect-killed", "each relay-connect dies", acts.in_turn(acts.kill_machine, times=3), 4, 20),
    _fault("agent-killed", "three agents die", acts.in_turn(acts.kill_agent, times=3), 3, 15),
    _fault("rolling-restart", "every broker process is restarted in turn", acts.restart_rolling, 3, 20),
    _fault("gateway-frozen", "a gateway stands still", acts.frozen(lambda stage: stage.gateways[:1]), 8, 30),
    _fault("relay-connect-frozen", "a laptop sleeps", acts.frozen(lambda stage: stage.machines[:1]), 8, 35),
    _fault("workers-frozen", "both workers stand still", acts.frozen(lambda stage: stage.workers), 5, 20),
    _fault("workers-away", "there is no worker", acts.lasting(acts.stop_workers), 6, 60),
    _fault("agent-frozen", "an agent hangs", acts.lasting(acts.freeze_agent), 12, 25),
    _fault("everything-killed", "all but the log store die at once", acts.lasting(acts.kill_everything), 1, 5),
    # The way between machines and gateways.
    _fault("links-reset", "all links break, six times", acts.in_turn(acts.reset_links, times=6), 4, 20),
    _fault(
        "links-truncated", "links break in the middle of a frame", acts.weather(Weather(truncate_after=20_000)), 5, 15
    ),
    _fault("links-delayed", "every chunk comes late", acts.weather(Weather(delay_s=0.3)), 5, 15),
    _fault("links-stalled", "nothing goes either way", acts.weather(Weather(up=False, down=False)), 6, 25),
    _fault("links-stalled-down", "nothing comes from the broker", acts.weather(Weather(down=False)), 6, 25),
    _fault("links-stalled-up", "nothing goes to the broker", acts.weather(Weather(up=False)), 6, 25),
    _fault(
        "links-black-hole",
        "nothing goes, and new connections are taken and never served",
        acts.weather(Weather(up=False, down=False, answers=False)),
        8,
        25,
    ),
    # The stores.
    _fault("redis-stopped", "Redis is restarted in good order", acts.lasting(acts.stop_store), 3, 5),
    _fault("redis-killed", "Redis dies", acts.lasting(acts.kill_store), 3, 10),
    _fault("redis-killed-again", "Redis dies three times", acts.in_turn(acts.kill_store, times=3), 3, 9),
    _fault("redis-frozen", "Redis stands still", acts.lasting(lambda stage: stage.store.freeze()), 8, 20),
    _fault("redis-full", "Redis has no memory left", acts.fill_memory, 4, 15),
    _fault("redis-read-only", "Redis is a replica for a while", acts.demote_store, 4, 15),
    _fault("log-store-killed", "the log store dies", acts.lasting(acts.kill_logs), 4, 60),
    _fault("fail-over", "a replica without the last events takes over", scenarios.fail_over, 3, 10, replicated=True),
    # Stories.
    _fault("subscribers-stalled", "subscribers do not read what they asked for", scenarios.stall_subscribers, 60, 120),
    _fault(
        "subscribers-and-redis",
        "Redis dies again and again while subscribers come and go",
        scenarios.crowd_and_kill_store,
        16,
        60,
    ),
    _fault("disk-full", "the disk of a machine is full, and its link breaks", scenarios.fill_disk, 5, 20),
    _fault("hostile-agent", "one agent prints what no agent should", scenarios.print_bad_frames, 10, 30),
    _fault("impossible-folder", "agents are to start where nothing is", scenarios.spawn_nowhere, 0, 0),
    _fault("dead-unseen", "a machine dies while Redis is away", scenarios.kill_machine_without_store, 4, 10),
    _fault("lifetimes-asleep", "a laptop sleeps past messages' lifetimes", scenarios.sleep_past_lifetimes, 24, 35),
    _fault(
        "answered-while-away", "a question is answered while its machine is away", scenarios.answer_while_away, 2, 10
    ),
)
