"""A link's own metrics, as Prometheus reads them."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from broker.domain.errors import Conflict
from connect.control.client import ask_state
from connect.machine.backlog import Backlog
from connect.notices import AgentEnded, AgentStarted, Connected, Disconnected, Stopping, Warned
from connect.serving.metrics import Counts, Figures, metrics_port, write_exposition
from tests.connect.program import ended, environment_for, relay_connect
from tests.connect.scripted_broker import scripted_broker

_FIGURES = Figures(
    up_s=1.5,
    connected=True,
    agents=2,
    terminals=1,
    questions=0,
    backlog=Backlog(reports=3, bytes=400, limit_bytes=5000, dropped=6, on_disk=False),
)


def values(text: str) -> dict[str, float]:
    return {sample.name: sample.value for family in text_string_to_metric_families(text) for sample in family.samples}


def test_prometheus_own_parser_reads_every_figure_with_its_type() -> None:
    families = {family.name: family for family in text_string_to_metric_families(write_exposition(_FIGURES, Counts()))}
    assert families["relay_connect_connects"].type == "counter"
    assert families["relay_connect_agents"].type == "gauge"
    assert all(family.documentation for family in families.values())
    read = values(write_exposition(_FIGURES, Counts()))
    assert (read["relay_connect_connected"], read["relay_connect_agents"], read["relay_connect_up_seconds"]) == (
        1,
        2,
        1.5,
    )
    assert (read["relay_connect_spool_bytes"], read["relay_connect_spool_limit_bytes"]) == (400, 5000)
    assert (read["relay_connect_reports_dropped_total"], read["relay_connect_spool_on_disk"]) == (6, 0)


def test_what_the_link_tells_is_counted() -> None:
    counts = Counts()
    for notice in (
        Disconnected(reason="away", retry_in_s=1),
        Connected(broker="b", session="s", session_url="u"),
        AgentStarted(name="A", cli="claude", pid=1),
        AgentEnded(name="A", reason="stopped", detail=""),
        AgentEnded(name="A", reason="EXITED", detail="1"),
        Warned(problem="p"),
        Stopping(),
    ):
        counts.heed(notice)
    assert counts == Counts(connects=1, disconnects=1, agents_started=1, agents_failed=1, warnings=1)


async def test_only_its_own_name_its_path_and_a_get_are_answered() -> None:
    async with metrics_port(0, lambda: "relay_connect_agents 1\n") as port, httpx.AsyncClient(trust_env=False) as http:
        url = f"http://127.0.0.1:{port}"
        assert (await http.get(f"{url}/metrics")).text == "relay_connect_agents 1\n"
        assert (await http.get(f"{url}/metrics?a=b", headers={"Host": f"localhost:{port}"})).status_code == 200
        assert (await http.get(f"{url}/other")).status_code == 404
        assert (await http.post(f"{url}/metrics")).status_code == 405
        assert (await http.get(f"{url}/metrics", headers={"Host": "rebound.example"})).status_code == 421


async def test_what_is_no_request_is_hung_up_on() -> None:
    async with metrics_port(0, lambda: "") as port:
        for sent in (b"\r\n\r\n", b"GET\r\n\r\n", b"\xff" * 20_000, b"GET /metrics HTTP/1.1\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.suppress(ConnectionError):
                writer.write(sent)
                writer.write_eof()
                async with asyncio.timeout(5):
                    assert b"200 OK" not in await reader.read()
            writer.close()


async def test_a_port_that_is_taken_is_named() -> None:
    async with metrics_port(0, lambda: "") as port:
        with pytest.raises(Conflict, match=f"127.0.0.1:{port}.*--metrics-port"):
            async with metrics_port(port, lambda: ""):
                raise AssertionError


async def test_a_link_serves_them_and_its_status_says_where(tmp_path: Path) -> None:
    async with scripted_broker() as broker:
        environment = environment_for(broker, tmp_path)
        async with relay_connect(environment, "--metrics-port", "0") as process:
            await broker.until(lambda: bool(broker.hellos))
            state = await ask_state(Path(environment["RELAYCAST_STATE_DIR"]))
            assert state is not None
            async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(10):
                url = f"http://127.0.0.1:{state.metrics_port}/metrics"
                while (read := values((await http.get(url)).text))["relay_connect_connected"] != 1:
                    pass  # its welcome is on the way
            process.terminate()
            await ended(process)
    assert read["relay_connect_connects_total"] == 1
    assert read["relay_connect_agents"] == 0
    assert read["relay_connect_spool_limit_bytes"] > 0


async def test_a_link_whose_port_is_taken_does_not_start(tmp_path: Path) -> None:
    async with (
        scripted_broker() as broker,
        metrics_port(0, lambda: "") as port,
        relay_connect(environment_for(broker, tmp_path), "--metrics-port", str(port)) as process,
    ):
        status, output = await ended(process)
    assert status == 2
    assert "PORT_IN_USE" in output
