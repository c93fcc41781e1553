"""Secrets are masked before anything is stored, and nothing else is."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.adapters.trigger_search import automaton
from broker.domain.logs.redaction import Redacted, Redactor
from broker.domain.logs.redaction.rules import secret_form
from broker.domain.people.token_kinds import PREFIXES
from tests.domain.logs.log_events import logged
from tests.protocol.agents.test_transcripts import recordings
from tests.protocol.player import play

REDACTOR = Redactor(search=automaton)
BASE64 = "Mz4kQ9+vT7/bXcL2sHd0yWnE5gPfRj8uAo1iVq6tKhCmSwZxGyBNrYpUDeFlIaJO"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{BASE64}\n{BASE64[:30]}==\n-----END RSA PRIVATE KEY-----"


def token(alphabet: str, length: int) -> st.SearchStrategy[str]:
    """Characters as a machine picks them: with a digit and a letter, and not all the same."""
    body = st.text(alphabet, min_size=length, max_size=length)
    return body.map(lambda text: "A7b" + text[3:] if length > 3 else text)


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
SAFE = LETTERS + "_-"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

SECRETS: dict[str, st.SearchStrategy[tuple[str, str]]] = {
    **{prefix: token(SAFE, 43).map(lambda t, p=prefix: ("", p + t)) for prefix in PREFIXES.values()},  # type: ignore[misc]
    "anthropic": token(SAFE, 60).map(lambda t: ("", f"sk-ant-api03-{t}")),
    "openai": token(LETTERS, 48).map(lambda t: ("", f"sk-{t}")),
    "openai project": token(SAFE, 60).map(lambda t: ("", f"sk-proj-{t}")),
    "google": token(SAFE, 35).map(lambda t: ("", f"AIza{t}")),
    "github": token(LETTERS, 36).map(lambda t: ("", f"ghp_{t}")),
    "github app": token(LETTERS, 36).map(lambda t: ("", f"gho_{t}")),
    "github fine": token(LETTERS, 40).map(lambda t: ("", f"github_pat_{t}")),
    "aws id": st.text(UPPER, min_size=16, max_size=16).map(lambda t: ("", f"AKIA{t}")),
    "aws secret": st.just(("aws_secret_access_key = ", BASE64[:40])),
    "slack": token(LETTERS, 24).map(lambda t: ("", f"xoxb-{t}")),
    "jwt": token(SAFE, 40).map(lambda t: ("", f"eyJ{t}.eyJ{t}.{t}")),
    "bearer": st.just(("Authorization: Bearer ", BASE64[:32])),
    "basic": st.just(("authorization: basic ", "dXNlcjpwYXNz")),
    "private key": st.just(("", PEM)),
    "password": st.just(("PASSWORD=", "hunter22")),
    "token": st.just(('{"my_token": "', "f3b9a1c07d5e4286")),
    "flag": st.just(("deploy --auth-token ", "f3b9a1c07d5e4286")),
    "url": st.just(("postgres://app:", "s3cr3t-pw")),
}
AROUND = {"token": '"}', "url": "@db/app"}


@pytest.mark.parametrize("form", SECRETS)
@given(data=st.data())
def test_every_known_form_is_gone(form: str, data: st.DataObject) -> None:
    before, secret = data.draw(SECRETS[form])
    text = f"see: {before}{secret}{AROUND.get(form, '')} and so on"
    found = REDACTOR.text(text)
    assert secret not in found.text
    assert "[redacted:" in found.text
    assert found.hits == 1
    assert found.text.startswith("see: ")
    assert found.text.endswith(" and so on")
    event = json.dumps({"data": {"raw": {"nested": [text], "json": json.dumps({"inner": text})}}})
    assert REDACTOR.suspects(event)
    masked = REDACTOR.json_text(event)
    assert secret not in json.dumps(json.loads(masked.text), ensure_ascii=False)
    assert json.dumps(secret)[1:-1] not in masked.text
    assert masked.hits >= 2


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "curl -H 'Authorization: Bearer abc123DEF456' x",
            "curl -H 'Authorization: Bearer [redacted:authorization]' x",
        ),
        ("password=sk-ant-api03-Ab3Ab3Ab3Ab3", "password=[redacted:anthropic-key]"),
        (r"{\"api_key\":\"f3b9a1c07d5e4286\"}", r"{\"api_key\":\"[redacted:assignment]\"}"),
        (f"1→{PEM}\n2→next", "1→[redacted:private-key]\n2→next"),
        (PEM[:120], "[redacted:private-key]"),
        (PEM.replace("\n", "\\n"), "[redacted:private-key]"),
        ("+" + PEM.replace("\n", "\n+") + "\n+x = 1", "+[redacted:private-key]\n+x = 1"),
    ],
)
def test_the_mark_stands_where_the_secret_was(text: str, masked: str) -> None:
    assert REDACTOR.text(text).text == masked


INNOCENT = [
    "commit 3f786850e387550fdaab836ed7e6dc881de23a19",
    "index 83db48f..bf2a1c4 100644",
    "message ef66169b-f94a-5d44-8fd4-2357dd107766",
    "if '-----BEGIN PRIVATE KEY-----' in text: return load(text)",
    "task-force-with-a-very-long-name-1 risk-assessment-number-12345",
    "token = self.next_token(stream2)",
    "password: str = field(default=None)",
    "export TOKEN=$GITHUB_TOKEN2 KEY=<your-key-1234567>",
    "max_tokens: 200000, input_tokens: 123456789012",
    "Authorization: required for every call",
    "the bearer of this letter",
    "http://127.0.0.1:8787/session/1@x mail a@b.example",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "diff --git a/x b/x",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_text_stays(text: str) -> None:
    assert REDACTOR.text(text).text == text
    event = json.dumps({"data": {"text": text}})
    assert REDACTOR.json_text(event).text == event


@given(
    st.uuids(), st.binary(min_size=20, max_size=32), st.sampled_from(["commit {}", "id={}", "{}", '{{"sha": "{}"}}'])
)
def test_hashes_and_ids_stay(number: uuid.UUID, digest: bytes, around: str) -> None:
    for text in (around.format(number), around.format(digest.hex())):
        assert REDACTOR.text(text).text == text


def test_a_value_under_a_secret_name_is_masked_when_it_looks_like_one() -> None:
    key = "f3b9a1c07d5e4286"
    event = {
        "Authorization": f"Token {key}",
        "env": {"GITHUB_TOKEN": key, "DB_PASSWORD": "correcthorsebatterystaple", "PATH": "/bin", "MAX_TOKEN": "short"},
        "headers": [{"name": "X-Api-Key", "value": key}, {"name": "Accept", "value": "text/plain"}],
        "cookie": [f"sid={key}", "theme=dark"],
        "argv": ["deploy", "--auth-token", key, "--name", key],
        "clientSecret": {"kind": "none"},
        "progressToken": key,
        "token": "{{ csrf }}",
        "password": "your-password-1",
    }
    masked, hits = REDACTOR.json(event)
    mark = "[redacted:field]"
    assert masked == {
        **event,
        "Authorization": mark,
        "env": {"GITHUB_TOKEN": mark, "DB_PASSWORD": mark, "PATH": "/bin", "MAX_TOKEN": "short"},
        "headers": [{"name": "X-Api-Key", "value": mark}, {"name": "Accept", "value": "text/plain"}],
        "cookie": [mark, "theme=dark"],
        "argv": ["deploy", "--auth-token", mark, "--name", key],
    }
    assert hits == 6
    assert event["Authorization"] == f"Token {key}"  # the live tail's copy is not changed


def test_two_masked_names_of_one_object_stay_two_members() -> None:
    first, second = ("ghp_" + letter * 35 + "7" for letter in "ab")
    masked, hits = REDACTOR.json({first: 1, second: 2, "[redacted:github-token]": 3})
    assert sorted(masked.values()) == [1, 2, 3]
    assert masked.keys() == {"[redacted:github-token]", "[redacted:github-token#2]", "[redacted:github-token#3]"}
    assert hits == 2
    assert REDACTOR.json(masked) == (masked, 0)


def test_letters_that_json_spells_as_escapes_are_seen() -> None:
    masked = REDACTOR.json_text(r'{"x":"\u0073k\u002dant\u002dapi03\u002dAb3Ab3Ab3Ab3"}')
    assert masked.text == '{"x":"[redacted:anthropic-key]"}'


def test_a_number_too_large_to_hold_does_not_break_the_json() -> None:
    assert (
        REDACTOR.json_text('{"token":"f3b9a1c07d5e4286","n":[1e999,1.5]}').text
        == '{"token":"[redacted:field]","n":[null,1.5]}'
    )


def test_json_nested_without_end_is_redacted_to_the_bottom() -> None:
    value: Any = "sk-ant-api03-Ab3Ab3Ab3Ab3"
    for _ in range(5_000):
        value = [value]
    masked, hits = REDACTOR.json(value)
    for _ in range(5_000):
        masked = masked[0]
    assert (masked, hits) == ("[redacted:anthropic-key]", 1)


TRIGGERS = st.sampled_from(
    [
        "token=", "password: ", '"secret":"', "sk-ant-", "sk-", "eyJ", "ghp_", "xoxb-", "AKIA", "Bearer ", "--api-key ",
        "Authorization: Basic ", "://u:", "@", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", BASE64,
        "a1b2c3d4e5f6", "[redacted:", "]", "[redacted:jwt]", "\n", "ABCDEFGH12345678",
        ".", '"', "\\", "rk_live_", "acme-",
    ]
)  # fmt: skip
TEXTS = st.lists(TRIGGERS | st.text(max_size=4), max_size=10).map("".join)
VALUES = st.recursive(
    TEXTS | st.none() | st.integers() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.sampled_from(["token", "name", "value"]), inner)
    ),
    max_leaves=8,
)
OWN = Redactor(
    [secret_form("acme", r"acme-\w{4,}"), secret_form("digits", r"\b\d{4}"), secret_form("marks", r"redacted.{2,9}")],
    search=automaton,
)


@given(TEXTS, st.sampled_from([REDACTOR, OWN]))
def test_redacting_twice_changes_nothing(text: str, redactor: Redactor) -> None:
    once = redactor.text(text)
    assert redactor.text(once.text) == type(once)(once.text, 0)


@given(VALUES, st.sampled_from([REDACTOR, OWN]))
def test_json_stays_json_of_the_same_shape(value: Any, redactor: Redactor) -> None:
    before = json.dumps(value)
    once = redactor.json_text(before)
    after = json.loads(once.text)
    assert type(after) is type(value)
    if isinstance(value, list):
        assert len(after) == len(value)
    assert redactor.json(after) == (after, 0)
    if not once.hits:
        assert once.text == before
    if not redactor.suspects(before):
        assert redactor.json(value) == (value, 0)


@pytest.mark.parametrize(("name", "client"), recordings())
def test_recordings_keep_every_word_that_is_no_secret(name: str, client: str | None) -> None:
    for event in logged(play(name, client=client)):
        text = json.dumps(event)
        masked, hits = REDACTOR.json(event)
        if hits:
            assert REDACTOR.suspects(text)
            assert "relay-secret" not in json.dumps(masked)
        else:
            assert masked == event


def test_a_text_of_nothing_but_triggers_is_masked_whole_and_is_looked_at_no_further() -> None:
    flood = "token=x9 " * 25_000
    assert REDACTOR.text(flood) == Redacted("[redacted:overfull]", 1)
    event = json.dumps({"kind": "text", flood: 1, f"{flood}2": 2, "said": [flood, "harmless", {"n": 1.5}]})
    masked = REDACTOR.json_text(event)
    assert json.loads(masked.text) == {
        "kind": "text",
        "[redacted:overfull#2]": 1,
        "[redacted:overfull#3]": 2,
        "said": ["[redacted:overfull]", "harmless", {"n": 1.5}],
    }
    assert masked.hits == 3
    assert REDACTOR.json_text(masked.text) == Redacted(masked.text, 0)


def test_a_long_text_with_few_triggers_is_looked_at_as_a_short_one_is() -> None:
    secret = "ghp_" + "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zA7bC"
    text = f"{'plain words and more of them ' * 20_000}{secret} and more"
    assert REDACTOR.text(text).text == text.replace(secret, "[redacted:github-token]")
