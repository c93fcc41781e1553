"""Running the broker's processes: their stores, their socket, their signals, their presence."""

from broker.processes.running import run_gateway, run_migrate, run_up, run_worker
from broker.processes.serving import PortInUse

__all__ = ["PortInUse", "run_gateway", "run_migrate", "run_up", "run_worker"]
