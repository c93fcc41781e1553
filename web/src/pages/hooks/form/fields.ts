/** What can be filled in of a hook, and where it stands in its definition. */
export interface FieldSpec {
  /** Below the hook: `["when", "glob"]`. */
  readonly path: readonly string[];
  readonly kind: "text" | "lines" | "codes" | "number" | "flag" | "choice";
  /** Of a choice; the first is what holds when nothing is said. */
  readonly choices?: readonly string[];
  /** Of a flag: what holds when nothing is said. */
  readonly otherwise?: boolean;
}

export type Filled = string | number | boolean | readonly (string | number)[];

/** The same names as in `broker/domain/hooks/events.py`. */
export const EVENTS = [
  "on_turn_start",
  "on_turn_complete",
  "on_turn_failed",
  "on_command",
  "on_command_failed",
  "on_file_change",
  "on_approval_needed",
  "on_approval_resolved",
  "on_input_needed",
  "on_message",
  "on_undelivered",
  "on_agent_spawned",
  "on_agent_released",
  "on_agent_crashed",
  "on_agent_idle",
  "on_agent_deaf",
  "on_limit",
  "on_budget",
  "on_run_started",
  "on_run_completed",
  "on_run_failed",
  "on_run_needs_human",
  "on_step_started",
  "on_step_completed",
  "on_step_failed",
  "on_step_needs_human",
  "before_tool",
  "before_turn",
  "before_stop",
] as const;

export const ACTIONS = ["command", "relay", "webhook", "notify", "start_workflow"] as const;
export type ActionName = (typeof ACTIONS)[number];

const text = (...path: string[]): FieldSpec => ({ path, kind: "text" });
const lines = (...path: string[]): FieldSpec => ({ path, kind: "lines" });

/** What an action needs, by the action. */
const ACTION_FIELDS: Readonly<Record<ActionName, readonly FieldSpec[]>> = {
  command: [text("command")],
  relay: [
    text("relay", "to"),
    text("relay", "text"),
    { path: ["relay", "mode"], kind: "choice", choices: ["wait", "steer", "interrupt"] },
  ],
  webhook: [text("webhook", "url"), text("webhook", "secret")],
  notify: [
    text("notify", "to"),
    text("notify", "ntfy"),
    text("notify", "text"),
    { path: ["notify", "priority"], kind: "number" },
  ],
  // The workflow itself has many lines, and its values have names: they are written in the YAML.
  start_workflow: [text("start_workflow", "workflow"), text("start_workflow", "machine")],
};

const COMMAND_ALONE = [text("timeout"), text("cwd"), lines("env")];
/** Of a hook that answers. */
const ANSWERING: readonly FieldSpec[] = [
  { path: ["on_error"], kind: "choice", choices: ["", "deny", "ask", "allow"] },
  { path: ["may_allow"], kind: "flag" },
];
const MODIFIES: FieldSpec = { path: ["modifies"], kind: "flag" };
const DECIDES: FieldSpec = { path: ["decides"], kind: "flag" };
const ID = text("id");
const CONDITIONS: readonly FieldSpec[] = [
  lines("when", "glob"),
  { path: ["when", "exit_code"], kind: "codes" },
  lines("when", "tool"),
  text("when", "command"),
  text("when", "agent"),
  text("when", "text"),
  text("when", "from"),
  { path: ["when", "once_per"], kind: "choice", choices: ["", "turn", "session"] },
];
const BOUNDS: readonly FieldSpec[] = [text("debounce"), { path: ["max_per_minute"], kind: "number" }];
const ENABLED: FieldSpec = { path: ["enabled"], kind: "flag", otherwise: true };

export interface FieldsOfHook {
  /** Always shown. */
  readonly first: readonly FieldSpec[];
  /** Shown when asked for, or filled in. */
  readonly more: readonly FieldSpec[];
}

/** The fields of a hook with such an event and action. */
export function fieldsOf(event: string, action: ActionName | undefined, decides: boolean): FieldsOfHook {
  const before = event.startsWith("before_");
  const asked = event === "on_approval_needed";
  return {
    first: [
      ID,
      ...(action ? ACTION_FIELDS[action] : []),
      ...(asked ? [DECIDES] : []),
      ...(before || (asked && decides) ? ANSWERING : []),
      ...(before ? [MODIFIES] : []),
      ENABLED,
    ],
    more: [...CONDITIONS, ...BOUNDS, ...(action === "command" ? COMMAND_ALONE : [])],
  };
}

/** Members that mean nothing once a hook does another thing. */
export const ONLY_OF_COMMANDS = COMMAND_ALONE.map(({ path }) => path);

export const nameOf = ({ path }: Pick<FieldSpec, "path">): string => path.join(".");
