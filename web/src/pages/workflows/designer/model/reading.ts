import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from "yaml";
import { refersElsewhere, type Path } from "~/yaml/text";
import { fieldsOf, type FieldName, type FieldSpec } from "./fields";
import * as texts from "~/texts";

/** A step of the text, as it is drawn and filled in. */
export interface DesignedStep {
  readonly path: Path;
  readonly name: string;
  readonly kind: string;
  /** The steps that it names as those it waits for. */
  readonly after: readonly string[];
  /** What the form shows of it. */
  readonly fields: readonly FieldSpec[];
  readonly filled: ReadonlyMap<FieldName, string>;
  /** Members that the form cannot show. It keeps them. */
  readonly unshown: readonly string[];
  /** Whether a part of it stands elsewhere in the text: it is changed there. */
  readonly locked: boolean;
  /** Its first and last line in the text, from 1. */
  readonly lines: readonly [first: number, last: number];
}

export interface DesignedAgent {
  readonly path: Path;
  readonly name: string;
  readonly cli: string;
  /** The steps that name it. */
  readonly steps: readonly string[];
}

/** One workflow of a file, with what it shares with the file's others. */
export interface Design {
  readonly pattern: string;
  readonly agents: readonly DesignedAgent[];
  readonly workflows: readonly string[];
  readonly steps: readonly DesignedStep[];
}

/** What a text says, as it is drawn; why it cannot be, where it is no such file. `at`: which of its workflows. */
export function readDesign(text: string, at = 0): Design | { readonly broken: string } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error) return { broken: error.message.split("\n")[0] ?? "" };
  if (document.contents === null) return NOTHING;
  if (!isMap(document.contents)) return { broken: texts.designer.noWorkflowFile };
  const workflows = itemsAt(document, ["workflows"]);
  const steps = workflows.map((path) => stepsOf(document, path, lines));
  return {
    pattern: wordAt(document, ["swarm", "pattern"]),
    workflows: workflows.map((path) => wordAt(document, [...path, "name"])),
    agents: agentsOf(document, steps.flat()),
    steps: steps[at] ?? [],
  };
}

const NOTHING: Design = { pattern: "", agents: [], workflows: [], steps: [] };

/** Whether one step may wait for another: not one that is locked, not for itself, nor for one that waits for it, nor twice. */
export function canWait(steps: readonly DesignedStep[], step: string, before: string): boolean {
  const byName = new Map(steps.map((each) => [each.name, each]));
  const waiter = byName.get(step);
  if (!waiter || waiter.locked || waiter.after.includes(before)) return false;
  const seen = new Set<string>();
  const waiting = [before];
  while (waiting.length > 0) {
    const next = waiting.pop() ?? "";
    if (next === step) return false;
    if (seen.has(next)) continue;
    seen.add(next);
    waiting.push(...(byName.get(next)?.after ?? []));
  }
  return true;
}

function stepsOf(document: Document, workflow: Path, lines: LineCounter): readonly DesignedStep[] {
  return itemsAt(document, [...workflow, "steps"]).flatMap((path) => {
    const node = document.getIn(path, true);
    if (!isNode(node)) return [];
    const given: unknown = node.toJS(document);
    return isMapping(given) ? [stepOf(given, { node, path, lines })] : [];
  });
}

function stepOf(
  given: Record<string, unknown>,
  { node, path, lines }: { node: Node; path: Path; lines: LineCounter },
): DesignedStep {
  const kind = kindOf(given);
  const filled = new Map<FieldName, string>();
  const shown = new Set(["name", "type", "dependsOn"]);
  for (const { name, path: inner, holds } of fieldsOf(kind)) {
    const value = valueOf(given, inner);
    if (typeof value === "string" ? holds !== "number" : typeof value === "number") {
      filled.set(name, String(value));
      shown.add(inner.join("."));
    }
  }
  const unshown = leavesOf(given).filter((name) => !shown.has(name));
  const [from = 0, to = 0] = node.range ?? [];
  return {
    path,
    name: typeof given.name === "string" ? given.name : "",
    kind,
    after: Array.isArray(given.dependsOn) ? given.dependsOn.filter((each) => typeof each === "string") : [],
    fields: fieldsOf(kind).filter(({ path: inner }) => !unshown.some((name) => isInTheWay(name, inner))),
    filled,
    unshown,
    locked: refersElsewhere(node),
    lines: [lines.linePos(from).line, lines.linePos(Math.max(from, to - 1)).line],
  };
}

/** Whether a member that the form cannot show keeps it from showing another: itself, or one of the same check. */
function isInTheWay(unshown: string, path: readonly string[]): boolean {
  const [first, ...inner] = path;
  if (unshown === path.join(".") || unshown === first) return true;
  return inner.length > 0 && unshown.startsWith(`${first}.`) && !BESIDE_A_CHECK.has(unshown);
}

/** What may stand beside a check's type and value. */
const BESIDE_A_CHECK: ReadonlySet<string> = new Set(["verification.description", "verification.timeoutMs"]);

/** As the broker takes it: without a type it is an agent's, unless it waits for something outside. */
function kindOf({ type, waitFor }: Record<string, unknown>): string {
  if (typeof type === "string") return type;
  return waitFor === undefined ? "agent" : "waitFor";
}

/** Names of members; of a check those of its own, where it is one. */
function leavesOf(given: Record<string, unknown>): readonly string[] {
  return Object.entries(given).flatMap(([name, value]) =>
    name === "verification" && isMapping(value)
      ? Object.keys(value).map((inner) => `verification.${inner}`)
      : [name],
  );
}

function valueOf(given: Record<string, unknown>, path: readonly string[]): unknown {
  return path.reduce<unknown>((there, name) => (isMapping(there) ? there[name] : undefined), given);
}

function agentsOf(document: Document, steps: readonly DesignedStep[]): readonly DesignedAgent[] {
  return itemsAt(document, ["agents"]).map((path) => {
    const name = wordAt(document, [...path, "name"]);
    const named = steps.filter((step) => step.filled.get("agent") === name).map((step) => step.name);
    return { path, name, cli: wordAt(document, [...path, "cli"]), steps: named };
  });
}

function itemsAt(document: Document, path: Path): readonly Path[] {
  const list = document.getIn(path, true);
  return isSeq(list) ? list.items.map((_, index) => [...path, index]) : [];
}

function wordAt(document: Document, path: Path): string {
  const there = document.getIn(path, true);
  return isScalar(there) && typeof there.value === "string" ? there.value : "";
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
