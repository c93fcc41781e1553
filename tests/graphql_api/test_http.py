"""GraphQL over HTTP, where the public audits do not look."""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.domain.plans.api_limits import ApiLimits, DocumentTrust
from broker.settings import GraphQLSettings
from tests.fixtures.gateway import Gateway, serving

RESPONSE = "application/graphql-response+json"
ASKED = {"query": "{ __typename }"}


async def ask(
    gateway: Gateway,
    method: str = "POST",
    *,
    url: str = "",
    body: object = ASKED,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    **parameters: str,
) -> httpx.Response:
    """One request with the workspace's key, as a client of the specification makes it unless told otherwise."""
    default = {"Authorization": f"Bearer {gateway.key}", "Accept": RESPONSE}
    kind = {"Content-Type": "application/json"} if method == "POST" else {}
    return await gateway.client.request(
        method,
        f"{url or gateway.url}/graphql",
        params=parameters,
        json=body if content is None and method == "POST" else None,
        content=content,
        headers={**default, **kind, **(headers or {})},
    )


def code(answer: httpx.Response) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])


async def test_an_answer_says_what_it_is_and_is_kept_by_nobody(gateway: Gateway) -> None:
    answer = await ask(gateway)
    assert answer.status_code == 200
    assert answer.json() == {"data": {"__typename": "Query"}}
    assert answer.headers["content-type"] == f"{RESPONSE}; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Accept"


async def test_a_get_asks_with_parameters_and_empty_ones_are_not_there(gateway: Gateway) -> None:
    query = "query Named($name: String!) { __type(name: $name) { kind } }"
    answer = await ask(gateway, "GET", query=query, variables='{"name":"Query"}', operationName="", extensions="")
    assert answer.json() == {"data": {"__type": {"kind": "OBJECT"}}}
    named = await ask(gateway, "GET", query="query null { __typename }", operationName="null")
    assert named.status_code == 200


async def test_a_head_is_answered_as_a_get_without_the_body(gateway: Gateway) -> None:
    answer = await ask(gateway, "HEAD", query="{ __typename }")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_nothing_is_changed_by_a_get(gateway: Gateway) -> None:
    for method in ("GET", "HEAD"):
        answer = await ask(gateway, method, query='mutation { createSession(input: {name: "x"}) { __typename } }')
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_told_which_there_are(gateway: Gateway, method: str) -> None:
    answer = await ask(gateway, method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert code(answer) == "METHOD_NOT_ALLOWED"


async def test_no_page_of_another_origin_is_let_in(gateway: Gateway) -> None:
    preflight = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    answer = await ask(gateway, "OPTIONS", headers=preflight)
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=utf-16",
        "application/jsonp",
        "",
    ],
)
async def test_a_body_that_a_form_could_send_is_not_read(gateway: Gateway, kind: str) -> None:
    answer = await ask(gateway, headers={"Content-Type": kind})
    assert (answer.status_code, code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_compressed_body_is_not_read(gateway: Gateway) -> None:
    assert (await ask(gateway, headers={"Content-Encoding": "gzip"})).status_code == 415


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"{ __typename }"', b"null", b'{"query":"\\ud800"}', b'{"query":"\xff"}', b"[" * 5000],
)
async def test_a_body_that_is_no_request_is_refused(gateway: Gateway, content: bytes) -> None:
    for accept in (RESPONSE, "application/json"):
        answer = await ask(gateway, content=content, headers={"Accept": accept})
        assert (answer.status_code, code(answer)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "changes", [{"query": None}, {"query": 1}, {"operationName": []}, {"variables": "{}"}, {"extensions": 0}]
)
async def test_a_parameter_of_another_type_is_refused(gateway: Gateway, changes: dict[str, Any]) -> None:
    answer = await ask(gateway, body={**ASKED, **changes})
    assert (answer.status_code, code(answer)) == (400, "INVALID_ARGUMENT")


async def test_what_is_not_known_beside_the_parameters_is_ignored(gateway: Gateway) -> None:
    assert (await ask(gateway, body={**ASKED, "id": 1, "future": True})).status_code == 200


async def test_variables_in_a_url_that_are_no_object_are_refused(gateway: Gateway) -> None:
    for variables in ("{", "[]", "1"):
        assert (await ask(gateway, "GET", query="{ __typename }", variables=variables)).status_code == 400


async def test_more_than_a_megabyte_is_not_read(gateway: Gateway) -> None:
    answer = await ask(gateway, content=b" " * (1024 * 1024 + 1))
    assert (answer.status_code, code(answer)) == (413, "TOO_LARGE")


async def test_a_client_that_takes_nothing_we_speak_is_told_what_we_do(gateway: Gateway) -> None:
    answer = await ask(gateway, headers={"Accept": "text/html"})
    assert (answer.status_code, code(answer)) == (406, "NOT_ACCEPTABLE")
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{"},
        {"query": "{ nothing }"},
        {"query": "query A { __typename } query B { __typename }"},
        {"query": "query A { __typename }", "operationName": "B"},
        {"query": "query($n: Int!) { __typename @skip(if: false) }"},
        {"query": "query($name: String!) { __type(name: $name) { name } }", "variables": {"name": 1}},
    ],
)
async def test_what_is_wrong_with_a_document_is_told_by_the_status_only_where_clients_expect_it(
    gateway: Gateway, body: dict[str, Any]
) -> None:
    told = await ask(gateway, body=body)
    assert (told.status_code, "data" in told.json()) == (400, False)
    legacy = await ask(gateway, body=body, headers={"Accept": "application/json"})
    assert (legacy.status_code, "data" in legacy.json()) == (200, False)


async def test_without_a_good_token_nothing_of_the_request_is_looked_at(gateway: Gateway) -> None:
    for authorization in ("", "Bearer rk_live_unknown", "Basic eDp5"):
        for accept in (RESPONSE, "application/json"):
            answer = await ask(gateway, content=b"{", headers={"Authorization": authorization, "Accept": accept})
            assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_part_that_went_wrong_has_a_status_of_its_own(gateway: Gateway) -> None:
    _, observer = await gateway.token("observer")
    query = "{ __typename workspace { name tokens { nodes { name } } } }"
    headers = {"Authorization": f"Bearer {observer}"}
    answer = await ask(gateway, body={"query": query}, headers=headers)
    assert (answer.status_code, code(answer)) == (294, "NOT_PERMITTED")
    legacy = await ask(gateway, body={"query": query}, headers={**headers, "Accept": "application/json"})
    assert legacy.status_code == 200
    assert legacy.json() == answer.json()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:4711", "localhost:80", "LocalHost", "[::1]:1", "192.168.7.7"])
async def test_the_broker_answers_to_its_names_and_to_addresses(gateway: Gateway, host: str) -> None:
    assert (await ask(gateway, headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "x@[", "[::1"])
async def test_the_broker_does_not_answer_to_a_name_that_somebody_else_gave_it(gateway: Gateway, host: str) -> None:
    answer = await ask(gateway, headers={"Host": host})
    assert (answer.status_code, answer.json()["error"]["code"]) == (421, "WRONG_HOST")


async def test_a_broker_can_be_given_names(gateway: Gateway, redis_url: str) -> None:
    async with serving(redis_url, allowed_hosts=("Relay.example",)) as url:
        assert (await ask(gateway, url=url, headers={"Host": "relay.example:443"})).status_code == 200


async def test_a_token_that_asks_too_fast_is_told_when_to_come_back(gateway: Gateway, redis_url: str) -> None:
    limits = ApiLimits(rate_per_s=1, rate_burst=10)
    _, other = await gateway.token("observer")
    async with (
        serving(redis_url, graphql=GraphQLSettings(limits=limits)) as url,
        serving(redis_url, graphql=GraphQLSettings(limits=limits)) as second,
    ):
        answers = await asyncio.gather(*(ask(gateway, url=each) for _ in range(8) for each in (url, second)))
        assert sum(answer.status_code == 200 for answer in answers) in {10, 11}
        refused = next(answer for answer in answers if answer.status_code != 200)
        assert (refused.status_code, code(refused)) == (429, "RATE_LIMITED")
        assert int(refused.headers["retry-after"]) >= 1
        assert {each.headers["RateLimit-Policy"] for each in answers} == {'"points";q=10;w=10'}
        left = [re.fullmatch(r'"points";r=(\d+);t=(\d+)', each.headers["RateLimit"]) for each in answers]
        assert {int(each[1]) for each in left if each} >= {0, 9}
        assert all(each and int(each[2]) in range(1, 11) for each in left)
        assert refused.json()["errors"][0]["extensions"]["retryable"] is True
        assert (await ask(gateway, url=url, headers={"Authorization": f"Bearer {other}"})).status_code == 200


async def test_a_broker_that_hides_its_schema_does_not_spell_it_either(gateway: Gateway, redis_url: str) -> None:
    async with serving(redis_url, graphql=GraphQLSettings(limits=ApiLimits(introspection=False))) as url:
        refused = await ask(gateway, url=url, body={"query": "{ __schema { types { name } } }"})
        assert (refused.status_code, code(refused)) == (400, "INTROSPECTION_OFF")
        wrong = await ask(gateway, url=url, body={"query": "{ viewe { name } session(kee: 1) { key } }"})
        assert wrong.status_code == 400
        assert "Did you mean" not in wrong.text


TRUSTED = "query Trusted { viewer { kind } }"
SHA256 = hashlib.sha256(TRUSTED.encode()).hexdigest()
BY_HASH: list[dict[str, Any]] = [
    {"documentId": f"sha256:{SHA256}"},
    {"documentId": SHA256},
    {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": SHA256}}},
    {"query": TRUSTED, "documentId": f"sha256:{SHA256}"},
]


@pytest.fixture(params=["folder", "file"])
def trusted_documents(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "folder":
        (tmp_path / "trusted.graphql").write_text(TRUSTED)
        return tmp_path
    path = tmp_path / "documents.json"
    path.write_text(f'{{"{SHA256}": "{TRUSTED}"}}')
    return path


@pytest.mark.parametrize("trust", [DocumentTrust.ALLOW, DocumentTrust.ONLY])
async def test_a_trusted_document_is_asked_by_its_hash(
    gateway: Gateway, redis_url: str, trusted_documents: Path, trust: DocumentTrust
) -> None:
    documents = GraphQLSettings(document_trust=trust, trusted_documents=trusted_documents)
    async with serving(redis_url, graphql=documents) as url:
        for body in BY_HASH:
            answer = await ask(gateway, url=url, body=body)
            assert answer.json() == {"data": {"viewer": {"kind": "WORKSPACE"}}}, body
        assert (await ask(gateway, "GET", url=url, documentId=SHA256)).status_code == 200
        unknown = await ask(gateway, url=url, body={"documentId": "0" * 64})
        assert (unknown.status_code, code(unknown)) == (400, "PERSISTED_QUERY_NOT_FOUND")
        other = await ask(gateway, url=url)
        assert other.status_code == (200 if trust is DocumentTrust.ALLOW else 400)
        if trust is DocumentTrust.ONLY:
            assert code(other) == "DOCUMENT_NOT_TRUSTED"


async def test_a_hash_says_nothing_to_a_broker_without_documents(gateway: Gateway) -> None:
    answer = await ask(gateway, body={"documentId": SHA256})
    assert (answer.status_code, code(answer)) == (400, "PERSISTED_QUERY_NOT_SUPPORTED")


async def test_a_document_that_is_not_the_one_with_its_hash_is_refused(gateway: Gateway) -> None:
    answer = await ask(gateway, body={**ASKED, "documentId": SHA256})
    assert (answer.status_code, code(answer)) == (400, "INVALID_ARGUMENT")
    for persisted in (1, {}, {"sha256Hash": 7}):
        odd = await ask(gateway, body={"extensions": {"persistedQuery": persisted}})
        assert odd.status_code == 400


async def test_a_client_that_leaves_in_the_middle_of_its_request_is_no_incident(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /graphql HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {gateway.key}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(5):
        while _requests_in_hand():
            await asyncio.sleep(0.01)
    assert "incident" not in caplog.text


def _requests_in_hand() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if "run_asgi" in str(task.get_coro())]
