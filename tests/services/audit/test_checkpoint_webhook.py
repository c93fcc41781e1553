"""Checkpoints at a webhook: signed, sent again until one is taken, and never in the way of sealing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from broker.adapters.checkpoint_file import CheckpointFile
from broker.adapters.outbound.checkpoints import CheckpointWebhook
from broker.adapters.outbound.client import GuardedClient
from broker.adapters.signing import Ed25519Signing, is_signed_by
from broker.app import Adapters
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.rules import Rule
from broker.domain.audit.chain import read_checkpoint
from broker.domain.ids import WorkspaceId
from broker.domain.outbound.addresses import AddressPolicy
from broker.services.approvals.rule_book import RuleBook
from broker.services.audit.sealing import AuditSealer
from broker.services.ports import Checkpoints
from tests.fixtures.desk import a_person
from tests.fixtures.gateway import SECRET_KEY
from tests.fixtures.receiver import OK, Receiver, answer, receiving

SIGNING = Ed25519Signing((SECRET_KEY,))
SECRET, OLD_SECRET = "whsec_" + "a" * 32, "whsec_" + "b" * 32


async def act(adapters: Adapters, workspace: WorkspaceId, number: int) -> None:
    rule = Rule(effect=Effect.DENY, command=f"rm {number}")
    await RuleBook(adapters.approvals).add(a_person(workspace), rule)


class _Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def webhook_at(receiver: Receiver, *, allow: tuple[str, ...] = ("127.0.0.0/8",)) -> CheckpointWebhook:
    outbound = GuardedClient(AddressPolicy(allow), total_s=2)
    url = f"http://127.0.0.1:{receiver.port}/audit"
    return CheckpointWebhook(outbound, url=url, secrets=(SECRET, OLD_SECRET))


async def test_a_checkpoint_is_signed_and_is_what_the_file_has(
    adapters: Adapters, workspace: WorkspaceId, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoints"
    async with receiving() as receiver:
        sealer = AuditSealer(adapters.audit, [CheckpointFile(file), webhook_at(receiver)], SIGNING)
        await act(adapters, workspace, 1)
        await sealer.tend(workspace)
        await sealer.tend(workspace)  # nothing is new
    (request,) = receiver.requests
    for secret in (SECRET, OLD_SECRET):
        told = Webhook(secret).verify(request.body.decode(), request.headers)
        assert told["type"] == "audit.checkpoint"
    assert request.headers["webhook-id"] == f"audit-{workspace}-1"
    assert json.loads(request.body)["data"] == json.loads(file.read_text())
    checkpoint = read_checkpoint(json.dumps(json.loads(request.body)["data"]))
    assert checkpoint is not None
    assert is_signed_by(checkpoint, SIGNING.keys)


@pytest.mark.parametrize("refusal", [answer(500), answer(302, location="http://127.0.0.1/"), None], ids=str)
async def test_it_is_sent_again_after_a_pause_and_the_file_goes_on(
    adapters: Adapters, workspace: WorkspaceId, tmp_path: Path, refusal: bytes | None
) -> None:
    file, clock = tmp_path / "checkpoints", _Clock()
    async with receiving(refusal, OK) as receiver:
        places: list[Checkpoints] = [webhook_at(receiver), CheckpointFile(file)]
        sealer = AuditSealer(adapters.audit, places, SIGNING, monotonic=clock)
        await act(adapters, workspace, 1)
        await sealer.tend(workspace)
        await act(adapters, workspace, 2)
        await sealer.tend(workspace)  # it is left alone for a while
        assert [json.loads(line)["number"] for line in file.read_text().splitlines()] == [1, 2]
        assert len(receiver.requests) == 1
        clock.now += 6
        await sealer.tend(workspace)
        await sealer.tend(workspace)
    assert [json.loads(each.body)["data"]["number"] for each in receiver.requests] == [1, 2]


async def test_a_private_network_is_not_called_unless_the_operator_opens_it(
    adapters: Adapters, workspace: WorkspaceId, caplog: pytest.LogCaptureFixture
) -> None:
    async with receiving() as receiver:
        await act(adapters, workspace, 1)
        await AuditSealer(adapters.audit, [webhook_at(receiver, allow=())], SIGNING).tend(workspace)
    assert receiver.connections == 0
    assert "--allow-outbound" in caplog.text
    head = await adapters.audit.head(workspace)
    assert head.sealed == head.number == 1
