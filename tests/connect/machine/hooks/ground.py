"""A machine on which hooks run: real folders, files and processes; the reports are read from the spool."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from broker.domain.hooks.events import HookEvent
from broker.domain.hooks.runs import RunState
from broker.domain.ids import AgentId
from broker.protocol.proxy import HookRan, NumberedReport, RunHook
from connect.access.broker_clock import BrokerClock
from connect.machine.hooks.consent_file import ConsentFile, TakenConsents, to_toml
from connect.machine.hooks.journal import Journal
from connect.machine.hooks.offers import offers_of
from connect.machine.hooks.refusals import Refusals, read_refusals
from connect.machine.hooks.runner import HookRunner, HookSurroundings
from connect.machine.kit import Kit
from connect.machine.spool import Spool
from connect.notices import Notice, Warned
from connect.policy.allow_file import hash_of
from connect.policy.consent import NoTerminal
from connect.policy.folders import real_folder
from connect.policy.gate import Gate
from connect.policy.policy import Policy
from connect.policy.policy_file import PolicyFile
from connect.policy.taken import TakenPolicy
from connect.policy.workplaces import Workplace, Workplaces
from connect.system import process_tree
from connect.system.process_records import ProcessRecords

AGENT = AgentId("a1")
RECORDER = """\
#!{python}
import json, os, sys
with open({log!r}, "a") as log:
    log.write(json.dumps({{"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ), "in": sys.stdin.read(),
                          "file": open(os.environ["RELAYCAST_EVENT_FILE"]).read(), "umask": os.umask(0)}}) + "\\n")
"""


@dataclass(slots=True)
class Ground:
    """One machine, its owner and its broker."""

    folder: Path
    environment: dict[str, str]
    journal_file: Path | None = None
    waited_for: bool = False
    """Whether an agent waits for what is ordered, as before a tool."""
    notices: list[Notice] = field(default_factory=list)
    runs: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.project.mkdir(exist_ok=True)
        self.state.mkdir(exist_ok=True)
        self.programs.mkdir(exist_ok=True)
        for name in ("processes", "spool"):
            (self.state / name).mkdir(exist_ok=True)
        self.file = ConsentFile(self.folder, state=self.state)
        PolicyFile(self.folder, state=self.state).write(Policy(folders=(self.project,)))
        self.consents = TakenConsents(
            self.file, fresh=False, warn=lambda text: self.notices.append(Warned(problem=text))
        )
        self.spool = Spool(self.state / "spool", limit_bytes=64 * 1024 * 1024)
        self.spool.on_added = self.changed.set
        workplaces = Workplaces(self.state / "workplaces.ndjson")
        workplaces.remember(AGENT, Workplace(ordered=None, folder=self.project))
        policy = TakenPolicy(PolicyFile(self.folder, state=self.state), fresh=False, warn=lambda _: None)
        self.gate = Gate(policy, started_in=self.project, workplaces=workplaces, consent=NoTerminal())
        self.records = ProcessRecords(self.state / "processes")
        self.journal = Journal(self.journal_file or self.state / "hooks.ndjson")
        self.runner = HookRunner(self.around(), journal=self.journal)

    clock: BrokerClock = field(default_factory=BrokerClock)
    journal: Journal = field(init=False)
    runner: HookRunner = field(init=False)
    file: ConsentFile = field(init=False)
    consents: TakenConsents = field(init=False)
    spool: Spool = field(init=False)
    gate: Gate = field(init=False)
    records: ProcessRecords = field(init=False)

    def _warn(self, text: str) -> None:
        self.notices.append(Warned(problem=text))

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def programs(self) -> Path:
        """On PATH, where no agent may write."""
        return self.folder / "bin"

    @property
    def log(self) -> Path:
        """What the recorders have seen."""
        return self.folder / "recorded.ndjson"

    def around(self) -> HookSurroundings:
        kit = Kit(
            gate=self.gate,
            records=self.records,
            private=self.state / "hook-events",
            environment={"PATH": f"{self.programs}:/usr/bin:/bin", "HOME": str(self.folder), **self.environment},
            spool=self.spool,
            secrets=lambda: ("nt_live_secret-of-the-proxy",),
            clock=self.clock,
            notice=self.notices.append,
        )
        return HookSurroundings(kit=kit, consents=self.consents, refusals=Refusals(self.state))

    def program(self, name: str, script: str | None = None, *, folder: Path | None = None) -> Path:
        """A program; without a script one that records how it was called."""
        path = (folder or self.programs) / name
        path.write_text(script or RECORDER.format(python=sys.executable, log=str(self.log)))
        path.chmod(0o755)
        return path

    def python(self, name: str, code: str) -> Path:
        return self.program(name, f"#!{sys.executable}\n{code}\n")

    def order(self, command: str | Sequence[str], *, hook: str = "h1", run: str = "", **given: Any) -> RunHook:
        self.runs += 1
        words = command if isinstance(command, str) else list(command)
        plain = {"agent": AGENT, "generation": 1, "hook": hook, "run": run or f"r{self.runs}", "command": words}
        if self.waited_for:
            plain |= {"answers": HookEvent.BEFORE_TOOL, "begun_here": True}
        return RunHook.model_validate({**plain, **given})

    async def allow(self, order: RunHook, *, shell: bool = True) -> None:
        """The owner is shown what was refused, and says yes to it."""
        self.runs += 1
        refused = await self.run(order.model_copy(update={"run": f"refused-{self.runs}"}))
        assert refused.state is RunState.REFUSED, refused
        [offer] = [
            offer
            for offer in offers_of(read_refusals(self.state), self.consents.current())
            if offer.consent.id == order.hook
        ]
        assert shell or not offer.is_code
        content = to_toml(self.consents.current().with_consent(offer.consent))
        self.consents.expect(hash_of(content))
        self.file.put(content)

    async def run(self, order: RunHook) -> HookRan:
        """Its end."""
        self.runner.take(order)
        return await self.end_of(order.run)

    async def end_of(self, run: str) -> HookRan:
        return await self.told(lambda each: each.run == run and each.state is not RunState.STARTED)

    async def told(self, match: Callable[[HookRan], bool]) -> HookRan:
        async with asyncio.timeout(30):
            while not (found := [each for each in self.reports() if match(each)]):
                self.changed.clear()
                await self.changed.wait()
        return found[0]

    def reports(self) -> list[HookRan]:
        """All that the broker would be told, in order."""
        encoded = self.spool.batch(self.spool.acked, max_bytes=1 << 40)
        read = [NumberedReport.model_validate_json(each).report for each in encoded]
        return [each for each in read if isinstance(each, HookRan)]

    def recorded(self) -> list[dict[str, Any]]:
        """How the recorders were called."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def warnings(self) -> list[str]:
        return [notice.problem for notice in self.notices if isinstance(notice, Warned)]


@asynccontextmanager
async def ground(folder: Path, *, waited_for: bool = False, **environment: str) -> AsyncGenerator[Ground]:
    """A machine with a project in which one agent works."""
    made = Ground(folder=real_folder(folder), environment=environment, waited_for=waited_for)
    stop = asyncio.Event()
    running = asyncio.ensure_future(made.runner.run(stop))
    try:
        yield made
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await running
        made.spool.close()


def alive(pid: int) -> bool:
    return process_tree.is_running(process_tree.key_of(pid))
