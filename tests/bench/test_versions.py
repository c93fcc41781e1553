"""Versions that can be measured in turns, and the plain link that both are spoken to with."""

from __future__ import annotations

import zipfile
from pathlib import Path

import httpx
import pytest

from tests.bench.versions import broker_of, this_version, version_in
from tests.bench.wire import plain_link


def test_a_wheel_is_unpacked_and_named_as_it_is(tmp_path: Path) -> None:
    wheel = tmp_path / "relaycast-0.0.9-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("broker/__init__.py", "")
    version = version_in(wheel, tmp_path / "before")
    assert version.name == "relaycast 0.0.9"
    assert (version.packages / "broker" / "__init__.py").exists()
    assert version.environment["PYTHONPATH"] == str(version.packages)
    assert list(version.packages.rglob("__init__*.pyc"))


def test_a_wheel_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"no wheel at .*x-1-y\.whl"):
        version_in(tmp_path / "x-1-y.whl", tmp_path / "before")


@pytest.mark.timeout(120)
async def test_what_a_plain_link_reports_stands_in_the_log(tmp_path: Path) -> None:
    async with broker_of(this_version(tmp_path / "after")) as broker:
        async with plain_link(broker, "teller", session="told") as link:
            await link.lines(["first", "second"])
            await link.fragments(3, 10)
            await link.drained()
        async with httpx.AsyncClient(base_url=broker.url, headers=broker.headers) as http:
            page = (await http.get("/v1/sessions/told/events", params={"after": "0", "limit": 100})).json()["data"]
    frames = [event["data"]["events"][0] for event in page["events"] if event["kind"] == "agent.frame"]
    assert [frame["text"] for frame in frames if frame["type"] == "text"] == ["first", "second"]
    assert len(frames) == 5
