"""`python -m tests.faults`: constant traffic, one fault after the other, and whether anything was lost.

Ends with 0 when nothing was lost, doubled, out of order or left lying, everybody was served again after each fault, the
log has no hole, and no process was left behind; else with 1 and a sentence for each thing that is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.faults import report
from tests.faults.faults import FAULTS, Fault
from tests.faults.run import Run, StageReport


def main() -> int:
    options = _options()
    if options.list:
        print("\n".join(f"{fault.name:<24} {fault.says}" for fault in FAULTS))
        return 0
    faults = [fault for fault in FAULTS if not options.only or fault.name in options.only]
    with _folder(options.keep) as folder:
        return asyncio.run(_play(faults, folder, minutes=options.minutes, as_json=options.json))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="the faults, and what they are")
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help="this fault; may be repeated")
    parser.add_argument("--minutes", type=float, metavar="N", help="long faults, again and again for at least so long")
    parser.add_argument("--json", action="store_true", help="one JSON document a stage instead of tables")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave every process's folder and log here")
    return parser.parse_args()


@contextlib.contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="rc-faults-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


async def _play(faults: Sequence[Fault], folder: Path, *, minutes: float | None, as_json: bool) -> int:
    """One round of all faults, or as many as begin within the time."""
    over_at = time.monotonic() + 60 * (minutes or 0)
    reports: list[StageReport] = []
    while not reports or time.monotonic() < over_at:
        run = Run(faults=faults, folder=folder / f"round-{len(reports)}", long=minutes is not None)
        run.tell = lambda passed: None if as_json else print(report.progress(passed), flush=True)
        async for each in run.stages():
            reports.append(each)
            print(report.as_json(each) if as_json else f"\n{report.of_stage(each)}\n", flush=True)
    if not as_json:
        print(report.conclusion(reports))
    return 0 if all(each.verdict.is_clean for each in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
