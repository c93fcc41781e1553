"""A hash for each command of a run of a workflow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.workflows.runs.commands import CommandEnd, CommandId, CommandKind, CommandState
from broker.protocol.proxy import StopCommand, write
from broker.services.ports import CommandOrder, CommandRecord


class RedisCommands:
    """Implements `CommandRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def order(self, workspace: WorkspaceId, order: CommandOrder) -> CommandState | None:
        """Order it, once; how far it is now. None: there is no room for it yet."""
        state = await self._scripts.run("order_command", workspace, order=orjson.dumps(describe_order(order)))
        return CommandState(state) if state else None

    async def stop(self, workspace: WorkspaceId, command: CommandId, *, reason: str) -> CommandState | None:
        """Tell its machine to end it or not to begin it."""
        order = write(StopCommand(command=command, reason=reason))
        state = await self._scripts.run("stop_command", workspace, command=command, order=order)
        return CommandState(state) if state else None

    async def of(self, workspace: WorkspaceId, commands: Iterable[CommandId]) -> list[CommandRecord]:
        """Those of these that are known, as far as each has come."""
        wanted = list(commands)
        pipe = self._redis.pipeline(transaction=False)
        for command in wanted:
            pipe.hgetall(keys.key(workspace, "command", command))
        rows = await pipe.execute() if wanted else []
        return [read_command(command, row) for command, row in zip(wanted, rows, strict=True) if row]


def describe_order(order: CommandOrder) -> dict[str, Any]:
    """An order as the scripts are given it (`lib/command_orders`)."""
    return {
        "command": order.command,
        "run": order.run,
        "step": order.step,
        "attempt": order.attempt,
        "kind": order.kind,
        "session": order.session,
        "link": order.link,
        "order": order.order,
        "patience_ms": int(order.patience_s * 1000),
        "lasts_ms": "" if order.lasts_ms is None else order.lasts_ms,
        "patient": order.patient,
        "refused": orjson.dumps({"reason": order.refused}).decode() if order.refused else "",
    }


def read_command(command: CommandId, row: Mapping[str, str]) -> CommandRecord:
    """A command by its hash."""
    told = orjson.loads(row["told"])
    end = CommandEnd(
        state=CommandState(row["state"]),
        reason=told.get("reason", ""),
        exit_code=told.get("exit_code"),
        signal=told.get("signal"),
        output=row.get("output", ""),
        errors=row.get("errors", ""),
        output_bytes=told.get("output_bytes", 0),
        duration_ms=told.get("duration_ms", 0),
        folder=told.get("folder", ""),
    )
    return CommandRecord(
        command=command,
        run=row["run"],
        step=row["step"],
        attempt=int(row["attempt"]),
        kind=CommandKind(row["kind"]),
        session=SessionId(row["session"]),
        at_ms=int(row["at_ms"]),
        told=end,
    )
