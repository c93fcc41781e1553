import pytest

from broker.domain.ids import MessageId, WorkflowRunId
from broker.domain.traces.context import message_context, read_traceparent, run_context

_ID = MessageId("6f3c2f0e-5d2a-4a53-9a3b-4f1d0a6f7f10")


def test_whoever_has_a_messages_id_finds_its_trace() -> None:
    assert message_context(_ID, ratio=1).trace_id == _ID.replace("-", "")


def test_an_id_that_is_no_uuid_has_a_trace_too() -> None:
    context = message_context(MessageId("0" * 32), ratio=1)
    assert read_traceparent(str(context)) == context


def test_a_run_and_a_message_of_one_id_are_different_spans() -> None:
    assert run_context(WorkflowRunId(_ID), ratio=1).span_id != message_context(_ID, ratio=1).span_id


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.5, 1.0])
def test_about_that_part_of_messages_is_traced_and_every_process_agrees_which(ratio: float) -> None:
    ids = [MessageId(f"00000000-0000-4000-8000-{number:012x}") for number in range(2000)]
    sampled = [message_context(each, ratio=ratio).sampled for each in ids]
    assert sampled == [message_context(each, ratio=ratio).sampled for each in ids]
    assert abs(sum(sampled) / len(ids) - ratio) < 0.05


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
    ],
)
def test_what_is_no_traceparent_begins_a_trace_of_its_own(text: str) -> None:
    assert read_traceparent(text) is None


def test_other_flags_than_sampled_are_passed_over() -> None:
    read = read_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03")
    assert read is not None
    assert str(read) == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
