"""A pytest plugin: in which order the workers of `pytest -n` take the files, which of them `--quick` leaves out; and a
program that keeps how long each is.

xdist would begin with the files of most tests, so that one of few but long ones runs alone at the end. Here the longest
come first, whatever their folder: so those that work a browser hard meet those that wait, rather than each other.

`make test` leaves a report of how long all took; `python -m tests.order .venv/tests.xml` keeps that for the next run.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

_ROOT = Path(__file__).parents[1]
DURATIONS = Path(__file__).with_name("durations.json")
"""Seconds by file, of those that take longer than `_SHORT_S`; by it they are ordered, or left out."""
_SHORT_S = 3


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Alike in every worker. A run in one process keeps the order of the files' names, as one reads them."""
    if hasattr(config, "workerinput"):
        names = [item.nodeid.partition("::")[0] for item in items]
        places = {name: place for place, name in enumerate(ordered(dict.fromkeys(names), _seconds(DURATIONS)))}
        items.sort(key=lambda item: places[item.nodeid.partition("::")[0]])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help=f"leave out files that take {_SHORT_S} s or more")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `--quick`, what is known to take long."""
    if not config.option.quick or not collection_path.is_relative_to(_ROOT):
        return None
    return collection_path.relative_to(_ROOT).as_posix() in _seconds(DURATIONS) or None


@cache
def _seconds(durations: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads(durations.read_text())
    return found


def pytest_configure(config: pytest.Config) -> None:
    """xdist keeps our order."""
    if config.pluginmanager.hasplugin("xdist"):
        config.option.loadscopereorder = False


def ordered(files: Mapping[str, object], seconds: Mapping[str, float]) -> list[str]:
    """The longest first; what nobody measured counts as short.

    `files` and the keys of `seconds` are paths below the project's folder, with slashes.
    """
    return sorted(files, key=lambda file: (-seconds.get(file, 0), file))


def measured(report: str) -> dict[str, float]:
    """Seconds by file, of a report as --junitxml writes it."""
    found: dict[str, float] = defaultdict(float)
    for case in ElementTree.fromstring(report).iter("testcase"):
        words = str(case.get("classname")).split(".")
        while words and not (_ROOT / Path(*words)).with_suffix(".py").exists():
            words.pop()  # the name of a class of tests
        if words:
            found["/".join(words) + ".py"] += float(case.get("time", 0))
    return dict(found)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.order", description="Keep how long each file of tests takes."
    )
    parser.add_argument("report", type=Path, help="what pytest --junitxml=REPORT has written in a run of everything")
    seconds = measured(parser.parse_args().report.read_text())
    kept = {file: round(took) for file, took in sorted(seconds.items()) if took >= _SHORT_S}
    DURATIONS.write_text(json.dumps(kept, indent=1) + "\n")
    folders: dict[str, float] = defaultdict(float)
    for file, took in seconds.items():
        folders["/".join(file.split("/")[:-1][:2])] += took
    for folder, took in sorted(folders.items(), key=lambda each: -each[1]):
        print(f"{took:7.0f} s  {folder}")


if __name__ == "__main__":
    main()
