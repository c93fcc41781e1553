"""The public audits of GraphQL over HTTP, against the running gateway."""

from tests.fixtures.gateway import Gateway
from tests.fixtures.node import run_node


async def test_every_public_audit_of_graphql_over_http_passes_without_a_warning(gateway: Gateway) -> None:
    audits = await run_node("audit_http.mjs", {"url": f"{gateway.url}/graphql", "token": gateway.key})
    assert len(audits) >= 60
    assert [audit for audit in audits if audit["status"] != "ok"] == []
