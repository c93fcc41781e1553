"""Who looks at an approval is told what their yes comes to, and that is what answering comes to. On a real store."""

from __future__ import annotations

import pytest

from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.approvals.requirements import OwnYes
from broker.domain.approvals.rules import Rule
from broker.domain.errors import RelayError
from broker.domain.ids import ApprovalId
from broker.domain.people.access import MemberRole, TokenScope
from broker.domain.people.privacy import Level
from broker.services.approvals.desk import ApprovalDesk
from tests.services.approvals.test_requirements import ADMIN, NO, OPS, TWO, TWO_OPS, Scene, scene

__all__ = ["scene"]
_REFUSALS = {
    "APPROVAL_REQUIRES": OwnYes.NOT_NAMED,
    "ALREADY_ASSENTED": OwnYes.SAID,
    "NOT_PERMITTED": OwnYes.NOT_PERMITTED,
}


async def callers(scene: Scene) -> dict[str, str]:
    """One token of everybody who may look, in a group, of each role, or with a token of some scope."""
    found = {
        "in the group": (await scene.person("Ada", group="ops"))[1],
        "a member": (await scene.person("Bob"))[1],
        "an admin": (await scene.person("Cleo", MemberRole.ADMIN))[1],
        "an owner": (await scene.person("Olga", MemberRole.OWNER))[1],
        "a viewer": (await scene.person("Vic", MemberRole.VIEWER))[1],
        "a viewer in the group": (await scene.person("Wim", MemberRole.VIEWER, group="ops"))[1],
    }
    tokens = scene.services.scoped_tokens
    ada = await scene.caller(found["in the group"])
    _, found["a program of who is in the group"] = await tokens.mint_personal(
        ada, scopes=[TokenScope.READ, TokenScope.APPROVE], name="script"
    )
    await tokens.create(scene.key, "ci")
    for scope in (TokenScope.READ, TokenScope.APPROVE):
        scopes = list(dict.fromkeys((TokenScope.READ, scope)))
        _, found[f"a service account that may {scope}"] = await tokens.mint(scene.key, "ci", scopes=scopes)
    return found


async def told(scene: Scene, token: str, approval: ApprovalId) -> OwnYes | None:
    """By every way there is to look; they agree."""
    desk: ApprovalDesk = scene.services.desk
    caller = await scene.caller(token)
    alone = await desk.get(caller, approval)
    session = scene.desk.session
    listed = [
        *(await desk.waiting(caller)).approvals,
        *await desk.of_session(caller, session, status=None),
    ]
    said = {alone.own_yes, *(each.own_yes for each in listed if each.id == approval)}
    assert len(said) == 1
    return said.pop()


@pytest.mark.parametrize("rules", [(), (OPS,), (TWO,), (TWO_OPS,), (ADMIN,), (OPS, ADMIN)], ids=str)
async def test_everybody_is_told_what_their_yes_comes_to(scene: Scene, rules: tuple[Rule, ...]) -> None:
    tokens = await callers(scene)
    await scene.rules(*rules)
    for who, token in tokens.items():
        asked = await scene.ask()
        said = await told(scene, token, asked)
        try:
            answered = await scene.answer(token, asked)
        except RelayError as refused:
            assert said is _REFUSALS[refused.code], (who, refused)
        else:
            assert said is OwnYes.COUNTS, who
            waits = answered.status is ApprovalStatus.PENDING
            assert answered.own_yes is (OwnYes.SAID if waits else None), who


async def test_it_follows_what_becomes_of_people(scene: Scene) -> None:
    ada, ada_token = await scene.person("Ada", group="ops")
    _, bob_token = await scene.person("Bob")
    await scene.rules(TWO_OPS)
    asked = await scene.ask()
    assert await told(scene, bob_token, asked) is OwnYes.NOT_NAMED
    await scene.services.groups.change(scene.key, "ops", "Bob", joins=True)
    assert await told(scene, bob_token, asked) is OwnYes.COUNTS
    await scene.answer(ada_token, asked)
    assert await told(scene, ada_token, asked) is OwnYes.SAID
    await scene.services.groups.change(scene.key, "ops", ada.id, joins=False)
    assert await told(scene, ada_token, asked) is OwnYes.NOT_NAMED
    await scene.rules()
    assert await told(scene, ada_token, asked) is OwnYes.COUNTS


async def test_who_may_only_look_at_a_private_session_is_told_so(scene: Scene) -> None:
    _, ada_token = await scene.person("Ada")
    asked = await scene.ask()
    await scene.services.groups.set_access(scene.key, scene.desk.session, people={"Ada": Level.VIEWER}, groups=None)
    assert await told(scene, ada_token, asked) is OwnYes.NOT_PERMITTED
    assert (await scene.refused(ada_token, asked)).code == "NOT_PERMITTED"


async def test_what_waits_no_longer_says_nothing(scene: Scene) -> None:
    _, ada_token = await scene.person("Ada")
    asked = await scene.ask()
    await scene.answer(ada_token, asked, NO)
    assert (await scene.services.desk.get(await scene.caller(ada_token), asked)).own_yes is None
