"""Wrong tokens, one after the other."""

import httpx

from broker.domain.plans.connection_limits import ConnectionLimits
from broker.gateway.serving.wrong_tokens import WrongTokens
from tests.fixtures.gateway import Gateway, serving


def test_a_few_wrong_tokens_are_answered_at_once_and_further_ones_wait() -> None:
    tokens = WrongTokens(ConnectionLimits())
    delays = [tokens.delay_s("192.0.2.1", 5.0) for _ in range(40)]
    assert delays == [0.0] * 30 + [1.0] * 10
    assert tokens.delay_s("192.0.2.2", 5.0) == 0
    assert tokens.delay_s("192.0.2.1", 66.0) == 0


def test_many_addresses_wait_too_and_are_not_all_remembered() -> None:
    tokens = WrongTokens(ConnectionLimits())
    delays = [tokens.delay_s(f"address {number}", 0.0) for number in range(20_000)]
    assert sum(delays) == 20_000 - 600
    assert len(tokens._counts) == 10_000
    assert tokens.delay_s("another", 61.0) == 0


async def test_a_right_token_is_taken_however_many_wrong_ones_come_from_its_address(
    redis_url: str, gateway: Gateway
) -> None:
    here = httpx.AsyncHTTPTransport(local_address="127.0.0.6")
    async with serving(redis_url, connections=ConnectionLimits()) as url, httpx.AsyncClient(transport=here) as client:
        for _ in range(30):
            answer = await client.get(f"{url}/v1/whoami", headers={"Authorization": "Bearer rk_live_wrong"})
            assert answer.status_code == 401
        right = {"Authorization": f"Bearer {gateway.key}"}
        assert (await client.get(f"{url}/v1/whoami", headers=right)).status_code == 200
