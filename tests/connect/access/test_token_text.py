"""Tokens as text: what is refused before it is used, and what is never shown."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from broker.domain.errors import NotAuthenticated
from broker.domain.people.token_text import hide_tokens
from connect.access.token_text import TokenFreeFormatter, check_token, read_token_file
from connect.cli import main

SECRET = "rk_live_" + "Ab-_9" * 8
PLACES = [
    pytest.param("\ufeff" + SECRET, "U+FEFF (ZERO WIDTH NO-BREAK SPACE) in line 1, column 1", id="byte-order-mark"),
    pytest.param(SECRET[:9] + "\u200b" + SECRET[9:], "U+200B (ZERO WIDTH SPACE) in line 1, column 10", id="zero-width"),
    pytest.param("\u201c" + SECRET + "\u201d", "U+201C (LEFT DOUBLE QUOTATION MARK) in line 1, column 1", id="quotes"),
    pytest.param(SECRET + '"', "U+0022 (QUOTATION MARK) in line 1, column 49", id="plain-quote"),
    pytest.param(SECRET + "\x00", "U+0000 (control character) in line 1, column 49", id="control"),
    pytest.param(SECRET + "\x1b[0m", "U+001B (control character) in line 1, column 49", id="escape"),
    pytest.param(SECRET[:20] + " " + SECRET[20:], "U+0020 (SPACE) in line 1, column 21", id="space"),
    pytest.param(SECRET + "\u00a0", "U+00A0 (NO-BREAK SPACE) in line 1, column 49", id="no-break-space"),
    pytest.param("\n\n " + SECRET + "\r\nmore", "U+000D (control character) in line 3, column 50", id="two-lines"),
    pytest.param("rk_live_\u0430bc", "U+0430 (CYRILLIC SMALL LETTER A) in line 1, column 9", id="look-alike"),
]


@pytest.mark.parametrize(("text", "place"), PLACES)
def test_a_character_that_no_token_has_is_named_with_its_place_and_without_the_token(text: str, place: str) -> None:
    with pytest.raises(NotAuthenticated) as refused:
        check_token(text, source="RELAYCAST_TOKEN")
    assert place in refused.value.message
    assert "RELAYCAST_TOKEN" in refused.value.message
    assert SECRET[8:16] not in refused.value.message


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("cannot reach redis://ada:pass@h:6379/0", "cannot reach redis://[hidden]@h:6379/0"),
        ("http://h:80/a@b and mail to ada@example.org", "http://h:80/a@b and mail to ada@example.org"),
        ("whsec_" + "Ab9" * 8, "whsec_[hidden]"),
        ("sk_test_" + "Ab9" * 8, "sk_test_[hidden]"),
        ("risk_test_of_a_function", "risk_test_of_a_function"),
    ],
)
def test_a_password_in_a_url_and_a_payment_providers_secrets_are_hidden_like_tokens(said: str, shown: str) -> None:
    assert hide_tokens(said) == shown


def test_what_editors_and_shells_leave_around_a_token_is_no_part_of_it() -> None:
    assert check_token(f" \t{SECRET}\r\n\n", source="x") == SECRET


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \r\n", "is empty"),
        (SECRET.encode("utf-16"), "is UTF-16; save it as UTF-8"),
        (b"rk_live_\xff", "is no text: byte 0xFF at place 9"),
        (b"\xef\xbb\xbf" + SECRET.encode() + b"\r\n", "U+FEFF (ZERO WIDTH NO-BREAK SPACE) in line 1, column 1"),
    ],
)
def test_a_file_that_holds_no_token_is_named_with_what_is_wrong(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(NotAuthenticated) as refused:
        read_token_file(path)
    assert f"the token file {path}" in refused.value.message
    assert words in refused.value.message
    assert SECRET[8:16] not in refused.value.message


def test_a_device_without_an_end_is_not_read_for_ever() -> None:
    with pytest.raises(NotAuthenticated, match=r"U\+0000"):
        read_token_file(Path("/dev/zero"))


@pytest.mark.parametrize("as_json", [(), ("--json",)])
@pytest.mark.parametrize("source", ["file", "environment", "option"])
def test_relay_connect_refuses_it_once_before_any_connection_and_never_prints_it(
    tmp_path: Path, source: str, as_json: tuple[str, ...]
) -> None:
    bad = "\ufeff" + SECRET
    (tmp_path / "token").write_text(bad + "\r\n")
    given = {
        "file": (["--token-file", str(tmp_path / "token")], {}),
        "environment": ([], {"RELAYCAST_TOKEN": bad}),
        "option": (["--token", bad], {}),
    }
    arguments, environment = given[source]
    folders = {"RELAYCAST_CONFIG_DIR": str(tmp_path), "RELAYCAST_STATE_DIR": str(tmp_path / "state")}
    # Nothing listens there: a connection would be told of.
    started = ["--headless", "--url", "http://127.0.0.1:9", *as_json, *arguments]
    result = CliRunner().invoke(main, started, env=folders | environment)
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert "U+FEFF" in result.output
    assert "cannot reach" not in result.output
    assert SECRET[8:16] not in result.output


@pytest.mark.parametrize(
    "text",
    [
        f"invalid Authorization header: Bearer \ufeff{SECRET}",
        f"Illegal header value b'Bearer {SECRET}\\x00'",
        f"https://relay.example/?token={SECRET}&x=1",
        f'{{"reason":"{SECRET}"}}',
        "rt_live_abcdefghij0123456789.x",
        f"authorization: bearer {'x' * 40}",
    ],
)
def test_no_text_that_is_shown_keeps_a_token(text: str) -> None:
    shown = hide_tokens(text)
    assert "[hidden]" in shown
    assert "Ab-_9" not in shown
    assert "abcdefghij" not in shown
    assert "x" * 20 not in shown


def test_text_without_a_token_is_left_as_it_is() -> None:
    text = "✓ Connected to 127.0.0.1\n  the bearer of good news; set RELAYCAST_TOKEN=rk_live_… and go on"
    assert hide_tokens(text) == text


def test_logs_and_their_tracebacks_hold_no_token() -> None:
    try:
        int(f"Bearer {SECRET}")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "with %s", (SECRET,), sys.exc_info())
    shown = TokenFreeFormatter().format(record)
    assert "ValueError" in shown
    assert SECRET[8:16] not in shown


def test_what_ends_the_program_is_printed_without_tokens() -> None:
    script = (
        "from connect.access.token_text import keep_tokens_out_of_output\n"
        "import asyncio\n"
        "keep_tokens_out_of_output()\n"
        f"async def fail(): raise ValueError('Bearer {SECRET}')\n"
        "async def leave():\n"
        "    task = asyncio.ensure_future(fail())\n"
        "    await asyncio.wait([task])\n"
        "asyncio.run(leave())\n"
        f"raise RuntimeError('of {SECRET}')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert "ValueError" in done.stderr
    assert "RuntimeError" in done.stderr
    # The script itself stands in no traceback: it was given by -c.
    assert SECRET[8:16] not in done.stderr


@pytest.mark.parametrize("arguments", [[SECRET], ["doctor", SECRET], ["--tokn", SECRET], [f"--{SECRET}"]])
def test_a_mistyped_command_line_is_quoted_without_the_token_in_it(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert SECRET[8:16] not in result.output


def test_a_token_that_was_given_as_the_url_is_not_shown(tmp_path: Path) -> None:
    environment = {"RELAYCAST_URL": SECRET, "RELAYCAST_CONFIG_DIR": str(tmp_path)}
    result = CliRunner().invoke(main, ["--headless", "--json"], env=environment)
    assert result.exit_code == 2
    assert "is not a broker's URL" in result.output
    assert SECRET[8:16] not in result.output
