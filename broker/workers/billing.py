"""Keeps what is here and what Stripe has equal, again and again. Any number of workers may."""

from __future__ import annotations

import time
from collections.abc import Callable

from broker.services.plans.subscriptions import SubscriptionKeeper
from broker.services.ports import Timers
from broker.workers.endurance import EachWorkspace

_EVERY_S = 60.0
_LONGEST_PAUSE_S = 900.0


class BillingWorker(EachWorkspace):
    """One worker's loop."""

    def __init__(
        self, workspaces: Timers, keeper: SubscriptionKeeper, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(
            "billing",
            all_=workspaces.workspaces,
            tend=keeper.tend,
            every_s=_EVERY_S,
            longest_pause_s=_LONGEST_PAUSE_S,
            clock=clock,
        )
