"""`python -m tests.bench`: measure, print, and with --write keep the figures in RESULTS.md.

With --against WHEEL another version and this one take turns, and what is worse by more than noise is named.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import orjson

from tests.bench import against, machine, pairing, report, results
from tests.bench.appends import measure_appends
from tests.bench.billing import measure_billing, measure_recomputing
from tests.bench.conversation import measure_conversation
from tests.bench.dashboard import measure_dashboard
from tests.bench.fanout import measure_fanout
from tests.bench.figures import Section
from tests.bench.fleet import measure_fleet
from tests.bench.footprint import measure_footprint
from tests.bench.growth import measure_growth
from tests.bench.hooks import measure_hooks, measure_matching
from tests.bench.latency import measure_latency
from tests.bench.live_fanout import measure_idle_subscriptions, measure_live_fanout, measure_live_subscriptions
from tests.bench.log_search import fill, measure_search, measure_size, measure_stall
from tests.bench.log_stage import log_stage
from tests.bench.logs_shipping import measure_lag, measure_shipping
from tests.bench.people import measure_many_people, measure_send_checks
from tests.bench.sizes import measure_sizes
from tests.bench.stage import Broker, running_broker
from tests.bench.stops import measure_stops
from tests.bench.tenants import measure_hostile, measure_idle_workspaces
from tests.bench.tracing import measure_spans, measure_tracing
from tests.bench.visits import measure_visits
from tests.bench.workflow_steps import measure_workflow_peer, measure_workflow_steps
from tests.bench.workflows import measure_workflows

_PREVIOUS = Path(__file__).parents[1] / "fixtures" / "previous" / "relaycast-0.1.0-py3-none-any.whl"
_WITH_BROKER = (
    *("latency", "appends", "footprint", "fanout", "growth", "stops"),
    *("dashboard", "fleet", "conversation", "hooks", "workflows", "people"),
)
_MEASURES = (*_WITH_BROKER, "sizes", "tracing", "spans", "billing", "visits", "tenants", "logs")


def main() -> None:
    options = _options()
    described = machine.described()
    if options.against:
        sys.exit(_paired(options, described))
    sections = asyncio.run(_measured(options))
    if options.json:
        found = {"machine": described, "sections": [report.as_json(section) for section in sections]}
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    if options.write:
        command = " ".join(["python -m tests.bench", *(a for a in sys.argv[1:] if a != "--json")])
        # A part of its own: the figures of a whole run stay as they are.
        title = f"Measured alone: {', '.join(options.only)}" if options.only else "Measured figures"
        results.put(options.write, report.as_markdown(sections, machine=described, command=command, title=title))


def _paired(options: argparse.Namespace, described: dict[str, str]) -> int:
    """Measure against another version; 1 when a figure is worse by more than noise."""
    with tempfile.TemporaryDirectory(prefix="rc-pair-", ignore_cleanup_errors=True) as folder:
        wheel, rows = options.against.resolve(), options.rows or 1_000_000
        found = against.compare(wheel, Path(folder), rounds=options.rounds, rows=rows, only=options.only or ())
        pairs, names = asyncio.run(found)
    section = pairing.section(pairs, names=names)
    print(orjson.dumps(report.as_json(section)).decode() if options.json else report.as_text(section))
    if options.write:
        only = "".join(f" --only {name}" for name in options.only or ())
        command = f"python -m tests.bench --against {wheel.name} --rounds {options.rounds} --rows {rows}{only}"
        text = report.as_markdown([section], machine=described, command=command, title="Against the version before")
        results.put(options.write, text)
    return 1 if any(pair.is_worse for pair in pairs) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer messages, and up to 50 agents: about a minute")
    parser.add_argument("--agents", default=None, metavar="N,N,…", help="the steps of growth (10,100,1000)")
    parser.add_argument(
        "--only",
        action="append",
        metavar="MEASURE",
        help=f"measure this alone; may be repeated: {', '.join(_MEASURES)}; in a pairing {', '.join(against.MEASURES)}",
    )
    parser.add_argument("--rows", type=int, metavar="N", help="lines to search in (10000000; 1000000 in a pairing)")
    parser.add_argument(
        "--lines",
        type=lambda given: Path(given).resolve(),
        metavar="FOLDER",
        help="keep those lines here, and use them if there",
    )
    parser.add_argument(
        "--against",
        type=Path,
        nargs="?",
        const=_PREVIOUS,
        metavar="WHEEL",
        help=f"measure that version and this one in turns ({_PREVIOUS.name})",
    )
    parser.add_argument("--rounds", type=int, default=4, metavar="N", help="turns of each version (4)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    parser.add_argument(
        "--write",
        type=Path,
        nargs="?",
        const=results.RESULTS,
        metavar="FILE",
        help=f"write a file ({results.RESULTS.name})",
    )
    options = parser.parse_args()
    known = against.MEASURES if options.against else _MEASURES
    if unknown := set(options.only or ()) - set(known):
        parser.error(f"--only: no measure {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return options


async def _measured(options: argparse.Namespace) -> list[Section]:
    sections = []
    async for section in _measures(options):
        sections.append(section)
        if not options.json:
            print(report.as_text(section), end="\n\n", flush=True)
    return sections


async def _measures(options: argparse.Namespace) -> AsyncIterator[Section]:
    wanted = set(options.only or _MEASURES)
    # A short path: the store's socket lies below it.
    with tempfile.TemporaryDirectory(prefix="rc-bench-") as folder:
        if wanted.intersection(_WITH_BROKER):
            async with running_broker(Path(folder)) as broker:
                async for section in _with_broker(broker, options, wanted):
                    yield section
        if "sizes" in wanted:
            for section in await _sizes(Path(folder) / "sizes", quick=options.quick):
                yield section
        if "tracing" in wanted:
            rounds, count = (2, 60) if options.quick else (16, 150)
            yield await measure_tracing(Path(folder), rounds=rounds, count=count)
        if "spans" in wanted:
            yield await measure_spans(Path(folder), count=60 if options.quick else 300)
        if "visits" in wanted:
            yield await measure_visits(Path(folder) / "visits", runs=3 if options.quick else 7)
        if "billing" in wanted:
            yield await measure_billing(Path(folder), count=200 if options.quick else 2000)
            yield measure_recomputing(count=100_000 if options.quick else 1_000_000)
        if "tenants" in wanted:
            async for section in _tenants(Path(folder), quick=options.quick):
                yield section
        if "fanout" in wanted:
            async for section in _live(Path(folder), quick=options.quick):
                yield section
        if "logs" in wanted:
            async for section in _logs(Path(folder), options):
                yield section


async def _with_broker(broker: Broker, options: argparse.Namespace, wanted: set[str]) -> AsyncIterator[Section]:
    quick = options.quick
    steps = tuple(map(int, (options.agents or ("10,50" if quick else "10,100,1000")).split(",")))
    if "latency" in wanted:
        yield await measure_latency(broker, count=100 if quick else 500)
    if "appends" in wanted:
        yield await measure_appends(broker, count=5_000 if quick else 30_000)
    if "footprint" in wanted:
        yield await measure_footprint(broker, runs=3 if quick else 7)
    if "fanout" in wanted:
        yield await measure_fanout(broker, readers=(1, 50), frames=1_000 if quick else 5_000)
    if "dashboard" in wanted:
        yield await measure_dashboard(
            broker, lines=10_000 if quick else 100_000, seconds=5 if quick else 30, runs=3 if quick else 7
        )
    if "fleet" in wanted:
        yield await measure_fleet(broker, agents=200 if quick else 1_000, seconds=5 if quick else 30)
    if "conversation" in wanted:
        yield await measure_conversation(
            broker, entries=10_000 if quick else 100_000, seconds=5 if quick else 30, runs=3 if quick else 7
        )
    if "growth" in wanted:
        yield await measure_growth(broker, steps=steps, count=60 if quick else 200)
    if "stops" in wanted:
        yield await measure_stops(broker, steps=(50,) if quick else (50, 500))
    if "hooks" in wanted:
        yield measure_matching(counts=(0, 10, 1000), events=2_000 if quick else 20_000)
        yield await measure_hooks(broker, definitions=(1, 10, 1000), turns=20 if quick else 100)
    if "people" in wanted:
        yield await measure_send_checks(broker, count=30 if quick else 100)
        yield await measure_many_people(
            broker, people=500 if quick else 10_000, groups=100 if quick else 1_000, count=20 if quick else 100
        )
    if "workflows" in wanted:
        yield await measure_workflow_steps(broker, steps=50 if quick else 200)
        yield await measure_workflow_peer(broker, steps=10 if quick else 20)
        yield await measure_workflows(broker, shapes=((50, 20),) if quick else ((100, 20), (1_000, 20), (1, 10_000)))


async def _tenants(folder: Path, *, quick: bool) -> AsyncIterator[Section]:
    """On brokers of their own, each with a folder: what others have left there would count."""
    (folder / "hostile").mkdir()
    (folder / "idle").mkdir()
    seconds = 5 if quick else 30
    yield await measure_hostile(
        folder / "hostile", workspaces=20 if quick else 200, seconds=seconds, sessions=500 if quick else 10_000
    )
    yield await measure_idle_workspaces(folder / "idle", workspaces=50 if quick else 1_000, seconds=seconds)


async def _sizes(folder: Path, *, quick: bool) -> list[Section]:
    """On a broker of its own: what others have left in it would count."""
    folder.mkdir()
    agents, messages, lines = (50, 300, 10_000) if quick else (1_000, 5_000, 200_000)
    async with running_broker(folder) as broker:
        return await measure_sizes(broker, agents=agents, messages=messages, lines=lines)


async def _live(folder: Path, *, quick: bool) -> AsyncIterator[Section]:
    yield await measure_live_fanout(folder, rounds=1 if quick else 3, events=1_000 if quick else 3_000)
    yield await measure_live_subscriptions(folder, events=300 if quick else 1_000)
    yield await measure_idle_subscriptions(folder)


async def _logs(folder: Path, options: argparse.Namespace) -> AsyncIterator[Section]:
    quick = options.quick
    rows = options.rows or (300_000 if quick else 10_000_000)
    async with log_stage(folder / "shipping") as stage:
        yield await measure_shipping(stage, count=20_000 if quick else 100_000)
        yield await measure_lag(stage, seconds=5 if quick else 30)
    async with log_stage(options.lines or folder / "searching") as stage:
        await fill(stage, rows)
        yield await measure_search(stage, rows=rows, runs=10 if quick else 40)
        yield await measure_stall(stage, rounds=2 if quick else 5)
        yield await measure_size(stage, rows=rows)


if __name__ == "__main__":
    main()
