"""Names, addresses, cursors."""

import contextlib
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.agents.agents import agent_name
from broker.domain.agents.sessions import session_name
from broker.domain.errors import BadRequest, RelayError
from broker.domain.logs.events import Cursor, parse_cursor
from broker.domain.messages.messages import MAX_TEXT_BYTES, ToAgent, ToAll, ToChannel, check_text, parse_address
from broker.domain.names import is_seen, looks_like_id, printable_name, show_name
from broker.domain.people.members import member_name
from broker.domain.people.workspaces import workspace_id
from graphql_api.node_ids import global_id

HEX = "0123456789abcdef"
IDS = [HEX, HEX * 2, HEX.upper(), "aBcDeFaBcDeFaBcD", "c56a4180-65aa-42ec-a945-5fd21dec0538"]
GLOBAL_IDS = ["U2Vzc2lvbjptYWlu", "QWdlbnQ6YzU2YTQxODAtNjVhYS00MmVjLWE5NDUtNWZkMjFkZWMwNTM4"]


@pytest.mark.parametrize("name", ["Worker", "a", "A.b-c_9", "x" * 64])
def test_names_of_letters_digits_and_a_few_marks_are_valid(name: str) -> None:
    assert agent_name(name) == session_name(name) == name


@pytest.mark.parametrize("name", ["", "1a", "-a", "a b", "a\n", "é", "x" * 65, "a/b", "All", "SYSTEM", "human"])
def test_other_agent_names_are_refused(name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        agent_name(name)
    assert refused.value.code == "INVALID_NAME"


@pytest.mark.parametrize("name", ["", ".a", "a b", "a:b", "a\n", "x" * 65])
def test_other_session_names_are_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        session_name(name)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Worker", ToAgent("Worker")),
        ("@Worker", ToAgent("Worker")),
        ("#dev-1", ToChannel("#dev-1")),
        ("*", ToAll()),
        ("@all", ToAll()),
        ("@everyone", ToAll()),
    ],
)
def test_an_address_is_an_agent_a_channel_or_everybody(text: str, address: object) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "#", "#Dev", "#a b", "@", "**", "all", "@@Worker"])
def test_other_addresses_are_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_address(text)
    assert refused.value.code in {"INVALID_ADDRESS", "INVALID_NAME"}


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    with contextlib.suppress(BadRequest):
        parse_address(text)


@given(st.text(max_size=20), st.integers(min_value=0, max_value=10**18 - 1))
def test_a_cursor_reads_back_as_it_was_written(epoch: str, offset: int) -> None:
    if epoch:
        assert parse_cursor(str(Cursor(epoch, offset))) == Cursor(epoch, offset)


@pytest.mark.parametrize("text", ["", "5", ":5", "e:", "e:-1", "e:x", "e:٣", "e:²", "e:" + "9" * 19, "e:" + "9" * 5000])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_cursor(text)


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_empty_message_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        check_text(text)


def test_a_message_may_have_so_many_bytes_and_no_more() -> None:
    assert check_text("x" * MAX_TEXT_BYTES)
    with pytest.raises(RelayError) as refused:
        check_text("é" * (MAX_TEXT_BYTES // 2 + 1))
    assert refused.value.code == "TOO_LARGE"


@pytest.mark.parametrize("name", [*IDS, *GLOBAL_IDS])
@pytest.mark.parametrize(
    "check", [agent_name, session_name, member_name, lambda name: printable_name(name, "a token's name")]
)
def test_no_name_looks_like_an_id(check: Callable[[str], str], name: str) -> None:
    letters = "a" + name[1:] if looks_like_id("a" + name[1:]) else name  # an agent's begins with one
    with pytest.raises(BadRequest) as refused:
        check(letters)
    assert refused.value.code == "INVALID_NAME"


@pytest.mark.parametrize("name", ["main", "deadbeef", "a" * 15, "a" * 17, "f00d-cafe", "TWFu", "c56a4180-65aa-42ec"])
def test_other_names_of_letters_and_digits_do_not(name: str) -> None:
    assert not looks_like_id(name)


@given(st.uuids())
def test_whatever_we_make_as_an_id_looks_like_one(made: uuid.UUID) -> None:
    assert all(map(looks_like_id, (str(made), made.hex, made.hex[:16], global_id("Agent", str(made)))))


@given(st.text())
def test_any_text_looks_like_an_id_or_not(text: str) -> None:
    assert looks_like_id(text) in {True, False}


def test_an_agent_is_addressed_by_its_id_too() -> None:
    assert parse_address(IDS[-1]) == ToAgent(IDS[-1])


def test_a_person_is_not_called_what_everybody_calls_themselves() -> None:
    with pytest.raises(BadRequest, match="whoever asks"):
        member_name("Me")


@pytest.mark.parametrize("text", ["local", "acme-1", "A.b_c", "x" * 64])
def test_a_workspace_id_is_letters_digits_and_a_few_marks(text: str) -> None:
    assert workspace_id(text) == text


@pytest.mark.parametrize("text", ["", "a b", "a}b", "{a", "a:b", "a\n", "é", "x" * 65, "processes"])
def test_what_would_break_a_key_is_no_workspace_id(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        workspace_id(text)
    assert refused.value.code == "INVALID_NAME"


@pytest.mark.parametrize("name", ["A\u3164", "\u2800x", "a\u0301\u0301\u0301", "\u0301a", "a\u200bb", "a\u2066b"])
def test_a_name_has_nothing_that_is_not_seen(name: str) -> None:
    with pytest.raises(BadRequest):
        printable_name(name, "a token's name")
    with pytest.raises(BadRequest):
        member_name(name)
    assert is_seen(show_name(name))


@pytest.mark.parametrize("name", ["Zoë", "Vie\u0323\u0302t", "日本", "José", "हिन्दी", "a b", "O'Neil-Smith"])
def test_names_of_all_languages_are_names(name: str) -> None:
    assert printable_name(name, "a token's name") == show_name(name) == name


@given(st.text())
def test_a_name_that_is_shown_is_seen_whole(text: str) -> None:
    shown = show_name(text)
    assert is_seen(shown)
    assert 1 <= len(shown) <= 100
