"""Archives carry people, groups, access and what there is to know of tokens into another workspace, and no secret."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from click.testing import CliRunner

from broker.cli import main
from broker.domain.ids import WorkspaceId
from broker.domain.plans.plans import Plan
from broker.services.ports import LogStore
from tests.fixtures.gateway import Gateway, make_workspace
from tests.gateway.http.test_archive import exported, imported, shipped

PEOPLE = {"Olga": "owner", "Ada": "admin", "Ben": "member", "Cleo": "viewer", "Paul": "billing"}
IN_GROUP = ("Ada", "Ben")


@pytest_asyncio.fixture(loop_scope="session")
async def source(logged: Gateway, store: LogStore) -> Gateway:
    """A workspace with people of every role, one of them suspended, a group, a private session and a program's name."""
    for name, role in PEOPLE.items():
        await logged.ok("POST", "/v1/members", {"name": name, "role": role})
    await logged.ok("POST", "/v1/members/Ben/suspend")
    await logged.ok("POST", "/v1/groups", {"name": "ops"})
    for name in IN_GROUP:
        await logged.ok("PUT", f"/v1/groups/ops/members/{name}")
    await logged.ok("POST", "/v1/sessions", {"name": "secret"})
    open_to = {"private": True, "people": {"Cleo": "viewer"}, "groups": {"ops": "driver"}}
    await logged.ok("PUT", "/v1/sessions/secret/access", open_to)
    await logged.ok("POST", "/v1/service-accounts", {"name": "ci"})
    body = {"scopes": ["read", "send"], "name": "nightly"}
    await logged.ok("POST", "/v1/service-accounts/ci/tokens", body)
    await shipped(logged, store)
    return logged


async def another(gateway: Gateway, *, plan: Plan = Plan.TEAM) -> tuple[WorkspaceId, str]:
    """An empty workspace and its key."""
    workspace = WorkspaceId(f"target-{uuid4().hex}")
    return workspace, await make_workspace(gateway.adapters, workspace, plan=plan)


async def administrator(gateway: Gateway, key: str) -> str:
    """A token of somebody who administers that workspace and does not own it."""
    await gateway.ok("POST", "/v1/service-accounts", {"name": "mover"}, token=key)
    body = {"scopes": ["administer"]}
    made = await gateway.ok("POST", "/v1/service-accounts/mover/tokens", body, token=key)
    return str(made["token"])


async def people(gateway: Gateway, key: str) -> dict[str, tuple[str, bool]]:
    """Names with roles, and whether they are suspended."""
    found = (await gateway.ok("GET", "/v1/members", token=key))["members"]
    return {each["name"]: (each["role"], each["suspended_at_ms"] is not None) for each in found}


async def in_group(gateway: Gateway, key: str, group: str) -> set[str]:
    return {each["name"] for each in (await gateway.ok("GET", f"/v1/groups/{group}/members", token=key))["members"]}


async def open_to(gateway: Gateway, key: str) -> tuple[dict[str, str], dict[str, str]]:
    access = await gateway.ok("GET", "/v1/sessions/secret/access", token=key)
    assert access["private"]
    found = [{each["name"]: each["level"] for each in access[kind]} for kind in ("people", "groups")]
    return found[0], found[1]


async def acts(gateway: Gateway, key: str, act: str) -> int:
    return len((await gateway.ok("GET", f"/v1/audit?act={act}", token=key))["records"])


def words(outcomes: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    return {f"{each['what']} {each['name']}": (each["came"], each["why"]) for each in outcomes}


async def test_people_groups_and_access_come_along(source: Gateway, tmp_path: Path) -> None:
    _, key = await another(source)
    await exported(source, tmp_path / "all.ndjson")
    done = await imported(source, key, tmp_path / "all.ndjson")
    assert await people(source, key) == {name: (role, name == "Ben") for name, role in PEOPLE.items()}
    assert await in_group(source, key, "ops") == set(IN_GROUP)
    assert await open_to(source, key) == ({"Cleo": "viewer"}, {"ops": "driver"})
    accounts = (await source.ok("GET", "/v1/service-accounts", token=key))["service_accounts"]
    assert [(each["name"], each["tokens"]) for each in accounts] == [("ci", [])]
    assert {each["came"] for each in done.outcomes} == {"made"}
    kept = await source.adapters.members.find_by_name(source.workspace, "Ada")
    assert kept is not None
    assert kept.id not in (await source.call("GET", "/v1/members", token=key)).text


async def test_to_import_twice_is_to_import_once(source: Gateway, tmp_path: Path) -> None:
    _, key = await another(source)
    await exported(source, tmp_path / "all.ndjson")
    await imported(source, key, tmp_path / "all.ndjson")
    before = [await people(source, key), await in_group(source, key, "ops"), await open_to(source, key)]
    counted = [await acts(source, key, act) for act in ("member.", "group.", "session.access", "service_account.")]
    done = await imported(source, key, tmp_path / "all.ndjson")
    assert [await people(source, key), await in_group(source, key, "ops"), await open_to(source, key)] == before
    assert [
        await acts(source, key, act) for act in ("member.", "group.", "session.access", "service_account.")
    ] == counted
    assert {each["came"] for each in done.outcomes if each["what"] != "access of the session"} == {"was_here"}


async def test_who_does_not_own_a_workspace_makes_no_owner_by_an_archive(source: Gateway, tmp_path: Path) -> None:
    _, key = await another(source)
    await exported(source, tmp_path / "all.ndjson")
    done = await imported(source, await administrator(source, key), tmp_path / "all.ndjson")
    assert await people(source, key) == {
        name: ("admin" if role == "owner" else role, name == "Ben") for name, role in PEOPLE.items()
    }
    assert words(done.outcomes)["person Olga"] == ("changed", "is an admin here: only an owner makes owners")


async def test_who_is_there_already_stays_what_they_are(source: Gateway, tmp_path: Path) -> None:
    _, key = await another(source)
    await source.ok("POST", "/v1/members", {"name": "ADA", "role": "viewer"}, token=key)
    await source.ok("POST", "/v1/members", {"name": "Ben", "role": "member"}, token=key)
    await exported(source, tmp_path / "all.ndjson")
    done = await imported(source, key, tmp_path / "all.ndjson")
    found = await people(source, key)
    assert (found["ADA"], found["Ben"]) == (("viewer", False), ("member", False))
    assert "Ada" not in found
    assert await in_group(source, key, "ops") == {"ADA", "Ben"}
    assert words(done.outcomes)["person Ada"] == ("was_here", "was here before, and stays viewer")


async def test_whom_the_plan_has_no_room_for_is_left_out_in_words(source: Gateway, tmp_path: Path) -> None:
    _, key = await another(source, plan=Plan.FREE)
    await exported(source, tmp_path / "all.ndjson")
    done = await imported(source, key, tmp_path / "all.ndjson")
    room = len(await people(source, key))
    left_out = [each for each in done.outcomes if each["what"] == "person" and each["came"] == "left_out"]
    assert room + len(left_out) == len(PEOPLE)
    assert left_out
    assert all("plan" in each["why"] for each in left_out)
    assert words(done.outcomes)["access of the session secret"][0] == "changed"
    assert (await open_to(source, key))[1] == {"ops": "driver"}


async def test_one_session_alone_takes_nobody_along(source: Gateway, tmp_path: Path) -> None:
    """It is private still: to whoever administers, until they say to whom else."""
    _, key = await another(source)
    await exported(source, tmp_path / "one.ndjson", session="secret")
    assert "Cleo" not in (tmp_path / "one.ndjson").read_text()
    await imported(source, key, tmp_path / "one.ndjson")
    assert await people(source, key) == {}
    assert await open_to(source, key) == ({}, {})


async def test_an_archive_of_an_earlier_version_says_no_people(source: Gateway) -> None:
    _, key = await another(source)
    session = {"id": "a" * 32, "name": "secret", "epoch": "e1", "offset": 3, "created_at_ms": 1}
    control = {"sessions": [session], "agents": [], "private": ["a" * 32]}
    answer = await source.ok("POST", "/v1/import", {"version": 1, "control": control}, token=key)
    assert answer["outcomes"] == []
    assert await open_to(source, key) == ({}, {})


@pytest.mark.parametrize(
    ("archived", "code"),
    [
        ({"people": [{"id": "a1", "name": "me", "role": "admin"}]}, "INVALID_NAME"),
        ({"people": [{"id": "a1", "name": "f" * 32, "role": "admin"}]}, "INVALID_NAME"),
        ({"people": [{"id": "a1", "name": "Ada", "role": "king"}]}, "INVALID_ARGUMENT"),
        ({"people": [{"id": id_, "name": "Ada", "role": "admin"} for id_ in ("a1", "a2")]}, "INVALID_ARGUMENT"),
        ({"people": [{"id": "a1", "name": name, "role": "admin"} for name in ("Ada", "Ben")]}, "INVALID_ARGUMENT"),
        ({"groups": [{"id": "g1", "name": "a/b"}]}, "INVALID_NAME"),
        ({"access": {"s": {"people": {"a1": "king"}}}}, "INVALID_ARGUMENT"),
        ({"service_accounts": [{"id": "x", "name": ""}]}, "INVALID_NAME"),
    ],
)
async def test_an_archives_people_are_held_to_what_is_asked_of_everybody(
    source: Gateway, archived: dict[str, Any], code: str
) -> None:
    _, key = await another(source)
    control = {"sessions": [], "agents": [], "people": archived}
    answer = await source.call("POST", "/v1/import", {"version": 1, "control": control}, token=key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code), answer.text
    assert await people(source, key) == {}


async def test_the_commands_say_who_came_who_did_not_and_which_tokens_to_make(source: Gateway, tmp_path: Path) -> None:
    _, key = await another(source)
    path = str(tmp_path / "all.ndjson")

    async def shell(*arguments: str, token: str) -> Any:
        environment = {"RELAYCAST_URL": source.url, "RELAYCAST_TOKEN": token}
        return await asyncio.to_thread(CliRunner().invoke, main, list(arguments), env=environment)

    assert (await shell("export", path, token=source.key)).exit_code == 0
    back = await shell("import", path, token=await administrator(source, key))
    assert back.exit_code == 0, back.output
    assert "✓ 5 people made" in back.stderr
    assert "✓ 1 group made" in back.stderr
    assert "person Olga: is an admin here: only an owner makes owners" in back.stderr
    assert "relaycast service-account token ci --label nightly --scope read --scope send" in back.stderr
