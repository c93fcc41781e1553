"""Measures the whole installation now and then. Any number of workers may: each says what it has found itself."""

from __future__ import annotations

import asyncio
import time

from broker.domain.agents.agents import AgentState
from broker.domain.operations.status import ProcessKind, Survey, Waiting
from broker.services.operations.survey import Surveyor
from broker.telemetry import (
    AGENTS,
    PROCESSES,
    STORE_FULL,
    STORE_READY,
    SURVEY_SECONDS,
    SURVEYS,
    VERSIONS,
    WAITING,
    WAITING_SECONDS,
    WORKSPACES,
)
from broker.workers.endurance import forever

_EVERY_S = 15.0
_SHARE = 0.05
"""Of the time that surveys may take: an installation with very many workspaces is surveyed more seldom."""


class SurveyWorker:
    """One worker's loop."""

    def __init__(self, surveyor: Surveyor, *, every_s: float = _EVERY_S) -> None:
        self._surveyor = surveyor
        self._every_s = every_s

    async def run(self) -> None:
        """Work until cancelled."""
        await forever(self._survey, name="survey")

    async def _survey(self) -> None:
        while True:
            took_s = await self.survey()
            await asyncio.sleep(max(self._every_s, took_s / _SHARE))

    async def survey(self) -> float:
        """Take one and show it; how long that took, in seconds. Raises `Unavailable`: then redis is not ready."""
        began = time.monotonic()
        try:
            found = await self._surveyor.take()
        except BaseException:
            STORE_READY.labels("redis").set(0)
            raise
        show(found)
        took_s = time.monotonic() - began
        SURVEY_SECONDS.set(took_s)
        SURVEYS.inc()
        return took_s


def show(survey: Survey) -> None:
    """Set the gauges that tell of the installation."""
    for store in survey.stores:
        STORE_READY.labels(store.name).set(store.is_in_order)
        STORE_FULL.labels(store.name).set(store.room.full)
    for kind in ProcessKind:
        PROCESSES.labels(kind.value).set(sum(each.kind is kind for each in survey.processes))
    VERSIONS.set(len({each.version for each in survey.processes}))
    for state in AgentState:
        AGENTS.labels(state.value).set(survey.agents.get(state.value, 0))
    WORKSPACES.set(survey.workspaces)
    _show_waiting("log_events", survey.backlog, survey.at_ms)
    _show_waiting("messages", survey.messages, survey.at_ms)


def _show_waiting(what: str, waiting: Waiting, at_ms: int) -> None:
    WAITING.labels(what).set(waiting.count)
    WAITING_SECONDS.labels(what).set(waiting.age_ms(at_ms) / 1000)
