from pathlib import Path

import pytest

from broker.domain.errors import BadRequest, NotAuthenticated
from connect.access.endpoint import DEFAULT_URL, Endpoint, is_loopback, resolve_endpoint


def _folder(tmp_path: Path, *, url: str | None = None, key: str | None = None) -> dict[str, str]:
    if url:
        (tmp_path / "up.json").write_text(f'{{"url": "{url}", "pid": 1}}')
    if key:
        (tmp_path / "workspace.key").write_text(key + "\n")
    return {"RELAYCAST_DATA_DIR": str(tmp_path)}


def test_arguments_win_over_the_environment_and_the_data_folder(tmp_path: Path) -> None:
    env = _folder(tmp_path, url="http://127.0.0.1:1", key="rk_live_file")
    env |= {"RELAYCAST_URL": "http://127.0.0.1:2", "RELAYCAST_TOKEN": "rk_live_env"}

    assert resolve_endpoint("http://127.0.0.1:3/", "rk_live_arg", environment=env).url == "http://127.0.0.1:3"
    assert resolve_endpoint(environment=env).token == "rk_live_env"


def test_the_running_broker_of_this_machine_is_found_with_its_key(tmp_path: Path) -> None:
    found = resolve_endpoint(environment=_folder(tmp_path, url="http://127.0.0.1:9999", key="rk_live_file"))

    assert (found.url, found.token) == ("http://127.0.0.1:9999", "rk_live_file")
    assert found.websocket_url == "ws://127.0.0.1:9999"


def test_the_local_key_is_never_sent_to_another_machine(tmp_path: Path) -> None:
    with pytest.raises(NotAuthenticated, match="no token for https://relaycast"):
        resolve_endpoint("https://relaycast.example", environment=_folder(tmp_path, key="rk_live_file"))


def test_a_broken_up_file_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "up.json").write_text("{half")

    assert resolve_endpoint(environment=_folder(tmp_path, key="rk_live_file")).url == DEFAULT_URL


def test_a_token_is_not_shown_by_repr() -> None:
    assert "secret" not in repr(resolve_endpoint("http://127.0.0.1:1", "secret", environment={}))


def test_a_url_without_a_scheme_is_refused_with_an_example() -> None:
    with pytest.raises(BadRequest, match="looks like"):
        resolve_endpoint("relaycast.example", "t", environment={})


@pytest.mark.parametrize(
    ("url", "expected"),
    [("http://127.0.0.1:1", False), ("https://relay.example", False), ("http://relay.example", True)],
)
def test_plain_http_to_another_machine_is_known_as_what_it_is(url: str, expected: bool) -> None:
    assert Endpoint(url=url, token="t").in_clear is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.2:1", True),
        ("http://[::1]:1", True),
        ("http://localhost", True),
        ("https://127.example", False),
    ],
)
def test_loopback_is_told_by_the_address(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


@pytest.mark.parametrize(
    "url", ["http://relay.example", "http://10.0.0.7:8787", "http://127.0.0.1.example", "http://[fd00::1]:1"]
)
def test_plain_http_to_another_machine_is_refused_unless_it_is_allowed(url: str) -> None:
    with pytest.raises(BadRequest, match="--insecure or RELAYCAST_INSECURE=1") as refused:
        resolve_endpoint(url, "t", environment={})
    assert refused.value.code == "INSECURE_URL"
    assert resolve_endpoint(url, "t", environment={"RELAYCAST_INSECURE": "1"}).url == url
    assert resolve_endpoint(url, "t", environment={}, insecure=True).url == url
    with pytest.raises(BadRequest):
        resolve_endpoint(url, "t", environment={"RELAYCAST_INSECURE": "0"})


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "https://relay.example"])
def test_loopback_and_https_need_no_leave(url: str) -> None:
    assert resolve_endpoint(url, "t", environment={}).url == url


@pytest.mark.parametrize(
    "url", ["https://me:secret@relay.example", "https://relay.example/?token=secret", "https://relay.example/#secret"]
)
def test_a_url_with_a_secret_in_it_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(BadRequest, match="no user, password, query or fragment") as refused:
        resolve_endpoint(url, "t", environment={})
    assert "secret" not in refused.value.message


@pytest.mark.parametrize("url", ["https://[relay", "https://relay:port", "https://relay\u200b.example"])
def test_what_only_looks_like_a_url_is_refused(url: str) -> None:
    with pytest.raises(BadRequest, match="is not a broker's URL"):
        resolve_endpoint(url, "t", environment={})


def test_a_key_that_another_user_may_read_alone_is_not_asked_for(tmp_path: Path) -> None:
    env = _folder(tmp_path, key="rk_live_file")
    (tmp_path / "workspace.key").unlink()
    with pytest.raises(NotAuthenticated, match="no token"):
        resolve_endpoint("http://127.0.0.1:1", environment=env)


def test_the_key_in_the_data_folder_is_looked_at_like_any_other(tmp_path: Path) -> None:
    with pytest.raises(NotAuthenticated, match=r"workspace\.key has a character that no token has: U\+FEFF"):
        resolve_endpoint("http://127.0.0.1:1", environment=_folder(tmp_path, key="\ufeffrk_live_file"))
