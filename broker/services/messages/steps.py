"""Measures how far messages get. Whoever ships the log has parsed its events: nothing is added to a message's way.

An event is measured once it is kept. A shipper that is killed between keeping and marking a batch lets the next one
measure it again: figures for operators may count a step twice then, the log has it once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from broker.domain.messages.steps import StepMade
from broker.telemetry import REDELIVERIES, STEP_SECONDS, UNDELIVERABLE
from broker.telemetry.logs import STEPS_LOG, ids

_log = logging.getLogger(f"{STEPS_LOG}.messages")


def measure(steps: Iterable[StepMade]) -> None:
    """Observe each step, and log it where that is asked for."""
    is_logged = _log.isEnabledFor(logging.INFO)
    for step in steps:
        if step.after_ms is not None:
            STEP_SECONDS.labels(step.state).observe(step.after_ms / 1000)
        if step.attempt > 1:
            REDELIVERIES.inc()
        if step.reason is not None:
            UNDELIVERABLE.labels(step.reason).inc()
        if is_logged:
            _tell(step)


def _tell(step: StepMade) -> None:
    _log.info(
        "message is %s%s",
        step.state,
        "" if step.after_ms is None else f" after {step.after_ms} ms",
        extra=ids(
            workspace=step.workspace,
            session=step.session,
            message=step.message,
            agent=step.agent,
            state=step.state,
            after_ms=step.after_ms,
            attempt=step.attempt,
            reason=step.reason,
        ),
    )
