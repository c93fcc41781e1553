"""A page that is opened, or open, while the broker refuses for a while: it shows all once that is over, by itself."""

from __future__ import annotations

import json
import re

import pytest
from playwright.async_api import Page, Route, WebSocketRoute, expect

from connect.sdk import AgentRelay
from tests.browser.site import Site
from tests.browser.tab import Person
from tests.browser.test_inbox import asks


async def ask(relay: AgentRelay) -> str:
    """An agent that waits for a person, in a session whose page is returned."""
    await asks(relay, "Builder", "make release")
    return await path_of(relay)


async def path_of(relay: AgentRelay) -> str:
    return f"/session/{(await relay.session()).id}"


async def expect_all(page: Page) -> None:
    """What the agent waits for, in its conversation and in the title."""
    await expect(page.get_by_role("region", name="Conversation").get_by_text("make release").first).to_be_visible()
    await expect(page.get_by_role("article").filter(has_text="make release")).to_be_visible()
    await expect(page).to_have_title(re.compile(r"^\([1-9]"))


@pytest.mark.parametrize("failures", [1, 2, 3, 5])
async def test_a_page_whose_first_questions_are_refused_shows_all_a_moment_later(
    ada: Person, running_site: Site, relay: AgentRelay, failures: int
) -> None:
    path = await ask(relay)
    left = failures

    async def refuse(route: Route) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            await route.fallback()
            return
        refused = {"message": "the broker's store does not answer", "extensions": {"code": "STORE_UNAVAILABLE"}}
        await route.fulfill(status=503, json={"errors": [refused]})

    ada.expect_error("503")
    page = await ada.tab()
    await page.route("**/graphql", refuse)
    await page.goto(running_site.url + path)
    await expect_all(page)
    assert left < 0


_KEEPS_SOCKETS = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    window.sockets.push(this);
  }
};
"""
_CLOSES = """(code) => {
  const socket = window.sockets.at(-1);
  const tell = socket.onclose;
  socket.onclose = null;
  socket.close();
  tell.call(socket, new CloseEvent("close", { code, reason: "keepalive ping timeout", wasClean: true }));
}"""
"""As the browser tells it: no program of its own may close with the protocol's codes, and no gateway does."""


async def test_a_socket_that_is_closed_in_any_way_but_for_good_is_opened_again(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    codes = (1000, 1002, 1008, 1009, 1011, 1012, 4408, 4508)
    page = await ada.tab()
    await page.add_init_script(_KEEPS_SOCKETS)
    await page.goto(running_site.url + await path_of(relay))
    await relay.spawn("Teller", "demo")
    conversation = page.get_by_role("region", name="Conversation")
    await relay.send("Teller", "say before")
    await expect(conversation.get_by_text("before", exact=True)).to_be_visible()
    for number, code in enumerate(codes, start=1):
        await page.evaluate(_CLOSES, code)
        await relay.send("Teller", f"say after {code}")
        await expect(conversation.get_by_text(f"after {code}", exact=True)).to_be_visible()
        assert await page.evaluate("window.sockets.length") == 1 + number
    for said in ("before", *(f"after {code}" for code in codes)):
        await expect(conversation.get_by_text(said, exact=True)).to_have_count(1)


async def test_what_is_refused_for_now_is_followed_a_moment_later(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    refused: list[str] = []

    def refuse_first(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def hear(message: str | bytes) -> None:
            said = json.loads(message)
            query = said.get("payload", {}).get("query", "").split("(")[0].split("{")[0].strip()
            if said["type"] != "subscribe" or query in refused:
                server.send(message)
                return
            refused.append(query)
            problem = {"message": "the store is in trouble", "extensions": {"code": "UNAVAILABLE", "retryable": True}}
            socket.send(json.dumps({"id": said["id"], "type": "error", "payload": [problem]}))

        socket.on_message(hear)

    path = await ask(relay)
    page = await ada.tab()
    await page.route_web_socket("**/graphql", refuse_first)
    await page.goto(running_site.url + path)
    await expect_all(page)
    assert {each.removeprefix("subscription ") for each in refused} >= {"Agents", "Needs", "Activity", "SessionEvents"}
