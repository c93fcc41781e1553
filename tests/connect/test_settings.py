from __future__ import annotations

from pathlib import Path

import pytest

from broker.domain.agents.agents import Dialect
from broker.domain.errors import BadRequest, NotAuthenticated
from connect.access.endpoint import Endpoint, GivenToken, TokenSource
from connect.settings import ConnectSettings, LeadSettings, Options, agent_environment, resolve_settings


def resolve(tmp_path: Path, options: Options | None = None, *, config: str = "", **environment: str) -> ConnectSettings:
    (tmp_path / "relay-connect.toml").write_text(config)
    defaults = {"RELAYCAST_CONFIG_DIR": str(tmp_path), "RELAYCAST_DATA_DIR": str(tmp_path), "RELAYCAST_TOKEN": "t"}
    return resolve_settings(options or Options(), environment=defaults | environment)


def test_options_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    config = 'url = "https://file.example"\nname = "file"\nsession = "file"\nlabels = ["file"]'
    settings = resolve(
        tmp_path,
        Options(url="https://option.example", labels=("option",)),
        config=config,
        RELAYCAST_URL="https://env.example",
        RELAYCAST_NAME="env",
    )
    assert settings.endpoint.url == "https://option.example"
    assert (settings.name, settings.session, settings.labels) == ("env", "file", ("file", "option"))


@pytest.mark.parametrize(("given", "config"), [(True, ""), (False, "log_steps = true")])
def test_steps_are_logged_where_an_option_or_the_file_says_so(tmp_path: Path, given: bool, config: str) -> None:
    assert resolve(tmp_path, Options(log_steps=given), config=config).log_steps
    assert not resolve(tmp_path, config="log_steps = false").log_steps


@pytest.mark.parametrize(
    ("given", "config", "lead"),
    [
        (None, "", LeadSettings()),
        ("codex", 'lead = "gemini"', LeadSettings(cli="codex")),
        (None, 'lead = "Boss=gemini"', LeadSettings(name="Boss", cli="gemini")),
    ],
)
def test_whom_plain_lines_are_for_can_be_chosen(
    tmp_path: Path, given: str | None, config: str, lead: LeadSettings
) -> None:
    assert resolve(tmp_path, Options(lead=given), config=config).lead == lead


@pytest.mark.parametrize("given", ["", "=codex", "Boss="])
def test_a_lead_without_a_program_or_a_name_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(BadRequest, match="--lead"):
        resolve(tmp_path, Options(lead=given))


def test_a_token_file_wins_over_the_environment(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    assert resolve(tmp_path, Options(token_file=tmp_path / "token")).token == GivenToken(
        text="from-file", source=TokenSource.FILE, path=tmp_path / "token"
    )


def test_the_environments_token_wins_over_the_one_the_configuration_names(tmp_path: Path) -> None:
    found = resolve(tmp_path, config='token_file = "/does/not/exist"').token
    assert found == GivenToken(text="t", source=TokenSource.ENVIRONMENT)


def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotAuthenticated, match="/does/not/exist cannot be read"):
        resolve(tmp_path, Options(token_file=Path("/does/not/exist")))


def test_agents_come_from_the_file_the_environment_and_options(tmp_path: Path) -> None:
    config = '[agents.claude-double]\ncommand = ["double"]\ndialect = "claude"\n[agents.codex]\nany_version = true'
    settings = resolve(
        tmp_path, Options(agents=("opencode=opencode 'acp now'",)), config=config, RELAYCAST_CODEX_BIN="/opt/codex"
    )
    assert settings.agents["claude-double"].dialect is Dialect.CLAUDE
    assert settings.agents["opencode"].command == ("opencode", "acp now")
    assert settings.agents["codex"].command == ("/opt/codex",)
    assert settings.agents["codex"].any_version


@pytest.mark.parametrize("option", ["opencode", "=x", "x=", "x='unfinished"])
def test_an_agent_option_without_a_command_is_refused(tmp_path: Path, option: str) -> None:
    with pytest.raises(BadRequest, match="--agent"):
        resolve(tmp_path, Options(agents=(option,)))


@pytest.mark.parametrize("config", ["urll = 1", "[agents.x]\ncomand = []", "not toml"])
def test_a_mistake_in_the_file_is_told_with_its_place(tmp_path: Path, config: str) -> None:
    with pytest.raises(BadRequest, match=r"relay-connect\.toml"):
        resolve(tmp_path, config=config)


def test_codex_may_be_driven_over_a_unix_socket_and_nothing_else_may(tmp_path: Path) -> None:
    unix = 'transport = "unix"'
    assert resolve(tmp_path, config=f"[agents.codex]\n{unix}").agents["codex"].transport == "unix"
    with pytest.raises(BadRequest, match="gemini: only Codex"):
        resolve(tmp_path, config=f"[agents.gemini]\n{unix}")


def test_a_configuration_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no configuration file"):
        resolve(tmp_path, Options(config=tmp_path / "absent.toml"))


@pytest.mark.parametrize(
    ("proxies", "expected"),
    [
        ({"HTTP_PROXY": "http://proxy:1"}, "127.0.0.1"),
        (
            {"https_proxy": "http://proxy:1", "no_proxy": "intern.example, 10.0.0.0/8"},
            "intern.example,10.0.0.0/8,127.0.0.1",
        ),
        ({"ALL_PROXY": "http://proxy:1", "NO_PROXY": "127.0.0.1"}, "127.0.0.1"),
        ({"ALL_PROXY": "http://proxy:1", "NO_PROXY": "*"}, "*"),
    ],
)
def test_agents_reach_a_broker_on_this_machine_without_the_companys_proxy(
    proxies: dict[str, str], expected: str
) -> None:
    inherited = agent_environment(proxies, broker=Endpoint(url="http://127.0.0.1:8787", token="t"))
    assert (inherited["no_proxy"], inherited["NO_PROXY"]) == (expected, expected)


def test_a_broker_elsewhere_is_left_to_the_companys_proxy() -> None:
    proxies = {"HTTPS_PROXY": "http://proxy:1"}
    assert agent_environment(proxies, broker=Endpoint(url="https://relay.example", token="t")) == proxies


def test_agents_inherit_the_users_environment_without_the_relays_own() -> None:
    inherited = agent_environment({"PATH": "/bin", "RELAYCAST_TOKEN": "x", "CLAUDECODE": "1", "ANTHROPIC_API_KEY": "k"})
    assert inherited == {"PATH": "/bin", "ANTHROPIC_API_KEY": "k"}


def test_plain_http_to_another_machine_may_be_allowed_by_option_environment_or_file(tmp_path: Path) -> None:
    url = "http://relay.example"
    with pytest.raises(BadRequest, match="would send the token unencrypted"):
        resolve(tmp_path, Options(url=url))
    assert resolve(tmp_path, Options(url=url, insecure=True)).endpoint.in_clear
    assert resolve(tmp_path, Options(url=url), RELAYCAST_INSECURE="1").endpoint.in_clear
    assert resolve(tmp_path, Options(url=url), config="insecure = true").endpoint.in_clear


def test_a_machine_that_was_linked_before_needs_no_token(tmp_path: Path) -> None:
    settings = resolve(tmp_path, Options(url="https://relay.example"), RELAYCAST_TOKEN="")
    assert settings.token is None


def test_a_token_is_not_shown_by_repr(tmp_path: Path) -> None:
    assert "secret" not in repr(resolve(tmp_path, RELAYCAST_TOKEN="secret"))
