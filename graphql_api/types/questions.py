"""Questions that agents ask people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import ID

from broker.domain.approvals import approvals as domain
from broker.domain.approvals import questions
from broker.domain.approvals.answers import ApprovalStatus
from graphql_api.context import Info
from graphql_api.types.fields import resolve
from graphql_api.types.node import Node
from graphql_api.types.scalars import DateTime

if TYPE_CHECKING:
    from graphql_api.types.sessions import Session


@strawberry.type(description="One of the answers that a prompt suggests.")
class Choice:
    """A choice."""

    label: str = strawberry.field(description="What is answered.")
    description: str = strawberry.field(description="What it means; may be empty.")


@strawberry.type(description="One of the questions that an agent asks together.")
class QuestionPrompt:
    """A prompt."""

    key: ID = strawberry.field(description="What its answer is given under.")
    header: str = strawberry.field(description="A word or two for what it is about; may be empty.")
    text: str = strawberry.field(description="The question.")
    choices: list[Choice] = strawberry.field(description="The answers that are suggested; empty for a free text.")
    multi_select: bool = strawberry.field(description="Whether several choices may be taken.")
    free_text: bool = strawberry.field(description="Whether an answer may be any text.")
    secret: bool = strawberry.field(description="The answer is shown to nobody and kept nowhere.")
    required: bool = strawberry.field(description="Whether it needs an answer.")
    number: bool = strawberry.field(description="Whether the answer is a number.")

    @classmethod
    def of(cls, prompt: questions.QuestionPrompt) -> Self:
        """As the domain knows it."""
        return cls(
            key=ID(prompt.id),
            header=prompt.header,
            text=prompt.text,
            choices=[Choice(label=each.label, description=each.description) for each in prompt.choices],
            multi_select=prompt.multi_select,
            free_text=prompt.free_text,
            secret=prompt.secret,
            required=prompt.required,
            number=prompt.number,
        )


@strawberry.type(description="What was answered to a prompt.")
class PromptAnswer:
    """An answer."""

    prompt: ID = strawberry.field(description="The prompt's key.")
    texts: list[str] = strawberry.field(description="The choices that were taken, or the text.")


@strawberry.type(description="Something an agent asks people in words. Its key is also that of an approval.")
class Question(Node):
    """A question."""

    known: strawberry.Private[domain.Approval]
    agent: str = strawberry.field(description="The agent's name.")
    agent_key: ID = strawberry.field(description="The agent.")
    session_key: ID = strawberry.field(description="The session.")
    status: ApprovalStatus = strawberry.field(description="Where it stands.")
    title: str = strawberry.field(description="What it is about, in few words.")
    prompts: list[QuestionPrompt] = strawberry.field(description="All that is asked, in order.")
    asked_at: DateTime = strawberry.field(description="When it was asked.")
    deadline: DateTime = strawberry.field(description="When it is declined if nobody has answered.")
    answered_by: str | None = strawberry.field(description="Who answered.")
    answers: list[PromptAnswer] = strawberry.field(description="What was answered; secret answers are not kept.")
    note: str | None = strawberry.field(description="Why it was declined.")
    told: str | None = strawberry.field(description="What the agent's program was told; null while it waits.")
    told_at: DateTime | None = strawberry.field(
        description="When its machine took the answer over; null as long as it has not."
    )

    @classmethod
    def of(cls, question: domain.Approval) -> Self:
        """As the domain knows it."""
        return cls(
            known=question,
            key=ID(question.id),
            agent=question.agent,
            agent_key=ID(question.agent_id),
            session_key=ID(question.session_id),
            status=question.status,
            title=question.title,
            prompts=[QuestionPrompt.of(prompt) for prompt in question.prompts],
            asked_at=DateTime(question.asked_at_ms),
            deadline=DateTime(question.deadline_ms),
            answered_by=question.answered_by,
            answers=[PromptAnswer(prompt=ID(name), texts=texts) for name, texts in (question.answers or {}).items()],
            note=question.note,
            told=question.told,
            told_at=None if question.told_at_ms is None else DateTime(question.told_at_ms),
        )

    @resolve("The session.")
    async def session(self, info: Info) -> Annotated[Session, strawberry.lazy("graphql_api.types.sessions")]:
        """Loaded once for all questions of an answer."""
        from graphql_api.types.sessions import session_of

        return await session_of(info, self.known.session_id)
