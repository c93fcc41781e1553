"""Answering agents' questions."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.errors import BadRequest
from broker.domain.ids import ApprovalId
from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation, once
from graphql_api.node_ids import key_of
from graphql_api.refusals import Refused
from graphql_api.types.questions import Question

_LONGEST_NOTE = 4000
_MOST_ANSWERS = 100


@strawberry.input(description="The answer to one prompt of a question.")
class PromptAnswerInput:
    """An answer."""

    prompt: ID = strawberry.field(description="The prompt's key.")
    texts: list[str] = strawberry.field(description="The labels of the choices that are taken, or the text.")


@strawberry.input(description="The answer to a question.")
class AnswerQuestionInput(Repeatable):
    """An answer."""

    question: ID = strawberry.field(description="The question: its id or key.")
    answers: list[PromptAnswerInput] = strawberry.field(
        default_factory=list, description="An answer for each prompt that needs one."
    )
    decline: bool = strawberry.field(default=False, description="Tell the agent that nobody answers, instead.")
    note: str = strawberry.field(default="", description="When declined: what to tell the agent.")


@strawberry.type(description="The answer counts.")
class QuestionAnswered:
    """The question."""

    question: Question = strawberry.field(description="The question as it is now.")


AnswerQuestionResult = Annotated[
    QuestionAnswered | Refused,
    strawberry.union("AnswerQuestionResult", description="The question, or why the answer does not count."),
]


@strawberry.type
class QuestionMutations:
    """Mutations of questions."""

    @mutation("Answer a question of an agent, or decline it. The first answer wins.")
    async def answer_question(self, info: Info, input: Annotated[AnswerQuestionInput, GIVEN]) -> AnswerQuestionResult:
        """A repeat answers with the question, as it stands by then."""
        desk, principal = info.context.services.desk, info.context.principal
        question = ApprovalId(key_of("Question", input.question))
        if len(input.note) > _LONGEST_NOTE or len(input.answers) > _MOST_ANSWERS:
            raise BadRequest(f"{_LONGEST_NOTE} characters of a note and {_MOST_ANSWERS} answers at most")

        async def act() -> str:
            if input.decline:
                return (await desk.decline_question(principal, question, note=input.note)).id
            return (await desk.answer_question(principal, question, {a.prompt: a.texts for a in input.answers})).id

        answered = await once(info, input, act)
        return QuestionAnswered(question=Question.of(await desk.question(principal, ApprovalId(answered.text))))
