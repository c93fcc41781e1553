"""The composition root: builds the processes out of adapters, services and edges. Nothing else joins them."""

from __future__ import annotations

from broker.app.adapters import Adapters, build_adapters
from broker.app.gateway import build_app
from broker.app.services import Clock, build_services
from broker.app.telling import dashboard_link, ready_line
from broker.app.workers import (
    build_audit,
    build_billing,
    build_deliveries,
    build_driver,
    build_ending,
    build_hooks,
    build_resealing,
    build_retention,
    build_shipping,
    build_survey,
    build_timekeeper,
    build_workflows,
)

__all__ = [
    "Adapters",
    "Clock",
    "build_adapters",
    "build_app",
    "build_audit",
    "build_billing",
    "build_deliveries",
    "build_driver",
    "build_ending",
    "build_hooks",
    "build_resealing",
    "build_retention",
    "build_services",
    "build_shipping",
    "build_survey",
    "build_timekeeper",
    "build_workflows",
    "dashboard_link",
    "ready_line",
]
