"""Every method of a service that acts for a caller says what that requires, and no edge checks by hand."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import broker.services
from broker.domain.errors import NotPermitted
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import Permission, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.services import ports
from broker.services.permissions import DECLARED, check_within, open_to_all, requires
from tests.fixtures.desk import a_person

ROOT = Path(broker.services.__file__).parents[2]
PERSON = a_person(WorkspaceId("w"))
MACHINE = a_person(WorkspaceId("w"), kind=TokenKind.PROXY)


def acting_methods() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Public methods of the services whose first argument is the caller."""
    for module in pkgutil.walk_packages(broker.services.__path__, "broker.services."):
        if module.name.startswith(ports.__name__):
            continue
        found = importlib.import_module(module.name)
        for name, service in inspect.getmembers(found, inspect.isclass):
            if (
                service.__module__ == module.name
                and not name.startswith("_")
                and not getattr(service, "_is_protocol", False)
            ):
                yield from ((f"{name}.{each}", method) for each, method in vars(service).items() if _acts(each, method))


def _acts(name: str, method: object) -> bool:
    if name.startswith("_") or not inspect.isfunction(method):
        return False
    # One that may have no caller yet, as who signs up, decides by itself.
    parameters = list(inspect.signature(method).parameters.values())[1:2]
    return [(each.name, each.annotation) for each in parameters] == [("principal", "Principal")]


@pytest.mark.parametrize(
    ("name", "method"), list(acting_methods()), ids=lambda each: each if isinstance(each, str) else ""
)
def test_every_method_that_acts_for_a_caller_says_what_it_requires(name: str, method: Callable[..., Any]) -> None:
    assert getattr(method, DECLARED, None), f"{name}: declare @requires, @checked_within or @open_to_all"


def test_what_a_method_requires_is_asked_at_its_declaration_alone() -> None:
    by_hand = [
        name
        for name, method in acting_methods()
        if re.search(r"^        principal\.require\(", inspect.getsource(method), re.M)
    ]
    # What a member may do with itself, an administrator may do with everybody.
    assert by_hand == ["Members.get"]


def test_no_edge_checks_by_hand() -> None:
    edges = [file for folder in ("broker/gateway", "graphql_api") for file in (ROOT / folder).rglob("*.py")]
    checking = {str(file.relative_to(ROOT)) for file in edges if ".require(Permission." in file.read_text()}
    assert not checking


class Service:
    def __init__(self) -> None:
        self.done: list[str] = []

    @requires(Permission.SEND, Permission.RELEASE)
    async def act(self, principal: Principal, *, what: str) -> str:
        """Does it."""
        self.done.append(what)
        return f"{principal.name}: {what}"

    @requires(Permission.READ)
    async def follow(self, principal: Principal) -> AsyncGenerator[str, None]:
        """Tells it."""
        yield principal.name

    @open_to_all("for everybody")
    async def look(self, principal: Principal) -> str:
        """Sees it."""
        return principal.name

    @check_within("it depends")
    async def decide(self, principal: Principal) -> str:
        """Decides it."""
        return principal.name


async def test_who_may_not_is_refused_before_anything_is_done() -> None:
    service = Service()
    with pytest.raises(NotPermitted):
        await service.act(MACHINE, what="it")
    with pytest.raises(NotPermitted):
        await anext(service.follow(MACHINE))
    assert service.done == []
    assert await service.look(MACHINE) == MACHINE.name
    assert await service.decide(MACHINE) == MACHINE.name


async def test_who_may_is_served() -> None:
    service = Service()
    assert await service.act(PERSON, what="it") == f"{PERSON.name}: it"
    assert [each async for each in service.follow(PERSON)] == [PERSON.name]
