"""What a caller must be allowed for a service's method, said at the method and checked ahead of it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, Concatenate, ParamSpec, TypeVar

from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session
from broker.domain.errors import NotPermitted
from broker.domain.people.access import Permission, Principal
from broker.services.acting import acting, drive, tell_refused

_S = TypeVar("_S")
_P = ParamSpec("_P")
_R = TypeVar("_R")
_F = TypeVar("_F")
_Method = Callable[Concatenate[_S, Principal, _P], _R]
_DRIVING = frozenset({Permission.SEND, Permission.SPAWN, Permission.RELEASE, Permission.APPROVE})
DECLARED = "__permissions__"
"""The attribute of a method that has said what it requires: permissions, or the reason for none."""


def requires(*permissions: Permission) -> Callable[[_Method[_S, _P, _R]], _Method[_S, _P, _R]]:
    """The caller, a method's first argument, must have all of them. Else it raises `NotPermitted` before it begins."""

    def decorate(method: _Method[_S, _P, _R]) -> _Method[_S, _P, _R]:
        checked: _Method[_S, _P, _R] = _check(method, permissions)
        return _declare(checked, permissions)

    return decorate


def open_to_all(because: str) -> Callable[[_Method[_S, _P, _R]], _Method[_S, _P, _R]]:
    """Every authenticated caller may ask for it."""

    def decorate(method: _Method[_S, _P, _R]) -> _Method[_S, _P, _R]:
        return _declare(method, because)

    return decorate


def check_within(how: str) -> Callable[[_Method[_S, _P, _R]], _Method[_S, _P, _R]]:
    """What it requires depends on what is asked for, or is required by what it calls; `how` says which."""

    def decorate(method: _Method[_S, _P, _R]) -> _Method[_S, _P, _R]:
        checked: _Method[_S, _P, _R] = _check(method, (), within=True)
        return _declare(checked, how)

    return decorate


def _check(method: Any, permissions: tuple[Permission, ...], *, within: bool = False) -> Any:
    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def later(self: Any, principal: Principal, *args: Any, **kwargs: Any) -> Any:
            with acting(principal, permissions, checked_within=within) as is_first:
                try:
                    _require(principal, permissions)
                    _drive(principal, permissions, (*args, *kwargs.values()))
                    return await method(self, principal, *args, **kwargs)
                except NotPermitted as error:
                    if is_first:  # what it calls was refused: that is one refusal
                        await tell_refused(principal, operation=_operation(method), error=error)
                    raise

        return later

    @functools.wraps(method)
    def at_once(self: Any, principal: Principal, *args: Any, **kwargs: Any) -> Any:
        _require(principal, permissions)
        return method(self, principal, *args, **kwargs)

    return at_once


def _operation(method: Any) -> str:
    """What a method is called in the audit trail."""
    return f"{method.__module__.removeprefix('broker.services.')}.{method.__name__}"


def _require(principal: Principal, permissions: tuple[Permission, ...]) -> None:
    for permission in permissions:
        principal.require(permission)


def _drive(principal: Principal, permissions: tuple[Permission, ...], given: Iterable[object]) -> None:
    """What does something in a session is for its drivers, whether it is given the session or an agent of it."""
    if _DRIVING.isdisjoint(permissions):
        return
    for each in given:
        match each:
            case Session():
                drive(principal, each.id)
            case Agent():
                drive(principal, each.session_id)
            case _:
                pass


def _declare(method: _F, said: object) -> _F:
    setattr(method, DECLARED, said)
    return method
