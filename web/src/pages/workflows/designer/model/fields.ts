/** What a step does, in the words of the file. Others are shown, and filled in as text. */
export const KINDS = ["agent", "deterministic", "approval"] as const;

/** A member of a step that the form fills in. */
export interface FieldSpec {
  readonly name: FieldName;
  readonly path: readonly string[];
  readonly holds: "text" | "lines" | "number" | "agent" | "check";
  /** The kinds of steps that have it; all, where there are none. */
  readonly of?: readonly string[];
  /** Most steps do without. */
  readonly rare?: boolean;
}

export type FieldName =
  "agent" | "task" | "command" | "message" | "check" | "expected" | "retries" | "timeoutMs" | "description";

export const FIELDS: readonly FieldSpec[] = [
  { name: "agent", path: ["agent"], holds: "agent", of: ["agent"] },
  { name: "task", path: ["task"], holds: "lines", of: ["agent"] },
  { name: "command", path: ["command"], holds: "lines", of: ["deterministic"] },
  { name: "message", path: ["message"], holds: "lines", of: ["approval"] },
  { name: "check", path: ["verification", "type"], holds: "check", of: ["agent", "deterministic"] },
  { name: "expected", path: ["verification", "value"], holds: "text", of: ["agent", "deterministic"] },
  { name: "retries", path: ["retries"], holds: "number", of: ["agent", "deterministic"], rare: true },
  { name: "timeoutMs", path: ["timeoutMs"], holds: "number", rare: true },
  { name: "description", path: ["description"], holds: "text", rare: true },
];

export const fieldsOf = (kind: string): readonly FieldSpec[] =>
  FIELDS.filter(({ of }) => of === undefined || of.includes(kind));

/** What is checked when a step ends. The others of the format need more than one value, and are written as text. */
export const CHECKS = [
  "output_contains",
  "regex",
  "exit_code",
  "file_exists",
  "custom",
  "tests_pass",
  "git_clean",
  "pr_url",
] as const;

/** Checks that look at no value. */
export const CHECKS_ALONE: ReadonlySet<string> = new Set(["git_clean", "pr_url"]);

/** How steps follow each other where the file does not say it, and who may talk to whom. */
export const PATTERNS = [
  "dag",
  "pipeline",
  "fan-out",
  "hub-spoke",
  "map-reduce",
  "scatter-gather",
  "review-loop",
  "consensus",
  "debate",
  "competitive",
  "cascade",
  "escalation",
  "hierarchical",
  "supervisor",
  "mesh",
  "handoff",
  "reflection",
  "red-team",
  "verifier",
  "auction",
  "saga",
  "circuit-breaker",
  "blackboard",
  "swarm",
] as const;

/** Programs that agents are; another name may be typed. */
export const PROGRAMS = [
  "claude",
  "codex",
  "gemini",
  "opencode",
  "goose",
  "cursor",
  "droid",
  "aider",
] as const;
