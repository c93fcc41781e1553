"""Whatever happened to the spool's files: numbers without holes, reports that every broker takes, and room for more."""

import json
import shutil
import tempfile
from pathlib import Path

from broker.domain.ids import AgentId, MessageId
from broker.protocol.proxy import Handed, NumberedReport, readable
from connect.machine.spool import Spool, Weight
from tests.fuzz.harness import fuzz, mutate, patient
from tests.fuzz.test_link_messages import REPORTS

pytestmark = patient

GENERATION = "00000000000000000001-0000abcd"
FILES = [
    b"".join(each + b"\n" for each in REPORTS),
    b"".join(each + b"\n" for each in REPORTS[:7]),
    b"".join(each + b"\n" for each in REPORTS)[:-20],
]


async def test_any_file_gives_reports_without_holes() -> None:
    folder = Path(tempfile.mkdtemp())

    def check(data: bytes) -> None:
        shutil.rmtree(folder)
        here = folder / GENERATION
        here.mkdir(parents=True)
        (here / "1.ndjson").write_bytes(data)
        if len(data) % 3 == 0:  # a second file, and what is in it is not where the first one ends
            (here / "28.ndjson").write_bytes(mutate(len(data), FILES).replace(b'"seq":', b'"seq":2'))
        first = sent(folder)
        assert sent(folder)[: len(first)] == first

    try:
        fuzz(check, FILES)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sent(folder: Path) -> list[bytes]:
    """What a process would send, one more report among it."""
    spool = Spool(folder, limit_bytes=1 << 24)
    found = spool.batch(0, max_bytes=1 << 30)
    report = Handed(agent=AgentId("a"), generation=1, message_id=MessageId("m"))
    added = spool.add(
        lambda seq: NumberedReport(seq=seq, report=report).model_dump_json().encode(), weight=Weight.STATE
    )
    spool.close()
    assert [json.loads(each)["seq"] for each in found] == [*range(1, len(found) + 1)]
    assert added == len(found) + 1
    assert all(readable(each) is each for each in found)
    return found
