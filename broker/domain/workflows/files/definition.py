"""What a workflow file says, typed: the public relay.yaml format and our additions to it.

Fields are called in Python as in the file, in snake case. Unknown keys are kept (`model_extra`), so that a check can
name them. Words of an open set (patterns, types of steps, programs) stay strings: the public format takes any, and what
we do not know is reported by the check and not by the reader.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from broker.domain.workflows.files.integrations import ACTIONS, GITHUB


class _Part(BaseModel):
    """Some mapping of the file. Peers write it, so what is not known is kept."""

    # Built when the first file is read: whoever imports the SDK or the commands does not wait for it.
    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="allow",
        frozen=True,
        defer_build=True,
        allow_inf_nan=False,
    )


class StepType(StrEnum):
    """What a step does. `approval` and `subworkflow` are ours."""

    AGENT = "agent"
    DETERMINISTIC = "deterministic"
    WORKTREE = "worktree"
    INTEGRATION = "integration"
    WAIT_FOR = "waitFor"
    APPROVAL = "approval"
    SUBWORKFLOW = "subworkflow"


class Pattern(StrEnum):
    """How a file's agents work together; `patterns.py` has what each means."""

    DAG = "dag"
    FAN_OUT = "fan-out"
    PIPELINE = "pipeline"
    HUB_SPOKE = "hub-spoke"
    CONSENSUS = "consensus"
    MESH = "mesh"
    HANDOFF = "handoff"
    CASCADE = "cascade"
    DEBATE = "debate"
    HIERARCHICAL = "hierarchical"
    MAP_REDUCE = "map-reduce"
    SCATTER_GATHER = "scatter-gather"
    SUPERVISOR = "supervisor"
    REFLECTION = "reflection"
    RED_TEAM = "red-team"
    VERIFIER = "verifier"
    AUCTION = "auction"
    ESCALATION = "escalation"
    SAGA = "saga"
    CIRCUIT_BREAKER = "circuit-breaker"
    BLACKBOARD = "blackboard"
    SWARM = "swarm"
    COMPETITIVE = "competitive"
    REVIEW_LOOP = "review-loop"


class Strategy(StrEnum):
    """What becomes of a run when a step has failed for good."""

    FAIL_FAST = "fail-fast"
    """Nothing else starts, and what runs is stopped."""
    RETRY = "retry"
    """Nothing else starts; what runs may finish."""
    CONTINUE = "continue"
    """Branches that do not need the step go on; the run has failed all the same."""


class VerificationType(StrEnum):
    """A condition that the engine checks; those after `pr_url` are ours."""

    OUTPUT_CONTAINS = "output_contains"
    EXIT_CODE = "exit_code"
    FILE_EXISTS = "file_exists"
    CUSTOM = "custom"
    PR_URL = "pr_url"
    REGEX = "regex"
    JSON_SCHEMA = "json_schema"
    GIT_CLEAN = "git_clean"
    TESTS_PASS = "tests_pass"  # noqa: S105 - a word of the format


class BarrierMode(StrEnum):
    """How many of its steps a barrier needs."""

    ALL = "all"
    ANY = "any"
    MAJORITY = "majority"


class OnInterrupt(StrEnum):
    """What follows when nobody knows how far an attempt came."""

    RETRY = "retry"
    NEEDS_HUMAN = "needs_human"


def _open_set(*words: str) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"enum": list(words)}, {"type": "string"}]})


PatternWord = Annotated[str, _open_set(*Pattern)]
StepTypeWord = Annotated[str, _open_set(*StepType)]
KNOWN_CLIS = (
    "claude",
    "codex",
    "gemini",
    "aider",
    "goose",
    "opencode",
    "droid",
    "cursor",
    "cursor-agent",
    "agent",
    "api",
)
"""Programs that the public format names; machines may have more."""
ON_ERROR_WORDS = ("fail", "fail-fast", "continue", "skip", "retry")
BACKENDS = ("memory", "redis", "database")
PRESETS = ("lead", "worker", "reviewer", "analyst")
CONSENSUS_STRATEGIES = ("majority", "unanimous", "quorum")
VAR_TYPES = ("string", "number", "integer", "boolean", "json")
CliWord = Annotated[str, _open_set(*KNOWN_CLIS)]
Milliseconds = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
VarValue = str | int | float | bool | list[Any] | dict[str, Any] | None


class Backoff(_Part):
    """Ours: how the wait before a retry grows."""

    initial_ms: Milliseconds = 1000
    factor: float = Field(default=2, ge=1)
    max_ms: Milliseconds = 60_000
    jitter: bool = True


class Budget(_Part):
    """Ours: what may be spent at most."""

    tokens: Count | None = None
    usd: float | None = Field(default=None, ge=0)


class Var(_Part):
    """Ours: a value that whoever starts a run gives."""

    type: Annotated[str, _open_set(*VAR_TYPES)] = "string"
    default: VarValue = None
    required: bool | None = None
    """None: required when there is no default."""
    description: str | None = None


class PathEntry(_Part):
    """A named folder that `workdir` may name."""

    name: str
    path: str
    required: bool = True
    description: str | None = None


class IdleNudge(_Part):
    """What is done about an agent that shows no activity."""

    nudge_after_ms: Milliseconds = 120_000
    escalate_after_ms: Milliseconds = 120_000
    max_nudges: Count = 1


class Swarm(_Part):
    """How the agents of the file work together."""

    pattern: PatternWord
    max_concurrency: Annotated[int, Field(ge=1)] | None = None
    timeout_ms: Milliseconds | None = None
    idle_timeout_ms: Milliseconds | None = None
    channel: str | None = None
    idle_nudge: IdleNudge | None = None
    token_budget: Count | None = None
    budget: Budget | None = None
    human_assistance: bool | dict[str, Any] | None = None
    credential_proxy: dict[str, Any] | None = None
    completion_grace_period_ms: Milliseconds | None = None
    order: Literal["upstream", "phases"] | None = None
    """Ours. `upstream`: only `dependsOn` orders; `phases`: agents that talk are ordered by their roles too."""
    machine: str | None = None


class Constraints(_Part):
    """Limits of one agent."""

    model: str | None = None
    max_tokens: Count | None = None
    timeout_ms: Milliseconds | None = None
    retries: Count | None = None
    idle_threshold_secs: float | None = Field(default=None, ge=0)


class AgentEntry(_Part):
    """One agent of the file."""

    name: str
    cli: CliWord
    role: str | None = None
    task: str | None = None
    preset: str | None = None
    interactive: bool | None = None
    channels: list[str] | None = None
    skills: str | None = None
    watch: list[Any] | None = None
    subscriptions: list[Any] | None = None
    permissions: str | dict[str, Any] | None = None
    cwd: str | None = None
    workdir: str | None = None
    additional_paths: list[str] | None = None
    constraints: Constraints | None = None
    credentials: dict[str, Any] | None = None
    budget: Budget | None = None
    machine: str | None = None

    @property
    def talks(self) -> bool:
        """Whether it holds a conversation while it works; the others get one task and end."""
        return self.interactive if self.interactive is not None else self.preset in {None, "lead"}


class Verification(_Part):
    """One condition of a step's success."""

    type: Annotated[str, _open_set(*VerificationType)]
    value: str | int | float | bool | None = None
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    """Of `json_schema`."""
    description: str | None = None
    timeout_ms: Milliseconds | None = None
    diagnostic_agent: str | None = None
    diagnostic_timeout: Milliseconds | None = None


class StepEntry(_Part):
    """One step of the file; `kind` says which of the fields count."""

    name: str
    type: StepTypeWord | None = None
    depends_on: list[str] = Field(default_factory=list)
    description: str | None = None
    timeout_ms: Milliseconds | None = None
    idle_timeout_ms: Milliseconds | None = None
    retries: Count | None = None
    backoff: Backoff | None = None
    verification: Verification | list[Verification] | None = None
    max_iterations: Annotated[int, Field(ge=1)] | None = None
    repeat_from: str | None = None
    """Ours: the step that another round begins with; without it a round is this step alone."""
    cwd: str | None = None
    workdir: str | None = None
    agent: str | None = None
    task: str | None = None
    review: str | None = None
    """Ours: the agent that has to approve of each attempt."""
    human_assistance: bool | dict[str, Any] | None = None
    permissions: str | dict[str, Any] | None = None
    command: str | None = None
    fail_on_error: bool = True
    capture_output: bool = True
    terminal_success_exit_codes: list[int] = Field(default_factory=list)
    branch: str | None = None
    base_branch: str | None = None
    path: str | None = None
    create_branch: bool = True
    integration: Annotated[str, _open_set(GITHUB)] | None = None
    action: Annotated[str, _open_set(*ACTIONS)] | None = None
    params: dict[str, Any] | None = None
    wait_for: dict[str, Any] | None = None
    message: str | None = None
    """Ours, of an approval: what is asked."""
    workflow: str | None = None
    """Ours, of a subworkflow: another workflow of the file."""
    vars: dict[str, VarValue] | None = None
    """Ours, of a subworkflow."""
    use: str | None = None
    optional: bool = False
    """Ours: whether the run can be completed without it."""
    idempotent: bool = False
    """Ours: whether it may be done twice."""
    on_interrupt: OnInterrupt | None = None
    vote: bool = False
    """Ours: whether its outcome is a choice that is counted."""
    compensates: str | None = None
    """Ours: the step that this one undoes, should the run fail."""
    budget: Budget | None = None
    machine: str | None = None

    @property
    def kind(self) -> StepType:
        """What it does. An unknown type is an agent's step, as the public runner takes it."""
        if self.type is None:
            return StepType.WAIT_FOR if self.wait_for is not None else StepType.AGENT
        return StepType(self.type) if self.type in set(StepType) else StepType.AGENT

    @property
    def conditions(self) -> tuple[Verification, ...]:
        """All that has to hold for a success."""
        if self.verification is None:
            return ()
        return tuple(self.verification) if isinstance(self.verification, list) else (self.verification,)


class Preflight(_Part):
    """A command that has to pass before the first step."""

    command: str
    fail_if: str | None = None
    success_if: str | None = None
    description: str | None = None


class WorkflowEntry(_Part):
    """One workflow of the file."""

    name: str
    description: str | None = None
    steps: list[StepEntry] = Field(min_length=1)
    on_error: str | None = None
    timeout_ms: Milliseconds | None = None
    """Ours: of the whole run. `swarm.timeoutMs` is the limit of each agent's step, as files mean it."""
    preflight: list[Preflight] = Field(default_factory=list)


class Barrier(_Part):
    """Steps that others wait for together."""

    name: str
    wait_for: list[str] = Field(min_length=1)
    mode: BarrierMode = BarrierMode.ALL
    timeout_ms: Milliseconds | None = None


class Coordination(_Part):
    """Barriers and votes."""

    barriers: list[Barrier] = Field(default_factory=list)
    voting_threshold: float | None = Field(default=None, gt=0)
    """A share of the voters up to 1, a number of them above."""
    consensus_strategy: str | None = None


class StateEntry(_Part):
    """What a run remembers by key. `backend` changes nothing: the workspace stores it."""

    backend: str | None = None
    ttl_ms: Milliseconds | None = None
    namespace: str | None = None


class ErrorHandling(_Part):
    """What follows a failed attempt."""

    strategy: Strategy = Strategy.RETRY
    max_retries: Count | None = None
    retry_delay_ms: Milliseconds | None = None
    backoff: Backoff | None = None
    repair_retries: Count | None = None
    repair_agent: str | None = None
    on_exhaustion: Literal["needs-human", "fail"] = "fail"
    notify_channel: str | None = None


class WorkflowFile(_Part):
    """A whole relay.yaml."""

    version: str
    name: str
    description: str | None = None
    paths: list[PathEntry] = Field(default_factory=list)
    swarm: Swarm
    agents: list[AgentEntry] = Field(default_factory=list)
    workflows: list[WorkflowEntry] = Field(default_factory=list)
    vars: dict[str, Var | VarValue] | None = None
    coordination: Coordination | None = None
    state: StateEntry | None = None
    error_handling: ErrorHandling | None = None
    trajectories: bool | dict[str, Any] | None = None
    permission_profiles: dict[str, Any] | None = Field(default=None, alias="permission_profiles")
    permissions: dict[str, Any] | None = None
    integrations: dict[str, Any] | None = None
    cwd_resolution: str | None = None
    repair_protection: dict[str, Any] | None = None

    def agent(self, name: str) -> AgentEntry | None:
        """The agent called `name`; the first one where several are."""
        return next((each for each in self.agents if each.name == name), None)

    def machine(self, step: StepEntry, agent: AgentEntry | None = None) -> str | None:
        """Where the step runs as far as the file says: on the machine that it names, its agent, or `swarm`.

        None: on the one that the run is started with, the same for all such steps.
        """
        return step.machine or (agent.machine if agent else None) or self.swarm.machine

    def workflow(self, name: str | None = None) -> WorkflowEntry | None:
        """The workflow called `name`; the first one when no name is given."""
        return next((each for each in self.workflows if name in {None, each.name}), None)

    def list_vars(self) -> dict[str, Var]:
        """Its variables, those that are written as a mere default too."""
        found = self.vars or {}
        return {name: each if isinstance(each, Var) else Var(default=each) for name, each in found.items()}
