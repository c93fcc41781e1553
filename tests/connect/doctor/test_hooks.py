from __future__ import annotations

from pathlib import Path

from connect.access.endpoint import Endpoint
from connect.doctor.findings import Health
from connect.doctor.hooks import examine_hooks
from connect.machine.hooks.consent_file import ConsentFile, to_toml
from connect.machine.hooks.consents import Consent, Consents, Standing
from connect.machine.hooks.refusals import Refusal, Refusals
from connect.settings import ConnectSettings


def settings(folder: Path) -> ConnectSettings:
    return ConnectSettings(
        endpoint=Endpoint(url="http://127.0.0.1:1"),
        token=None,
        state_dir=folder / "state",
        name="test",
        labels=(),
        session=None,
        agents={},
        spool_bytes=1024 * 1024,
        cwd=folder,
        policy_dir=folder,
    )


def consent(folder: Path, hook: str, *, program: str = "/bin/sh", **files: str) -> Consent:
    return Consent(
        id=hook,
        fingerprint="0" * 64,
        words=("lint", "${file}"),
        program=Path(program),
        roots=(folder,),
        timeout_s=60,
        files={str(folder / name): digest for name, digest in files.items()},
    )


def test_every_consent_and_everything_that_waits_for_one_is_listed(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "script").write_text("changed")
    allow = (
        consent(tmp_path, "good"),
        consent(tmp_path, "gone", program="/no/such"),
        consent(tmp_path, "edited", script="0" * 64),
    )
    ConsentFile(tmp_path, state=tmp_path / "state").put(to_toml(Consents(allow=allow, deny=("never",))))
    here = str(tmp_path)
    refusal = Refusal(
        id="new",
        command="lint \u202e",
        timeout_s=1,
        standing=Standing.UNKNOWN,
        why="",
        root=here,
        folder=here,
        program="/bin/sh",
    )
    Refusals(tmp_path / "state").add(refusal)
    found = examine_hooks(settings(tmp_path))
    health = [each.health for each in found]
    assert health == [Health.OK, Health.WARNING, Health.WARNING, Health.OK, Health.UNKNOWN]
    for words, line in zip(
        ["good may", "not there", "changed since", "never is denied", "hooks allow new"], found, strict=True
    ):
        assert words in line.text
        assert line.text.isprintable()


def test_a_list_that_nobody_confirmed_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    assert [each.health for each in examine_hooks(settings(tmp_path))] == [Health.OK]
    (tmp_path / "hooks.allow").write_bytes(to_toml(Consents()))
    [found] = examine_hooks(settings(tmp_path))
    assert (found.health, "hooks review" in found.text) == (Health.PROBLEM, True)
    (tmp_path / "hooks.allow").write_text("allow = 7")
    [found] = examine_hooks(settings(tmp_path))
    assert (found.health, "no hook runs" in found.text) == (Health.PROBLEM, True)
