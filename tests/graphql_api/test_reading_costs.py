"""No document is free: what is not known yet is paid for before it is read, whatever it turns out to be."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from broker.domain.plans.api_limits import ApiLimits, DocumentTrust
from broker.settings import GraphQLSettings
from graphql_api.execution.operations import Operations
from graphql_api.schema import build_schema
from tests.fixtures.gateway import Gateway, serving

JSON = "application/graphql-response+json"


def long_document(number: int, field: str = "name") -> str:
    """7 kB within all limits, and different for each number."""
    operations = "\n".join(
        f"query Q{n}_{number} {{ workspace {{ " + " ".join(["id", field] * 40) + " } }" for n in range(20)
    )
    return operations


async def ask(client: httpx.AsyncClient, url: str, token: str, query: str, **more: object) -> httpx.Response:
    return await client.post(
        f"{url}/graphql",
        json={"query": query, **more},
        headers={"Authorization": f"Bearer {token}", "Accept": JSON},
    )


@pytest_asyncio.fixture(loop_scope="session")
async def slow(redis_url: str) -> AsyncIterator[str]:
    """A gateway that gives points back so slowly that a test sees none."""
    limits = ApiLimits(rate_per_s=1, rate_burst=500)
    async with serving(redis_url, graphql=GraphQLSettings(limits=limits)) as url:
        yield url


@pytest.mark.parametrize("field", ["name", "noSuchField", "name }"])
async def test_a_share_link_cannot_have_long_documents_read_for_nothing(
    gateway: Gateway, slow: str, field: str
) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    shared = (await gateway.ok("POST", "/v1/sessions/main/share", {}))["url"].rpartition("=")[2]
    answers: list[httpx.Response] = []

    async def keep_asking(client: httpx.AsyncClient, number: int) -> None:
        for each in range(5):
            answers.append(
                await ask(client, slow, shared, long_document(5 * number + each, field), operationName="Q0_0")
            )

    async with httpx.AsyncClient(timeout=60) as client, asyncio.TaskGroup() as tasks:
        for number in range(6):
            tasks.create_task(keep_asking(client, number))
    assert {answer.status_code for answer in answers} <= {200, 400, 429}, answers[0].text
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 20  # 500 points are seven documents, and few come back meanwhile
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert (await gateway.client.get(f"{slow}/healthz")).status_code == 200


async def test_what_is_known_is_not_paid_for_again(gateway: Gateway, slow: str) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        for _ in range(20):
            answer = await ask(client, slow, gateway.key, long_document(7), operationName="Q0_7")
            assert answer.status_code == 200, answer.text


async def test_a_short_document_that_is_none_costs_a_point_too(gateway: Gateway, redis_url: str) -> None:
    limits = ApiLimits(rate_per_s=1, rate_burst=3)
    async with serving(redis_url, graphql=GraphQLSettings(limits=limits)) as url, httpx.AsyncClient() as client:
        statuses = [(await ask(client, url, gateway.key, "{ nothing }")).status_code for _ in range(10)]
    assert statuses.count(400) <= 5
    assert statuses[-1] == 429


async def test_a_listed_document_costs_nothing_to_read(gateway: Gateway, redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "long.graphql").write_text(long_document(1))
    settings = GraphQLSettings(
        limits=ApiLimits(rate_per_s=1, rate_burst=20),
        trusted_documents=tmp_path,
        document_trust=DocumentTrust.ALLOW,
    )
    async with serving(redis_url, graphql=settings) as url, httpx.AsyncClient(timeout=60) as client:
        answer = await ask(client, url, gateway.key, long_document(1), operationName="Q0_1")
        assert answer.status_code == 200


async def test_a_long_document_is_read_beside_the_event_loop() -> None:
    operations = Operations(build_schema(), ApiLimits())
    turns = 0
    reading = asyncio.create_task(operations.read(long_document(1), "Q0_1", sender=None))
    while not reading.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 3
    assert operations.find_known(long_document(1), "Q0_1")
