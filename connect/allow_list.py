"""A machine's allow-list at a terminal: what is in it, who may change it, and how a person confirms it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Self, TypeVar

import click
from pydantic import BaseModel

from broker.domain.errors import BadRequest
from connect.policy.allow_file import AllowFile, hash_of
from connect.policy.lineage import require_person
from connect.system.process_records import ProcessRecords

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowList(Generic[M]):
    """One machine's list, with the link that goes by it where one runs."""

    file: AllowFile[M]
    state: Path
    written: Callable[[M], bytes]
    tell_link: Callable[[Path, str], Coroutine[None, None, bool]]
    """Tells the running link which hash is a person's word. Raises `NotPermitted`, `Unavailable`."""
    changed_code: str
    """Of the refusal while nobody has confirmed what is there."""

    @property
    def consents(self) -> M:
        """What is on disk, whoever has put it there."""
        return self.file.parse(self.file.content())

    @property
    def confirmed(self) -> bool:
        """Whether that is what a person has confirmed last."""
        return self.file.is_confirmed(self.file.content())

    @property
    def how_to_confirm(self) -> str:
        """What a person does about a list that was changed in another way."""
        return f"Look at it and confirm it with `{self.file.command} review`."

    def at_terminal(self) -> Self:
        """The list, for a person in front of a terminal of this machine. Raises `NotPermitted` for everybody else."""
        subject = self.file.what.removesuffix(" on this machine")
        require_person(ProcessRecords(self.state / "processes"), what=f"{subject} is changed")
        return self

    def to_change(self) -> Self:
        """The same, when what is there is confirmed: a change of ours must not confirm somebody else's. Raises
        `BadRequest` too.
        """
        self.at_terminal()
        if not self.confirmed:
            raise BadRequest(
                f"{self.file.path} was changed and nobody has confirmed it. {self.how_to_confirm}",
                code=self.changed_code,
            )
        return self

    def put(self, consents: M) -> None:
        """Let the running link know what a person wants, and put it in place. Raises `NotPermitted`, `Unavailable`."""
        content = self.written(consents)
        asyncio.run(self.tell_link(self.state, hash_of(content)))
        self.file.put(content)

    def confirm(self, show: Callable[[M], None]) -> None:
        """Exactly what is shown: the file may change again while the person reads."""
        content = self.file.content()
        show(self.file.parse(content))
        if not click.confirm(f"Is this {self.file.what}?"):
            raise click.Abort
        asyncio.run(self.tell_link(self.state, hash_of(content)))
        self.file.confirm(hash_of(content))
        click.echo("✓ confirmed")


def harmless(line: str) -> str:
    """A line that a peer may have written, with what hides in it made visible."""
    from connect.terminal.text.characters import visible  # noqa: PLC0415 - a link without a person loads no terminal

    return visible(line, exact=True)
