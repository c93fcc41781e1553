from connect.sdk.facts import AgentSpawning
from connect.sdk.types import Agent, Channel
from connect.terminal.completion import WordCompleter
from connect.terminal.output.view import View
from connect.terminal.session.places import Places
from connect.terminal.verbosity import Verbosity


def completer() -> tuple[WordCompleter, View]:
    view = View(Verbosity.NORMAL)
    names = ("Lead", "Opponent", "Judge")
    view.learn([Agent.model_validate({"id": n, "name": n, "cli": "codex", "state": "idle"}) for n in names])
    view.channels.learn([Channel(name="#dev", members=("Lead", "Judge"))])
    return WordCompleter(view, Places()), view


def offered(typed: str) -> list[str]:
    found, _ = completer()
    return list(found.candidates(typed.split(" ")))


def test_channels_and_who_can_join_or_leave_them_are_offered() -> None:
    assert "#dev" in offered("send ")
    assert offered("join ") == offered("leave ") == ["#dev"]
    assert offered("join #dev ") == ["Opponent"]
    assert offered("leave #dev ") == ["Judge", "Lead"]
    assert offered("leave #dev Lead ") == ["Judge"]
    assert offered("join #new ") == ["Lead", "Opponent", "Judge"]


def test_a_new_agent_of_a_name_is_in_no_channel_of_the_one_before() -> None:
    found, view = completer()
    view.channels.on("Lead", AgentSpawning(name="Lead", cli="codex"))
    assert list(found.candidates(["leave", "#dev", ""])) == ["Judge"]
