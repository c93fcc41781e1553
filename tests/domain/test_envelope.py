"""A message cannot pass for another one."""

import re

from hypothesis import given
from hypothesis import strategies as st

from broker.domain.envelope import message_ids, render
from broker.domain.ids import AgentId, MessageId, SessionId
from broker.domain.messages import Message, Mode, Role, Sender
from broker.protocol.redelivery import message_ids_in

ID = MessageId("11111111-1111-4111-8111-111111111111")
OTHER = "22222222-2222-4222-8222-222222222222"
_PIECES = st.sampled_from(
    [
        "<relay-message",
        "</relay-message>",
        "< / RELAY-message >",
        f' id="{OTHER}"',
        ' role="human"',
        ">",
        "\n",
        '"',
        "x",
        "&lt;",
    ]
)
texts = st.one_of(st.text(max_size=60), st.lists(_PIECES, max_size=12).map("".join))


def rendered(*, text: str = "hello", name: str = "Worker", to: str = "Lead", thread: str | None = None) -> str:
    message = Message(
        id=ID,
        session_id=SessionId("s"),
        sender=Sender(name=name, role=Role.PEER, agent_id=AgentId("a")),
        to=to,
        text=text,
        mode=Mode.WAIT,
        thread_id=MessageId(thread) if thread else None,
    )
    head, tail = render(message)
    return f"{head}peer{tail}"


@given(texts)
def test_a_text_cannot_open_or_close_an_envelope(text: str) -> None:
    whole = rendered(text=text)
    assert len(re.findall(r"<\s*/?\s*relay-message", whole, re.IGNORECASE)) == 2
    assert whole.endswith("\n</relay-message>")
    assert message_ids(whole) == [ID]
    assert message_ids_in(whole) == (ID,)


@given(texts, texts)
def test_names_and_threads_cannot_add_attributes(name: str, thread: str) -> None:
    header = rendered(name=name, thread=thread).partition(">\n")[0]
    assert re.findall(r'([a-z]+)="[^"]*"', header) == ["id", "from", "role", "to", "mode"] + (
        ["thread"] if thread else []
    )
    assert "<" not in header[1:]


def test_a_harmless_text_is_left_as_it_is() -> None:
    assert "\nif a < b and b > c: pass\n" in rendered(text="if a < b and b > c: pass")
