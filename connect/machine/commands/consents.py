"""What a machine's owner has allowed and denied, by name: the same for hooks and for workflows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

_MOST = 2000


class NamedConsent(BaseModel):
    """Something that may run: whole, as a person was shown it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def key(self) -> str:
        """What it is allowed under."""
        raise NotImplementedError


C = TypeVar("C", bound=NamedConsent)


class ConsentList(BaseModel, Generic[C]):
    """The whole of an allow-list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    deny: tuple[str, ...] = Field(default=(), max_length=_MOST)
    """Of which nothing ever runs here, whatever it says."""
    allow: tuple[C, ...] = Field(default=(), max_length=_MOST)

    def of(self, key: str) -> tuple[C, ...]:
        """What was allowed under a name."""
        return tuple(each for each in self.allow if each.key == key)

    def without(self, key: str) -> Self:
        """Nothing of this name is allowed, nor denied."""
        return self._with(deny=self._deny_but(key), allow=(each for each in self.allow if each.key != key))

    def with_denied(self, key: str) -> Self:
        """It never runs here."""
        left = self.without(key)
        return left._with(deny=(*left.deny, key), allow=left.allow)

    def _with_allowed(self, kept: Iterable[C], consent: C) -> Self:
        """With one more behind those that stay; it is no longer denied."""
        return self._with(deny=self._deny_but(consent.key), allow=(*kept, consent))

    def _deny_but(self, key: str) -> Iterable[str]:
        return (each for each in self.deny if each != key)

    def _with(self, *, deny: Iterable[str], allow: Iterable[C]) -> Self:
        return type(self)(deny=tuple(deny), allow=tuple(allow))
