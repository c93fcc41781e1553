"""People in browsers: links, cookies, origins, roles, and how access ends."""

import asyncio
from http.cookies import SimpleCookie
from typing import Any

import httpx
import orjson
import pytest

from broker.adapters.redis import keys
from broker.app import build_app
from broker.domain.people.access import MemberRole
from broker.gateway.serving.credentials import Cookie
from broker.settings import Settings
from tests.fixtures.browser import open_browser, signed_in
from tests.fixtures.callers import elsewhere
from tests.fixtures.gateway import Gateway, closing, serving

EVIL = "http://127.0.0.1:1"
"""Another port of the same machine: the same site to a browser, and another origin."""


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", {}).get("code", "")


async def receive(socket: Any) -> dict[str, Any]:
    async with asyncio.timeout(10):
        event: dict[str, Any] = orjson.loads(await socket.recv())
    return event


async def test_a_link_signs_in_once_and_whoami_tells_who(gateway: Gateway) -> None:
    made = await gateway.ok("POST", "/v1/members", {"name": "Ada", "role": "member"})
    assert made["url"].startswith(f"{gateway.url}/sign-in#oc_live_")
    async with open_browser(gateway) as browser, open_browser(gateway) as another:
        told = await browser.sign_in(made["url"])
        assert (told["kind"], told["name"], told["role"]) == ("member", "Ada", "member")
        assert told["member"] == made["member"]["id"]
        assert await browser.ok("GET", "/v1/whoami") == told
        code = made["url"].partition("#")[2]
        assert code_of(await another.ask("POST", "/v1/sign-in", {"code": code})) == (401, "SIGN_IN_FAILED")
        assert not another.cookie


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(gateway: Gateway) -> None:
    made = await gateway.ok("POST", "/v1/members", {"name": "Ada", "role": "member"})
    async with open_browser(gateway) as browser:
        answer = await browser.ask("POST", "/v1/sign-in", {"code": made["url"].partition("#")[2]})
        cookie = SimpleCookie(answer.headers["set-cookie"])[Cookie.of(gateway.url).name]
        assert cookie.value.startswith("mt_live_")
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
        assert not cookie["secure"]
        assert int(cookie["max-age"]) > 30 * 24 * 3600
        assert cookie.value not in answer.text


async def test_the_cookie_is_for_encrypted_connections_where_there_are_any(gateway: Gateway) -> None:
    made = await gateway.ok("POST", "/v1/members", {"name": "Ada", "role": "member"})
    app = build_app(Settings(public_url="https://relay.example"), adapters=gateway.adapters)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://relay.example") as client:
        headers = {"Origin": "https://relay.example"}
        code = {"code": made["url"].partition("#")[2]}
        answer = await client.post("/v1/sign-in", json=code, headers=headers)
        assert "; secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("body", [{}, {"code": "a", "token": "b"}, {"token": "ot_live_x"}, {"code": ""}, {"other": 1}])
async def test_signing_in_takes_a_code_and_nothing_else(gateway: Gateway, body: dict[str, object]) -> None:
    async with open_browser(gateway) as browser:
        assert code_of(await browser.ask("POST", "/v1/sign-in", body)) == (400, "INVALID_ARGUMENT")


async def test_a_cookie_acts_for_our_own_pages_only(gateway: Gateway) -> None:
    async with signed_in(gateway, MemberRole.OWNER) as browser:
        for origin in (EVIL, "null", "https://evil.example", f"{gateway.url}.evil.example", None):
            for method, path, body in (
                ("POST", "/v1/sessions", {"name": "made"}),
                ("PUT", "/v1/rules", {"rules": []}),
                ("PATCH", "/v1/members/Ada", {"role": "viewer"}),
                ("DELETE", "/v1/logs", None),
                ("POST", "/v1/sign-out", {}),
                ("POST", "/graphql", {"query": "{ viewer { name } }"}),
            ):
                answer = await browser.ask(method, path, body, origin=origin)
                assert answer.status_code == 403, (origin, path)
                assert "ORIGIN_REFUSED" in answer.text
        assert (await browser.ok("GET", "/v1/sessions")) == {"sessions": []}
        assert (await browser.ask("GET", "/v1/sessions", origin=EVIL)).status_code == 200  # which it cannot read
        await browser.ok("POST", "/v1/sessions", {"name": "made"})
        assert (await browser.ask("POST", "/graphql", {"query": "{ viewer { name } }"})).status_code == 200


async def test_a_page_cannot_sign_its_visitors_in_as_somebody_else(gateway: Gateway) -> None:
    made = await gateway.ok("POST", "/v1/members", {"name": "Mallory", "role": "viewer"})
    body = {"code": made["url"].partition("#")[2]}
    async with open_browser(gateway) as browser:
        assert code_of(await browser.ask("POST", "/v1/sign-in", body, origin=EVIL)) == (403, "ORIGIN_REFUSED")
        assert (await browser.ask("POST", "/v1/sign-in", body, origin=None)).status_code == 200  # a program


async def test_pages_of_an_allowed_origin_may_act(gateway: Gateway) -> None:
    app = build_app(
        Settings(
            public_url="https://relay.example",
            allowed_origins=("http://localhost:5173",),
            allowed_hosts=("inside",),
        ),
        adapters=gateway.adapters,
    )
    async with signed_in(gateway, MemberRole.MEMBER) as browser:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://inside:8787") as client:
            for origin, status in (
                ("http://localhost:5173", 200),
                ("https://relay.example", 200),
                ("http://inside:8787", 200),
                ("http://localhost:5174", 403),
            ):
                token = browser.cookie.partition("=")[2]
                headers = {"Cookie": f"{Cookie.of('https://relay.example').name}={token}", "Origin": origin}
                answer = await client.post("/v1/sessions", json={"name": "x"}, headers=headers)
                assert answer.status_code == status, origin


async def test_a_page_whose_own_name_was_made_to_lead_here_may_not_act(gateway: Gateway) -> None:
    async with signed_in(gateway, MemberRole.MEMBER) as browser:
        headers = {"Cookie": browser.cookie, "Origin": "http://evil.example", "Host": "evil.example"}
        for method, path in (("POST", "/v1/sessions"), ("GET", "/v1/whoami"), ("POST", "/v1/sign-in")):
            answer = await gateway.client.request(method, gateway.url + path, content=b"{}", headers=headers)
            assert code_of(answer) == (421, "WRONG_HOST"), path


async def test_an_event_socket_takes_a_cookie_from_our_own_pages_only(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with signed_in(gateway, MemberRole.VIEWER) as browser:
        async with browser.events("main") as socket:
            assert (await receive(socket))["kind"] == "hello"
        for origin in (EVIL, None):
            async with browser.events("main", origin=origin) as socket:
                assert await closing(socket) == 4503


async def test_a_bearer_token_counts_before_a_cookie_and_needs_no_origin(gateway: Gateway) -> None:
    _, observer = await gateway.token("observer")
    async with signed_in(gateway, MemberRole.OWNER) as browser:
        headers = {"Authorization": f"Bearer {observer}"}
        assert (await browser.ask("GET", "/v1/whoami", **headers)).json()["data"]["kind"] == "observer"
        assert (await browser.ask("POST", "/v1/sign-out", {}, origin=EVIL, **headers)).status_code == 200
        assert (await browser.ask("GET", "/v1/whoami", Authorization="Basic x")).status_code == 401


async def test_other_kinds_of_tokens_do_not_work_as_cookies(gateway: Gateway) -> None:
    answer = await gateway.call("GET", "/v1/whoami", token=None, Cookie=f"{Cookie.of(gateway.url).name}={gateway.key}")
    assert code_of(answer) == (401, "UNAUTHENTICATED")


async def test_a_changed_role_holds_at_once_and_an_open_socket_goes_on_reading(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with signed_in(gateway, MemberRole.MEMBER) as browser, browser.events("main") as socket:
        await receive(socket)
        await browser.ok("POST", "/v1/sessions", {"name": "mine"})
        await gateway.ok("PATCH", "/v1/members/Ada", {"role": "viewer"})
        assert code_of(await browser.ask("POST", "/v1/sessions", {"name": "more"})) == (403, "NOT_PERMITTED")
        await gateway.ok("PATCH", "/v1/members/Ada", {"role": "admin"})
        await browser.ok("PUT", "/v1/rules", {"rules": []})
        async with gateway.machine():
            assert (await receive(socket))["kind"] == "proxy.connected"


@pytest.mark.parametrize("how", ["removed", "signed out", "signed out everywhere", "signed out elsewhere"])
async def test_open_sockets_end_with_their_access(gateway: Gateway, how: str) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with signed_in(gateway, MemberRole.VIEWER) as browser, open_browser(gateway) as phone:
        await phone.sign_in((await browser.ok("POST", "/v1/members/me/link"))["url"])
        async with browser.events("main") as socket, gateway.events("main") as operators:
            await receive(socket)
            await receive(operators)
            match how:
                case "removed":
                    await gateway.ok("DELETE", "/v1/members/Ada")
                case "signed out":
                    await browser.ok("POST", "/v1/sign-out", {})
                case "signed out everywhere":
                    await browser.ok("POST", "/v1/sign-out", {"everywhere": True})
                case _:
                    await phone.ok("POST", "/v1/sign-out", {"everywhere": True})
            async with asyncio.timeout(1):
                await socket.wait_closed()
            assert socket.close_code == 4501
            assert operators.close_code is None
        assert (await browser.ask("GET", "/v1/whoami")).status_code == 401
        others = 200 if how == "signed out" else 401
        assert (await phone.ask("GET", "/v1/whoami")).status_code == others


async def test_signing_out_forgets_the_cookie_even_when_it_is_good_no_longer(gateway: Gateway) -> None:
    async with signed_in(gateway, MemberRole.VIEWER) as browser:
        await gateway.ok("DELETE", "/v1/members/Ada")
        answer = await browser.ask("POST", "/v1/sign-out", {})
        assert answer.status_code == 200
        assert not browser.cookie
        assert (await browser.ask("POST", "/v1/sign-out", {})).status_code == 401


async def test_a_share_is_beside_a_sign_in_and_ends_nothing_of_it(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    shared = await gateway.ok("POST", "/v1/sessions/main/share", {})
    async with signed_in(gateway, MemberRole.MEMBER) as browser, open_browser(gateway) as guest:
        cookie = browser.cookie
        assert (await browser.sign_in(shared["url"]))["kind"] == "observer"
        assert (await browser.ask("POST", "/v1/sessions", {"name": "x"})).status_code == 403
        await browser.ok("POST", "/v1/sign-out", {"everywhere": True})
        assert browser.cookie == cookie
        browser.share = ""
        assert (await browser.ok("GET", "/v1/whoami"))["name"] == "Ada"
        assert (await guest.sign_in(shared["url"]))["kind"] == "observer"
        assert not guest.cookie


async def test_a_browser_is_told_who_is_signed_in_to_it(
    gateway: Gateway,
) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    shared = await gateway.ok("POST", "/v1/sessions/main/share", {})
    async with signed_in(gateway, MemberRole.MEMBER) as browser, open_browser(gateway) as stranger:
        await browser.sign_in(shared["url"])
        assert (await browser.ok("GET", "/v1/sign-in"))["caller"]["name"] == "Ada"
        assert await stranger.ok("GET", "/v1/sign-in") == {"caller": None}
        await gateway.ok("DELETE", "/v1/members/Ada")
        assert await browser.ok("GET", "/v1/sign-in") == {"caller": None}


async def test_a_share_does_not_work_as_a_cookie(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    token = (await gateway.ok("POST", "/v1/sessions/main/share", {}))["url"].partition("#share=")[2]
    for name in (Cookie.of(gateway.url).name, "relaycast"):
        answer = await gateway.call("GET", "/v1/whoami", token=None, Cookie=f"{name}={token}")
        assert code_of(answer) == (401, "UNAUTHENTICATED")


async def test_a_sign_in_of_the_version_before_goes_on(gateway: Gateway) -> None:
    async with signed_in(gateway, MemberRole.MEMBER) as browser:
        cookie = f"relaycast={browser.cookie.partition('=')[2]}"
        assert (await gateway.call("GET", "/v1/whoami", token=None, Cookie=cookie)).json()["data"]["name"] == "Ada"
        left = await gateway.call("POST", "/v1/sign-out", {}, token=None, Cookie=cookie, Origin=gateway.url)
        assert SimpleCookie(left.headers["set-cookie"])["relaycast"]["max-age"] == "0"


async def test_brokers_of_one_host_do_not_take_each_others_sign_ins(gateway: Gateway) -> None:
    names = {Cookie.of(f"http://127.0.0.1:{port}").name for port in (80, 8787, 8788)}
    assert len(names | {Cookie.of("https://relay.example").name, Cookie.of("https://relay.example:8443").name}) == 5
    assert Cookie.of("http://127.0.0.1").name == Cookie.of("http://127.0.0.1:80").name
    assert Cookie.of("https://relay.example").name.startswith("__Host-")
    async with signed_in(gateway, MemberRole.MEMBER) as browser:
        other = f"{Cookie.of('http://127.0.0.1:1').name}={browser.cookie.partition('=')[2]}"
        answer = await gateway.call("GET", "/v1/whoami", token=None, Cookie=other)
        assert code_of(answer) == (401, "UNAUTHENTICATED")


async def test_a_share_ends_by_itself_and_closes_what_it_opened(gateway: Gateway) -> None:
    session = await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    shared = await gateway.ok("POST", "/v1/sessions/main/share", {"expires_in_s": 2})
    assert shared["url"].startswith(f"{session['url']}#share=ot_live_")
    async with open_browser(gateway) as browser:
        told = await browser.sign_in(shared["url"])
        assert (told["session"], told["expires_at_ms"]) == (session["id"], shared["expires_at_ms"])
        async with browser.events("main") as socket:
            await receive(socket)
            assert await closing(socket) == 4501
        assert (await browser.ask("GET", "/v1/whoami")).status_code == 401
    listed = {token["id"] for token in (await gateway.ok("GET", "/v1/tokens"))["tokens"]}
    assert shared["token_id"] not in listed


async def test_people_are_managed_over_the_api(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/members", {"name": "Ada", "role": "owner"})
    await gateway.ok("POST", "/v1/members", {"name": "Bob", "role": "viewer"})
    assert [m["name"] for m in (await gateway.ok("GET", "/v1/members"))["members"]] == ["Ada", "Bob"]
    assert (await gateway.ok("PATCH", "/v1/members/bob", {"role": "member"}))["role"] == "member"
    for method, path, body, expected in (
        ("POST", "/v1/members", {"name": "bob", "role": "viewer"}, (409, "NAME_TAKEN")),
        ("POST", "/v1/members", {"name": "Eve", "role": "king"}, (400, "INVALID_ARGUMENT")),
        ("PATCH", "/v1/members/Ada", {"role": "viewer"}, (409, "LAST_OWNER")),
        ("DELETE", "/v1/members/Ada", None, (409, "LAST_OWNER")),
        ("DELETE", "/v1/members/Nobody", None, (404, "MEMBER_NOT_FOUND")),
        ("POST", "/v1/members/Nobody/link", None, (404, "MEMBER_NOT_FOUND")),
    ):
        assert code_of(await gateway.call(method, path, body)) == expected
    await gateway.ok("DELETE", "/v1/members/Bob")
    assert [m["name"] for m in (await gateway.ok("GET", "/v1/members"))["members"]] == ["Ada"]


async def test_failed_sign_ins_are_counted_for_each_address(gateway: Gateway) -> None:
    here = "127.0.0.9"
    transport = httpx.AsyncHTTPTransport(local_address=here)
    async with httpx.AsyncClient(transport=transport) as client:
        for _ in range(30):
            await client.post(f"{gateway.url}/v1/sign-in", json={"code": "oc_live_wrong"})
        answer = await client.post(f"{gateway.url}/v1/sign-in", json={"code": "oc_live_wrong"})
    assert code_of(answer) == (429, "RATE_LIMITED")
    assert answer.headers["Retry-After"] == "60"
    assert answer.headers["RateLimit-Policy"] == '"sign-in";q=30;w=60'
    assert answer.headers["RateLimit"] == '"sign-in";r=0;t=60'
    assert code_of(await gateway.call("POST", "/v1/sign-in", {"code": "oc_live_wrong"})) == (401, "SIGN_IN_FAILED")
    await gateway.adapters.redis.delete(keys.failed_sign_ins(here))


async def failures(gateway: Gateway, address: str) -> int:
    return await gateway.adapters.sign_in_codes.failures(address)


async def test_whom_a_failed_sign_in_is_counted_for_is_not_the_clients_word(gateway: Gateway, redis_url: str) -> None:
    here, proxy = "127.0.0.8", "127.0.0.7"
    told = {"X-Forwarded-For": "192.0.2.1, 192.0.2.2"}
    async with serving(redis_url, trusted_proxies=("127.0.0.7/32",)) as url:
        for address in (here, proxy):
            transport = httpx.AsyncHTTPTransport(local_address=address)
            async with httpx.AsyncClient(transport=transport) as client:
                answer = await client.post(f"{url}/v1/sign-in", json={"code": "oc_live_wrong"}, headers=told)
                assert answer.status_code == 401
    counted = [await failures(gateway, each) for each in (here, proxy, "192.0.2.1", "192.0.2.2")]
    assert counted == [1, 0, 0, 1]
    await gateway.adapters.redis.delete(keys.failed_sign_ins(here), keys.failed_sign_ins("192.0.2.2"))


async def test_signing_in_and_out_take_a_short_body(gateway: Gateway) -> None:
    long = {"code": "x" * 5000}
    assert code_of(await gateway.call("POST", "/v1/sign-in", long, token=None)) == (413, "TOO_LARGE")
    assert code_of(await gateway.call("POST", "/v1/sign-out", long)) == (413, "TOO_LARGE")
    assert code_of(await gateway.call("POST", "/v1/sign-out", long, token=None)) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("path", ["/v1/whoami", "/v1/sessions/none/events", "/v1/sessions/none", "/v1/no-such-path"])
async def test_no_answer_is_kept_by_a_browser_or_taken_for_something_else(gateway: Gateway, path: str) -> None:
    for token in ("", None):
        headers = (await gateway.call("GET", path, token=token)).headers
        assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")


@pytest.mark.parametrize("name", ["A\nB", "a\x1b[31m", "a\u202eb", "x" * 101, " "])
async def test_a_token_has_a_name_that_can_be_shown(gateway: Gateway, name: str) -> None:
    answer = await gateway.call("POST", "/v1/tokens", {"kind": "observer", "name": name})
    assert code_of(answer) == (400, "INVALID_NAME")


async def test_a_machine_is_shown_without_what_cannot_be_seen_in_its_name(gateway: Gateway) -> None:
    async with gateway.machine(name="a\0b\u202e" + "x" * 300, labels=["gpu\x1b", "y" * 3000]):
        [machine] = (await gateway.ok("GET", "/v1/proxies"))["proxies"]
    assert machine["name"] == "a\ufffdb\ufffd" + "x" * 96
    assert machine["labels"] == ["gpu\ufffd", "y" * 100]


async def test_a_page_cannot_let_its_visitors_in_by_an_invitation_of_its_own(gateway: Gateway) -> None:
    made = await gateway.ok("POST", "/v1/invitations", {"role": "viewer", "name": "Mallory"})
    body = {"code": made["url"].partition("#")[2]}
    async with open_browser(gateway) as browser:
        for given in (body, {**body, "join": True}):
            refused = await browser.ask("POST", "/v1/invitations/accept", given, origin=EVIL)
            assert code_of(refused) == (403, "ORIGIN_REFUSED")
        assert not browser.cookie
        assert (await browser.ok("POST", "/v1/invitations/accept", body))["name"] == "Mallory"
        assert browser.cookie


async def test_who_is_signed_in_comes_into_another_workspace_by_an_invitation(gateway: Gateway) -> None:
    other = await elsewhere(gateway)
    invited = await other.ok("POST", "/v1/invitations", {"role": "viewer"})
    body = {"code": invited["url"].partition("#")[2], "join": True}
    async with signed_in(gateway, MemberRole.MEMBER) as browser:
        mine = await browser.ok("GET", "/v1/whoami")
        told = await browser.ok("POST", "/v1/invitations/accept", body)
        assert (told["workspace"]["id"], told["role"], told["name"]) == (other.workspace, "viewer", mine["name"])
        assert len((await browser.ok("GET", "/v1/workspaces"))["workspaces"]) == 2
    for token in (None, gateway.key):
        refused = await gateway.call("POST", "/v1/invitations/accept", body, token=token)
        assert refused.status_code in {401, 403}


async def test_an_invitations_link_is_shown_once(gateway: Gateway) -> None:
    again = {"Idempotency-Key": "one"}
    made = await gateway.ok("POST", "/v1/invitations", {"role": "member"}, **again)
    repeated = await gateway.call("POST", "/v1/invitations", {"role": "member"}, **again)
    assert made["url"] not in repeated.text
    assert len((await gateway.ok("GET", "/v1/invitations"))["invitations"]) == 1
