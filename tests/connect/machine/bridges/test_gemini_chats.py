"""What has to be done to Gemini's files before a conversation is loaded."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connect.machine.bridges.gemini_chats import chat_files, remove_leftovers, wait_s

ID = "11111111-2222-4333-8444-555555555555"
SAID = {"id": "1", "type": "user", "content": [{"text": "remember 42"}]}
SETTING_UP = {"$set": {"messages": [{"id": "0", "type": "user", "content": "This is the Gemini CLI."}]}}


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    folder = tmp_path / ".gemini" / "tmp" / "project" / "chats"
    folder.mkdir(parents=True)
    return folder


def chat(chats: Path, minute: str, *lines: object, conversation: str = ID, torn: str = "") -> Path:
    path = chats / f"session-2026-11-29T{minute}-{conversation[:8]}.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in ({"sessionId": conversation}, *lines)) + torn)
    return path


def test_what_a_load_has_left_is_deleted_and_the_conversation_is_kept(tmp_path: Path, chats: Path) -> None:
    own = chat(chats, "10-00", SETTING_UP, SAID, torn='{"id": "2", "ty')
    for minute in ("10-05", "10-09"):
        chat(chats, minute, SETTING_UP)
    other = chat(chats, "10-05", SETTING_UP, conversation="99999999-2222-4333-8444-555555555555")
    found = chat_files({"HOME": str(tmp_path)}, ID)
    assert len(found) == 3
    assert remove_leftovers(found, ID) == [own]
    assert sorted(chats.iterdir()) == sorted([own, other])


def test_a_conversation_of_which_there_is_nothing_but_leftovers_is_left_alone(chats: Path) -> None:
    left = [chat(chats, "10-05", SETTING_UP), chat(chats, "10-09")]
    assert remove_leftovers(left, ID) == left
    assert sorted(chats.iterdir()) == left


def test_another_conversation_whose_id_begins_alike_is_left_alone(chats: Path) -> None:
    own = chat(chats, "10-00", SAID)
    alike = chat(chats, "10-05", SETTING_UP, conversation=f"{ID[:8]}-0000-4333-8444-555555555555")
    assert remove_leftovers([own, alike], ID) == [own, alike]


def test_a_load_waits_for_the_end_of_the_minute_in_which_the_conversation_was_begun(chats: Path) -> None:
    own = chat(chats, "10-00", SAID)
    assert wait_s([own], now=datetime(2026, 11, 29, 10, 0, 20, tzinfo=UTC)) == 41
    assert wait_s([own], now=datetime(2026, 11, 29, 10, 1, 20, tzinfo=UTC)) == 0
