"""Workflow files made by chance, from a seed: small, and with everything that makes runs take another way."""

from __future__ import annotations

from random import Random
from typing import Any

from broker.domain.workflows.files.definition import Pattern, WorkflowFile
from broker.domain.workflows.files.findings import Severity
from broker.domain.workflows.planning.check import check_file

_ROLES = ("lead", "worker", "mapper", "reducer", "critic reviewer", "judge", "tier-2", "defender", "verifier", "")


def generated_file(seed: int) -> WorkflowFile:
    """The file of a seed; always one that a check finds no error in."""
    random = Random(seed)
    while True:
        file = WorkflowFile.model_validate(_file(random))
        if not any(each.severity is Severity.ERROR for each in check_file(file)):
            return file


def _file(random: Random) -> dict[str, Any]:
    names = [f"s{number}" for number in range(random.randint(1, 4))]
    agents = [
        {"name": f"A{number}", "cli": "claude", "interactive": random.random() < 0.5, "role": random.choice(_ROLES)}
        for number in range(2)
    ]
    steps = [_step(random, name, names[:number]) for number, name in enumerate(names)]
    if random.random() < 0.3:
        undo = {"name": "undo", "type": "deterministic", "command": "x", "compensates": names[0], "idempotent": True}
        steps.append(undo)
        if len(names) > 1:
            steps.append({**undo, "name": "undo1", "compensates": names[1]})
    file: dict[str, Any] = {
        "version": "1.0",
        "name": "generated",
        "swarm": {"pattern": random.choice(list(Pattern)), "maxConcurrency": random.randint(1, 3)},
        "agents": agents,
        "workflows": [{"name": "w", "steps": steps}],
        "errorHandling": {
            "strategy": random.choice(["fail-fast", "retry", "continue"]),
            "maxRetries": random.choice([0, 0, 1]),
            "onExhaustion": random.choice(["fail", "needs-human"]),
            "repairRetries": random.choice([0, 0, 1]),
        },
    }
    if random.random() < 0.2:
        file["swarm"]["tokenBudget"] = 3
    if random.random() < 0.1:
        file["workflows"][0]["timeoutMs"] = 60_000
    held = next((step for step in steps if len(step.get("dependsOn", ())) > 1), None)
    if held is not None and random.random() < 0.6:
        barrier = {"name": "b", "waitFor": held["dependsOn"], "mode": random.choice(["all", "any", "majority"])}
        if random.random() < 0.3:
            barrier["timeoutMs"] = 1000
        file["coordination"] = {"barriers": [barrier]}
    return file


def _step(random: Random, name: str, before: list[str]) -> dict[str, Any]:
    step: dict[str, Any] = {"name": name}
    match random.choice(["agent", "agent", "deterministic", "deterministic", "approval"]):
        case "agent":
            step |= {"agent": random.choice(["A0", "A1"]), "task": "x"}
            step |= {"review": "A1"} if random.random() < 0.2 else {}
            step |= {"vote": True} if random.random() < 0.15 else {}
        case "deterministic":
            step |= {"type": "deterministic", "command": "x", "idempotent": random.random() < 0.4}
            step |= {"terminalSuccessExitCodes": [75]} if random.random() < 0.1 else {}
        case other:
            step |= {"type": other}
    if before and random.random() < 0.7:
        step["dependsOn"] = random.sample(before, random.randint(1, len(before)))
    if random.random() < 0.25:
        step["timeoutMs"] = 1000
    if random.random() < 0.15:
        step["optional"] = True
    if random.random() < 0.2:
        step["retries"] = random.randint(0, 2)
    if random.random() < 0.2:
        step["maxIterations"] = 2
        step["repeatFrom"] = random.choice([*step.get("dependsOn", []), name])
    return step
