"""Which services notify people, and what is said to them."""

from typing import Any

import pytest

from broker.domain.errors import BadRequest
from broker.domain.hooks.notices import is_topic, notice, ntfy_url, require_service


@pytest.mark.parametrize(
    ("url", "name", "plain"),
    [
        ("ntfys://topic", "ntfy", False),
        ("ntfy://box/topic", "ntfy", True),
        ("slack://A/B/C/#dev", "Slack", False),
        ("discord://1/x", "Discord", False),
        ("tgram://1:x/2", "Telegram", False),
        ("mailtos://me:pw@mail.test?to=a@b.test", "e-mail", False),
        ("mailto://mail.test", "e-mail", True),
    ],
)
def test_the_services_of_the_list_are_let_in(url: str, name: str, plain: bool) -> None:
    assert (require_service(url).name, require_service(url).plain) == (name, plain)


@pytest.mark.parametrize(
    "url",
    [
        *("", "topic", "https://hooks.slack.test/x", "json://host", "file:///etc/passwd", "exec://x", "syslog://"),
        *("ntfys://topic?verify=no", "mailtos://mail.test?mode=insecure", "ntfys://t?attach=/etc/passwd"),
        *("mailtos://mail.test?pgpkey=/etc/passwd", "ntfys://t?VERIFY=no", "ntfys://[::1"),
    ],
)
def test_what_is_not_on_it_is_refused_without_being_said(url: str) -> None:
    with pytest.raises(BadRequest) as refused:
        require_service(url)
    assert not url or url not in refused.value.message


def happened(type_: str, **data: Any) -> dict[str, Any]:
    return {"type": type_, "agent": {"name": "Worker"}, "url": "https://r/s", "data": {"files": [], **data}}


def test_an_approval_says_what_is_asked_and_where_to_answer() -> None:
    asked = happened("on_approval_needed", tool="shell", command="git push", text="Push")
    assert notice(asked) == ("Worker needs your approval", "shell: git push\nhttps://r/s")


def test_a_question_is_said_as_it_was_asked() -> None:
    asked = happened("on_input_needed", tool="ask", question="Which branch?", text="Question")
    assert notice(asked) == ("Worker asks you", "Which branch?\nhttps://r/s")


def test_others_say_what_is_known_of_them() -> None:
    assert notice(happened("on_agent_idle")) == ("Worker: on_agent_idle", "https://r/s")
    title, text = notice(happened("on_turn_complete", last_message="x" * 2000, files=[f"f{n}" for n in range(12)]))
    assert (title, len(text) < 700, text.endswith("and 2 more\nhttps://r/s")) == ("Worker is done", True, True)


def test_a_topic_is_a_plain_word() -> None:
    assert is_topic("my-topic_1")
    assert not any(map(is_topic, ("", "a/b", "a?priority=5", "a b", "x" * 65)))
    assert ntfy_url("t", priority=4, click="https://r/s?a=1&b=2").endswith("&click=https%3A%2F%2Fr%2Fs%3Fa%3D1%26b%3D2")
