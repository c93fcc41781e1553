"""What leaves the machine has no token in it, whoever's it is."""

import asyncio
from pathlib import Path

import orjson
import pytest

from broker.domain.ids import AgentId
from broker.protocol.agents.events import ApprovalRequested, TextSpoken, TurnEnded, TurnOutcome
from broker.protocol.agents.session import Direction, Frame
from broker.protocol.proxy import BROKEN_REPORT
from connect.machine.reporting import Reporter
from connect.machine.spool import Spool
from connect.notices import AgentEnded, Disconnected, Notice, Warned, without_tokens

OWN = "nt_" + "live_" + "own" * 10
TOKENS = [OWN, *(f"{kind}_" + "live_" + f"Ab3-_{kind}" * 6 for kind in ("rt", "rk", "at", "mt", "ot", "oc"))]


@pytest.mark.parametrize("token", TOKENS)
async def test_no_token_of_the_product_leaves_the_machine_in_any_report(tmp_path: Path, token: str) -> None:
    spool = Spool(tmp_path, limit_bytes=1_000_000)
    reporter = Reporter(spool=spool, agent=AgentId("a"), generation=1, secrets=lambda: (OWN,))
    said = f"it is {token}\nand \\n{token}"
    raw = orjson.dumps({"text": said, "inner": orjson.dumps({"out": said}).decode()})
    events = (
        TextSpoken(text=said),
        ApprovalRequested(native_id="1", tool="Bash", title="run", command=f"curl -H 'x: {token}'"),
        TurnEnded(turn_id="t", outcome=TurnOutcome.FAILED, text=said, reason=token),
    )
    reporter.frame(Frame(direction=Direction.FROM_AGENT, raw=raw, type="x", events=events))
    reporter.problem(said)
    reporter.report_exited(code=1, expected=False, reason="exited", detail=said)
    kept = b"".join(spool.batch(0, max_bytes=1_000_000))
    spool.close()
    await asyncio.sleep(0)
    assert token[:16].encode() not in kept
    assert kept.count(b"[redacted]") >= 9


@pytest.mark.parametrize("was_read", [True, False])
async def test_a_secret_that_is_a_number_leaves_no_report_that_a_broker_cannot_read(
    tmp_path: Path, *, was_read: bool
) -> None:
    spool, secret = Spool(tmp_path, limit_bytes=1_000_000), "123456789012"
    reporter = Reporter(spool=spool, agent=AgentId("a"), generation=1, secrets=lambda: (secret,))
    for value in ({"text": "whole"}, {"text": f"it is {secret}"}, {"number": int(secret)}):
        raw = orjson.dumps(value)
        reporter.frame(
            Frame(direction=Direction.FROM_AGENT, raw=raw, type="x", value=orjson.loads(raw) if was_read else None)
        )
    whole, masked, lost = (orjson.loads(each)["report"] for each in spool.batch(0, max_bytes=1_000_000))
    spool.close()
    assert (whole["raw"], masked["raw"]) == ({"text": "whole"}, {"text": "it is [redacted]"})
    assert (lost["frame_type"], secret in str(lost)) == (BROKEN_REPORT, False)


async def test_what_only_looks_like_a_token_leaves_as_it_is(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit_bytes=1_000_000)
    reporter = Reporter(spool=spool, agent=AgentId("a"), generation=1, secrets=tuple)
    for text in (b"chat_live_updates_are_enabled_by_default_here", b"rt_live_short", b"pk_live_" + b"a1" * 20):
        assert reporter.redact(text) == text
    spool.close()


@pytest.mark.parametrize(
    "notice",
    [
        AgentEnded(name="Worker", reason="exited", detail=f"401 for {TOKENS[1]}"),
        Disconnected(reason=f"refused: Bearer {TOKENS[0]}", retry_in_s=1.0),
        Warned(problem=f"the key {TOKENS[2]} is refused"),
    ],
)
def test_no_notice_quotes_a_token(notice: Notice) -> None:
    shown = without_tokens(notice)
    assert type(shown) is type(notice)
    assert not any(token in repr(shown) for token in TOKENS)
    assert "[hidden]" in shown.text
