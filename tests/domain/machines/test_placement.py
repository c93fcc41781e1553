"""Which machine runs an agent."""

from typing import Any

import pytest

from broker.domain.agents.agents import Dialect, InstalledCli, Transport
from broker.domain.errors import Conflict, NoPlacement, NotFound
from broker.domain.ids import MemberId, ProxyId, SessionId
from broker.domain.machines.placement import Proxy, machine_named, place
from broker.domain.machines.policy import MachinePolicy


def a_cli(cli: str = "demo", **changes: Any) -> InstalledCli:
    given: dict[str, Any] = {"version": "1", "supported": True, "transport": Transport.STDIO}
    return InstalledCli(cli=cli, dialect=Dialect.ACP, **{**given, **changes})


def a_proxy(name: str, **changes: Any) -> Proxy:
    given: dict[str, Any] = {"labels": (), "clis": (a_cli(),), "online": True, "agents": 0}
    rest: dict[str, Any] = {"version": "1", "session": None, "since_ms": 0}
    return Proxy(name=name, **{"id": ProxyId(f"id-{name}"), **given, **rest, **changes})


def test_of_several_with_the_labels_the_least_busy_machine_is_chosen() -> None:
    busy, free = a_proxy("a", agents=3, labels=("gpu",)), a_proxy("b", agents=1, labels=("gpu",))
    assert place([busy, free], cli="demo", machine=None, labels=["gpu"]) is free


def test_who_names_no_machine_has_to_choose_where_there_is_a_choice() -> None:
    a, b = a_proxy("a", labels=("gpu",)), a_proxy("b")
    with pytest.raises(Conflict, match=r"several machines are connected: .*; connected: a \[gpu\]; b$") as refused:
        place([a, b, a_proxy("c", online=False)], cli="demo", machine=None, labels=())
    assert refused.value.code == "MACHINE_NOT_CHOSEN"
    assert place([a, a_proxy("c", online=False)], cli="demo", machine=None, labels=()) is a


def test_the_only_machine_of_the_session_is_meant_even_where_it_cannot_run_what_another_could() -> None:
    here, there = a_proxy("a", session=SessionId("s1")), a_proxy("b", session=SessionId("s2"))
    chosen = place([here, there], cli="demo", machine=None, labels=(), session=SessionId("s1"))
    assert chosen is here
    bare = a_proxy("a", session=SessionId("s1"), clis=())
    with pytest.raises(NoPlacement, match="'demo' is not installed on a"):
        place([bare, there], cli="demo", machine=None, labels=(), session=SessionId("s1"))


def test_a_machine_of_another_session_is_taken_unnamed_by_its_owner_alone() -> None:
    only = a_proxy("a", session=SessionId("s2"))
    with pytest.raises(Conflict, match="no machine of this session is connected"):
        place([only], cli="demo", machine=None, labels=(), session=SessionId("s1"))
    assert place([only], cli="demo", machine=None, labels=(), session=SessionId("s1"), owns=lambda _: True) is only
    assert place([only], cli="demo", machine="a", labels=(), session=SessionId("s1")) is only


def test_two_machines_of_one_name_and_owner_are_told_apart_by_their_ids() -> None:
    one, two = a_proxy("box", id=ProxyId("id-1")), a_proxy("box", id=ProxyId("id-2"), agents=3)
    with pytest.raises(Conflict, match=r"id-1 .*id-2 .*--name") as refused:
        place([one, two], cli="demo", machine="box", labels=())
    assert refused.value.code == "MACHINE_AMBIGUOUS"
    assert place([one, two], cli="demo", machine="id-2", labels=()) is two
    with pytest.raises(Conflict, match=r"box \(id id-1\); box \(id id-2\)"):
        place([one, two], cli="demo", machine=None, labels=())


def test_of_two_machines_of_one_name_and_owner_the_one_that_is_there_is_meant() -> None:
    gone, here = a_proxy("box", id=ProxyId("id-1"), online=False), a_proxy("box", id=ProxyId("id-2"))
    assert place([gone, here], cli="demo", machine="box", labels=()) is here


def test_what_an_agent_spawns_goes_to_its_own_machine() -> None:
    busy, free = a_proxy("a", agents=3), a_proxy("b")
    assert place([busy, free], cli="demo", machine=None, labels=(), home=busy.id) is busy


@pytest.mark.parametrize("home", [a_proxy("a", online=False), a_proxy("a", clis=())])
def test_what_its_own_machine_cannot_run_goes_to_another_only_when_that_is_asked_for(home: Proxy) -> None:
    other = a_proxy("b", labels=("gpu",))
    with pytest.raises(NoPlacement):
        place([home, other], cli="demo", machine=None, labels=(), home=home.id)
    assert place([home, other], cli="demo", machine="b", labels=(), home=home.id) is other
    assert place([home, other], cli="demo", machine=None, labels=["gpu"], home=home.id) is other


def test_a_machine_that_is_called_like_anothers_gets_nothing_that_was_meant_for_that() -> None:
    ann, eve = MemberId("ann"), MemberId("eve")
    anns, eves = a_proxy("laptop", owner=ann, online=False), a_proxy("laptop", owner=eve, id=ProxyId("id-eves"))
    with pytest.raises(Conflict) as refused:
        place([anns, eves], cli="demo", machine="laptop", labels=(), asker=None)
    assert (refused.value.code, anns.id in refused.value.message) == ("MACHINE_AMBIGUOUS", True)
    with pytest.raises(NoPlacement, match="no machine"):
        place([anns, eves], cli="demo", machine="laptop", labels=(), asker=ann)
    assert place([anns, eves], cli="demo", machine="laptop", labels=(), asker=eve) is eves
    assert place([anns, eves], cli="demo", machine=eves.id, labels=(), asker=ann) is eves


def test_a_machine_is_found_by_its_id_or_by_a_name_of_its_own() -> None:
    a, b = a_proxy("a"), a_proxy("b")
    twin = a_proxy("b", id=ProxyId("id-twin"))
    assert (machine_named([a, b], "a"), machine_named([a, b, twin], "id-b")) == (a, b)
    with pytest.raises(NotFound):
        machine_named([a, b], "c")
    with pytest.raises(Conflict, match="id-twin"):
        machine_named([a, b, twin], "b")


@pytest.mark.parametrize("machine", ["b", "id-b"])
def test_a_named_machine_is_taken_by_name_or_id(machine: str) -> None:
    assert place([a_proxy("a"), a_proxy("b", agents=9)], cli="demo", machine=machine, labels=()).name == "b"


def test_an_id_wins_over_a_name_also_while_its_machine_is_away() -> None:
    away, impostor = a_proxy("a", online=False), a_proxy("id-a")
    with pytest.raises(NoPlacement):
        place([away, impostor], cli="demo", machine=away.id, labels=())
    here = a_proxy("a", agents=9)
    assert place([impostor, here], cli="demo", machine=here.id, labels=()) is here


def test_all_labels_must_be_there() -> None:
    both = a_proxy("b", labels=("gpu", "linux"), agents=5)
    assert place([a_proxy("a", labels=("gpu",)), both], cli="demo", machine=None, labels=["linux", "gpu"]) is both


@pytest.mark.parametrize(
    ("proxies", "asked", "code", "says"),
    [
        ([], {}, "NO_PROXY", "relay-connect"),
        ([a_proxy("a", online=False)], {}, "NO_PROXY", "relay-connect"),
        ([a_proxy("a")], {"machine": "b"}, "NO_PROXY", "'b'"),
        ([a_proxy("a")], {"labels": ["gpu"]}, "NO_PROXY", "gpu"),
        ([a_proxy("a")], {"cli": "codex"}, "CLI_MISSING", "demo"),
        (
            [a_proxy("a", clis=(a_cli(supported=False, problem="too old"),))],
            {},
            "VERSION_NOT_SUPPORTED",
            "too old",
        ),
        (
            [a_proxy("a", clis=(a_cli(supported=False, version=None, problem="not on PATH"),))],
            {},
            "CLI_MISSING",
            "not on PATH",
        ),
    ],
)
def test_a_refusal_says_what_is_missing_where(
    proxies: list[Proxy], asked: dict[str, Any], code: str, says: str
) -> None:
    with pytest.raises(NoPlacement) as refused:
        place(proxies, **{"cli": "demo", "machine": None, "labels": (), **asked})
    assert refused.value.code == code
    assert says in refused.value.message


def test_a_machine_whose_own_policy_starts_no_such_program_is_passed_over_and_named_when_it_is_the_only_one() -> None:
    willing = a_proxy("a", agents=9, labels=("gpu",))
    unwilling = a_proxy("b", labels=("gpu",), policy=MachinePolicy(programs=("codex",)))
    assert place([willing, unwilling], cli="demo", machine=None, labels=["gpu"]) is willing
    with pytest.raises(NoPlacement, match="b starts codex, not demo: that is its own policy") as refusal:
        place([willing, unwilling], cli="demo", machine="b", labels=())
    assert refusal.value.code == "PROGRAM_NOT_ALLOWED"


def test_a_machine_whose_policy_was_changed_says_so() -> None:
    changed = a_proxy("a", policy=MachinePolicy(problem="policy.toml was changed: no agent starts here"))
    with pytest.raises(NoPlacement, match=r"a: policy\.toml was changed") as refusal:
        place([changed], cli="demo", machine=None, labels=())
    assert refusal.value.code == "POLICY_CHANGED"


def test_a_machine_without_a_policy_or_with_one_that_names_no_programs_starts_all() -> None:
    for policy in (None, MachinePolicy()):
        assert place([a_proxy("a", policy=policy)], cli="demo", machine=None, labels=()).name == "a"
