from __future__ import annotations

from broker.domain.ids import AgentId, MessageId
from broker.protocol.proxy import FrameRecorded, Handed, NumberedReport, write_frame_report
from connect.machine.acknowledged import Acknowledged

_A = AgentId("a")


def state(seq: int) -> bytes:
    report = Handed(agent=_A, generation=1, message_id=MessageId(f"m{seq}"))
    return NumberedReport(seq=seq, report=report).model_dump_json().encode()


def frame(seq: int) -> bytes:
    report = FrameRecorded(agent=_A, generation=1, direction="out", frame_type="text", raw=None)
    return write_frame_report(seq, report, raw=b'"' + b"x" * 300 + b'"')


def test_what_comes_after_a_number_is_in_its_order() -> None:
    kept = Acknowledged()
    reports = [state(1), frame(2), state(3), frame(4), frame(5)]
    kept.add(1, reports[:2])
    kept.add(3, reports[2:])
    assert kept.after(1) == reports[1:]
    assert kept.after(5) == []
    assert not kept.lacks_states(0)


def test_however_many_frames_there_are_the_states_are_kept() -> None:
    kept = Acknowledged(limit_bytes=1000)
    kept.add(1, [state(1)])
    kept.add(2, [frame(seq) for seq in range(2, 200)])
    found = kept.after(0)
    assert found[0] == state(1)
    assert found[-1] == frame(199)
    assert len(found) == 3
    assert not kept.lacks_states(0)


def test_it_is_known_whether_a_state_behind_a_number_is_missing() -> None:
    kept = Acknowledged(limit_bytes=3 * len(state(1)))
    kept.add(1, [state(seq) for seq in range(1, 6)])
    assert kept.after(0) == [state(3), state(4), state(5)]
    assert (kept.lacks_states(1), kept.lacks_states(2)) == (True, False)


def test_once_cleared_it_knows_nothing() -> None:
    kept = Acknowledged(limit_bytes=10)
    kept.add(1, [state(1), frame(2)])
    kept.clear()
    assert (kept.after(0), kept.lacks_states(0)) == ([], False)
