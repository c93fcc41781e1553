"""A machine on which commands of workflows run: real folders, files and processes; reports are read from the spool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from broker.domain.ids import AgentId, SessionId
from broker.domain.workflows.runs.commands import CommandKind, CommandState, shell_template, worktree_template
from broker.protocol.proxy import AskedBy, CommandOutput, CommandRan, NumberedReport, RunCommand
from connect.access.broker_clock import BrokerClock
from connect.machine.kit import Kit
from connect.machine.spool import Spool
from connect.machine.workflows.consent_file import ConsentFile, TakenConsents, to_toml
from connect.machine.workflows.consents import Consents
from connect.machine.workflows.refusals import Refusals, list_unsettled, read_refusals
from connect.machine.workflows.runner import CommandRunner, Journal, WorkflowSurroundings
from connect.notices import Notice, Warned
from connect.policy.allow_file import hash_of
from connect.policy.consent import NoTerminal
from connect.policy.folders import real_folder
from connect.policy.gate import Gate
from connect.policy.policy import Policy
from connect.policy.policy_file import PolicyFile
from connect.policy.taken import TakenPolicy
from connect.policy.workplaces import Workplaces
from connect.system.process_records import ProcessRecords

OWNER = AskedBy(kind="person", name="Ada", owner=True)
SESSION = SessionId("s1")


@dataclass(slots=True)
class Ground:
    """One machine, its owner and its broker."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    policy: Policy | None = None
    notices: list[Notice] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    orders: int = 0

    def __post_init__(self) -> None:
        for each in (self.project, self.state, self.state / "processes", self.state / "spool"):
            each.mkdir(exist_ok=True)
        self.file = ConsentFile(self.folder, state=self.state)
        policies = PolicyFile(self.folder, state=self.state)
        policies.write(self.policy or Policy(folders=(self.project,)))
        self.consents = TakenConsents(self.file, fresh=False, warn=self.warn)
        self.spool = Spool(self.state / "spool", limit_bytes=64 * 1024 * 1024)
        self.spool.on_added = self.changed.set
        self.gate = Gate(
            TakenPolicy(policies, fresh=False, warn=self.warn),
            started_in=self.project,
            workplaces=Workplaces(self.state / "workplaces.ndjson"),
            consent=NoTerminal(),
        )
        kit = Kit(
            gate=self.gate,
            records=ProcessRecords(self.state / "processes"),
            private=self.state / "workflow-values",
            environment={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), **self.environment},
            spool=self.spool,
            secrets=lambda: ("nt_live_secret-of-the-proxy",),
            clock=self.clock,
            notice=self.notices.append,
        )
        around = WorkflowSurroundings(kit=kit, consents=self.consents, refusals=Refusals(self.state))
        self.journal = Journal(self.state / "commands.ndjson")
        self.runner = CommandRunner(around, journal=self.journal)

    clock: BrokerClock = field(default_factory=BrokerClock)
    file: ConsentFile = field(init=False)
    consents: TakenConsents = field(init=False)
    spool: Spool = field(init=False)
    gate: Gate = field(init=False)
    journal: Journal = field(init=False)
    runner: CommandRunner = field(init=False)

    def warn(self, text: str) -> None:
        self.notices.append(Warned(problem=text))

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def order(self, text: str = "true", **given: Any) -> RunCommand:
        """A command of a file that has nothing else run."""
        self.orders += 1
        template = shell_template(text)
        plain: dict[str, Any] = {
            "command": f"c{self.orders}",
            "run": "r1",
            "step": "build",
            "attempt": 1,
            "session": SESSION,
            "file": "demo",
            "templates": [template],
            "template": template,
            "kind": CommandKind.SHELL,
            "text": text,
            "asked_by": OWNER,
        }
        return RunCommand.model_validate({**plain, **given})

    def look(self, kind: CommandKind, **given: Any) -> RunCommand:
        """What is done without a shell; of a worktree by its path and branch."""
        template = ""
        if kind.needs_consent:
            template = worktree_template(path=given["path"], branch=given["branch"], base=given.get("base"))
        templates = {"template": template, "templates": [template] if template else []}
        return self.order(given.pop("text", ""), **{"kind": kind, **templates, **given})

    def allow(self) -> None:
        """The owner is shown what was refused lately, and says yes to all of it."""
        consents = self.consents.current()
        for refusal in list_unsettled(read_refusals(self.state), consents):
            consents = consents.with_more(refusal.consent)
        self.put(consents)

    def put(self, consents: Consents) -> None:
        content = to_toml(consents)
        self.consents.expect(hash_of(content))
        self.file.put(content)

    async def run(self, order: RunCommand) -> CommandRan:
        """Its end; refused at first, it is allowed and ordered anew."""
        refused = await self.take(order.model_copy(update={"command": f"first-{order.command}"}))
        if refused.state is CommandState.NEEDS_CONSENT:
            self.allow()
        return await self.take(order)

    async def take(self, order: RunCommand) -> CommandRan:
        """Its end."""
        self.runner.take(order)
        return await self.end_of(order)

    async def end_of(self, order: RunCommand) -> CommandRan:
        return await self.told(lambda each: each.command == order.command and each.state.is_end)

    async def told(self, match: Callable[[CommandRan], bool]) -> CommandRan:
        async with asyncio.timeout(60):
            while not (found := [each for each in self.reports() if match(each)]):
                self.changed.clear()
                await self.changed.wait()
        return found[0]

    def reports(self) -> list[CommandRan]:
        """All that the broker would be told, in order."""
        return [each for each in self._read() if isinstance(each, CommandRan)]

    def outputs(self) -> list[CommandOutput]:
        return [each for each in self._read() if isinstance(each, CommandOutput)]

    def _read(self) -> list[object]:
        encoded = self.spool.batch(self.spool.acked, max_bytes=1 << 40)
        return [NumberedReport.model_validate_json(each).report for each in encoded]

    def warnings(self) -> list[str]:
        return [notice.problem for notice in self.notices if isinstance(notice, Warned)]


@asynccontextmanager
async def ground(
    folder: Path, *, policy: Policy | None = None, environment: dict[str, str] | None = None
) -> AsyncGenerator[Ground]:
    """A machine with a project."""
    made = Ground(folder=real_folder(folder), environment=environment or {}, policy=policy)
    stop = asyncio.Event()
    running = asyncio.ensure_future(made.runner.run(stop))
    try:
        yield made
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await running
        made.spool.close()


def an_agent(agent: str, **given: Any) -> AskedBy:
    return AskedBy.model_validate(
        {"kind": "agent", "name": agent, "agent": AgentId(agent), "session": SESSION, **given}
    )
