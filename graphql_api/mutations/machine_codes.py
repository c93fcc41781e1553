"""Linking machines by a short code."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.errors import Conflict
from broker.domain.people.enrolment import OpenCode
from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation, once, short
from graphql_api.refusals import Refused
from graphql_api.types.machine_codes import MachineCode


@strawberry.input(description="A machine to be linked by a code.")
class CreateMachineCodeInput(Repeatable):
    """A machine to be linked."""

    name: str = strawberry.field(description="Who links with it: shown in lists of tokens and in the audit trail.")


@strawberry.type(description="The code links one machine, once. It is in this answer and nowhere else.")
class MachineCodeMade:
    """A code."""

    machine_code: MachineCode = strawberry.field(description="What lists show of it.")
    secret: str = strawberry.field(description="The code, as `relay-connect --enrol` takes it. It is a secret.")


CreateMachineCodeResult = Annotated[
    MachineCodeMade | Refused,
    strawberry.union(
        "CreateMachineCodeResult",
        description="The code, or why there is none. A repeat is refused with ALREADY_DONE: it is not shown twice.",
    ),
]


@strawberry.input(description="A code to be ended.")
class RevokeMachineCodeInput(Repeatable):
    """A code."""

    machine_code: ID = strawberry.field(description="The code's key.")


@strawberry.type(description="The code links nothing any more. A machine that was linked with it stays linked.")
class MachineCodeRevoked:
    """The code is gone."""

    key: ID = strawberry.field(description="The key it had.")


RevokeMachineCodeResult = Annotated[
    MachineCodeRevoked | Refused,
    strawberry.union("RevokeMachineCodeResult", description="That it is gone, or why not."),
]


@strawberry.type
class MachineCodeMutations:
    """Mutations of codes that link machines."""

    @mutation("Make a code that links one machine, once, within ten minutes. For who administers.")
    async def create_machine_code(
        self, info: Info, input: Annotated[CreateMachineCodeInput, GIVEN]
    ) -> CreateMachineCodeResult:
        """The code is shown this once."""
        made: list[MachineCodeMade] = []

        async def make() -> str:
            name = short("name", input.name)
            code = await info.context.services.enrolment.invite(info.context.principal, name=name)
            shown = MachineCode.of(OpenCode(id=code.id, name=name, expires_at_ms=code.expires_at_ms))
            made.append(MachineCodeMade(machine_code=shown, secret=code.code))
            return code.id

        if (await once(info, input, make)).repeated:
            raise Conflict(
                "the code was made by this request before, and was shown then: make another", code="ALREADY_DONE"
            )
        return made[0]

    @mutation("End a code that links a machine. For who administers.")
    async def revoke_machine_code(
        self, info: Info, input: Annotated[RevokeMachineCodeInput, GIVEN]
    ) -> RevokeMachineCodeResult:
        """Nobody can use it any more."""

        async def revoke() -> str:
            return (await info.context.services.enrolment.revoke(info.context.principal, input.machine_code)).id

        return MachineCodeRevoked(key=ID((await once(info, input, revoke)).text))
