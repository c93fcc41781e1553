"""Notifications by apprise, in its own process, to a real server; and what that process cannot reach."""

import asyncio
import json
import sys
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from broker.adapters.outbound.notifying import AppriseNotifier
from broker.domain.errors import BadRequest, OutboundFailed, OutboundRefused
from tests.fixtures.receiver import answer, receiving

OPENED = ["127.0.0.0/8"]
TAKEN = answer(200, b'{"id":"1"}', Content_Type="application/json")


class _NtfyAction(BaseModel):
    """A button of a notification: https://docs.ntfy.sh/publish/#action-buttons."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["view", "broadcast", "http", "copy"]
    label: str
    url: str = ""


class _NtfyMessage(BaseModel):
    """What ntfy takes as JSON at its root: https://docs.ntfy.sh/publish/#publish-as-json."""

    model_config = ConfigDict(extra="forbid", strict=True)

    topic: str = Field(pattern=r"^[-_A-Za-z0-9]{1,64}$")
    message: str = Field(default="", max_length=4096)
    title: str = ""
    tags: list[str] = Field(default_factory=list)
    priority: int = Field(default=3, ge=1, le=5)
    actions: list[_NtfyAction] = Field(default_factory=list, max_length=3)
    click: str = ""
    attach: str = ""
    markdown: bool = False
    icon: str = ""
    filename: str = ""
    delay: str = ""
    email: str = ""
    call: str = ""
    sequence_id: str = ""


async def test_ntfy_has_its_documented_payload() -> None:
    """What is not in the JSON may be in a header: ntfy turns the members into the headers of the same names."""
    async with receiving(TAKEN) as receiver:
        url = f"ntfy://127.0.0.1:{receiver.port}/alerts?priority=4&click=https%3A%2F%2Frelay.test%2Fs"
        await AppriseNotifier(OPENED).notify(url, title="Worker needs your approval", text="shell: rm -rf é")
    (request,) = receiver.requests
    assert (request.path, request.headers["content-type"]) == ("/", "application/json")
    message = _NtfyMessage.model_validate_json(request.body)
    assert (message.topic, message.title) == ("alerts", "Worker needs your approval")
    assert request.headers["x-priority"] == "high"  # 4, by its name
    assert request.headers["x-click"] == "https://relay.test/s"
    assert request.body.decode("utf-8") == (
        '{"topic": "alerts", "title": "Worker needs your approval", "message": "shell: rm -rf \\u00e9"}'
    )


@pytest.mark.parametrize("scheme", ["ntfy", "ntfys", "mailto", "mailtos"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0.0.0.0"])
async def test_what_is_inside_is_not_reached_by_any_service(scheme: str, host: str) -> None:
    async with receiving(TAKEN) as receiver:
        account = "me:password@" if scheme.startswith("mail") else ""
        more = "?from=a@relay.test&to=b@relay.test" if account else ""
        with pytest.raises((OutboundRefused, OutboundFailed, BadRequest)):
            await AppriseNotifier([]).notify(
                f"{scheme}://{account}{host}:{receiver.port}/alerts{more}", title="x", text="y"
            )
        assert receiver.connections == 0


async def test_a_refusal_says_why_and_is_final() -> None:
    async with receiving(TAKEN) as receiver:
        with pytest.raises(OutboundRefused, match=r"ntfy: 127\.0\.0\.1 is in a network that this broker does not call"):
            await AppriseNotifier(["10.0.0.0/8"]).notify(f"ntfys://127.0.0.1:{receiver.port}/a", title="", text="y")


async def test_a_redirect_is_not_followed() -> None:
    async with receiving(TAKEN) as target:
        async with receiving(answer(307, Location=f"http://127.0.0.1:{target.port}/")) as receiver:
            with pytest.raises(OutboundFailed):
                await AppriseNotifier(OPENED).notify(f"ntfy://127.0.0.1:{receiver.port}/alerts", title="x", text="y")
        assert (len(receiver.requests), target.connections) == (1, 0)


async def test_what_went_wrong_is_said_without_the_secret() -> None:
    async with receiving(answer(403)) as receiver:
        url = f"ntfy://tk_secretsecretsecret@127.0.0.1:{receiver.port}/hidden-topic"
        with pytest.raises(OutboundFailed) as failed:
            await AppriseNotifier(OPENED).notify(url, title="x", text="y")
    assert failed.value.message.startswith("ntfy: ")
    for hidden in ("tk_secretsecretsecret", "hidden-topic"):
        assert hidden not in failed.value.message


async def test_one_that_never_answers_is_given_up_with_its_process() -> None:
    async with receiving(None) as receiver:
        with pytest.raises(OutboundFailed):
            await AppriseNotifier(OPENED, total_s=3).notify(f"ntfy://127.0.0.1:{receiver.port}/a", title="x", text="y")


_SLACK = """
import json, sys
import requests

def request(method, url, *, data, headers, **given):
    print(json.dumps({"method": method, "url": url, "type": headers["Content-Type"], "body": json.loads(data)}))
    answered = requests.Response()
    answered.status_code, answered._content = 200, b"ok"
    return answered

requests.request = request
from broker.adapters.outbound import notify_child
notify_child.main()
"""


class _Attachment(BaseModel):
    """An attachment as Slack documents it: https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments."""

    model_config = ConfigDict(extra="forbid")

    title: str = ""
    text: str = ""
    color: str = ""
    ts: float | None = None
    footer: str = Field(default="", max_length=300)
    mrkdwn_in: list[str] = Field(default_factory=list)


class _SlackMessage(BaseModel):
    """What an incoming webhook of Slack takes: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""

    model_config = ConfigDict(extra="forbid")

    text: str = ""
    username: str = ""
    mrkdwn: bool = True
    attachments: list[_Attachment] = Field(min_length=1, max_length=100)


async def test_slack_has_its_documented_payload() -> None:
    """Slack is at one address alone: what apprise would send there is taken before it leaves the process."""
    url = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/"
    order = {"url": url, "title": "Worker waits", "text": "Bash: rm -rf é <x>", "opened": [], "plain": False}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _SLACK),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate(json.dumps(order).encode())
    sent, answered = map(json.loads, said.splitlines())
    assert answered["sent"]
    assert sent["url"] == "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    assert (sent["method"].upper(), sent["type"]) == ("POST", "application/json; charset=utf-8")
    message = _SlackMessage.model_validate(sent["body"])
    assert message.attachments[0].title == "Worker waits"
    assert message.attachments[0].text == "Bash: rm -rf é &lt;x&gt;"
