import {
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  Scalar,
  visit,
  type Document,
  type Node,
  type YAMLMap,
} from "yaml";
import { replaceScalar, writeDocument, type Path } from "~/yaml/text";
import { CHECKS_ALONE, FIELDS, type FieldName } from "./fields";
import type { DesignedAgent, DesignedStep } from "./reading";

/** A text that was changed, and the name of the step or agent that it was changed for. */
export interface Changed {
  readonly text: string;
  readonly name: string;
}

const FIRST_FILE = `version: "1.0"
name: workflow
swarm:
  pattern: dag
agents: []
workflows:
  - name: workflow
    steps: []
`;

/** One more step of a workflow, which waits for another where one is given; with an agent, where the file has none. */
export function addStep(text: string, at: number, after?: DesignedStep): Changed {
  const document = parseDocument(text.trim() === "" ? FIRST_FILE : text);
  const steps = listAt(document, ["workflows", at, "steps"]);
  if (namesIn(document, ["agents"]).length === 0)
    push(document, ["agents"], { name: "Worker", cli: "claude", preset: "worker" });
  const agent = after?.filled.get("agent") ?? namesIn(document, ["agents"])[0];
  const name = freeName("step", namesIn(document, ["workflows", at, "steps"]));
  const made = { name, agent, task: "", ...(after ? { dependsOn: [after.name] } : {}) };
  const node = push(document, ["workflows", at, "steps"], made);
  inLine(node.get("dependsOn", true));
  // Among its neighbours, so that the text has the order of the drawing.
  const place = after ? Number(after.path.at(-1)) + 1 : steps.items.length;
  steps.items.splice(place, 0, ...steps.items.splice(-1));
  return { name, text: writeDocument(document, text) };
}

/** Take a step out. What waited for it waits for what it has waited for. */
export function removeStep(text: string, step: DesignedStep): string {
  const document = parseDocument(text);
  const list = step.path.slice(0, -1);
  document.deleteIn(step.path);
  for (const other of mapsIn(document, list)) {
    const before = namesAt(other);
    if (!before.includes(step.name)) continue;
    const rest = before.filter((name) => name !== step.name);
    setAfter(document, other, [...rest, ...step.after.filter((name) => !rest.includes(name))]);
  }
  return writeDocument(document, text);
}

/** Let a step wait for another. */
export function connect(text: string, step: DesignedStep, before: string): string {
  return changeAfter(text, step, [...step.after, before]);
}

/** Let a step no longer wait for another. */
export function disconnect(text: string, step: DesignedStep, before: string): string {
  return changeAfter(
    text,
    step,
    step.after.filter((name) => name !== before),
  );
}

function changeAfter(text: string, step: DesignedStep, after: readonly string[]): string {
  const document = parseDocument(text);
  setAfter(document, document.getIn(step.path, true) as YAMLMap, after);
  return writeDocument(document, text);
}

/** Fill in a member of a step; '' takes it out. A text is replaced where it stands, and nothing else is. */
export function fillIn(text: string, step: DesignedStep, field: FieldName, value: string): string {
  const spec = FIELDS.find(({ name }) => name === field);
  if (!spec) return text;
  const document = parseDocument(text);
  const path = [...step.path, ...spec.path];
  const old = document.getIn(path, true);
  const isAlone = field === "check" && CHECKS_ALONE.has(value);
  if (isAlone) document.deleteIn([...step.path, "verification", "value"]);
  else if (value !== "" && isScalar(old) && typeof old.value === "string") {
    const replaced = replaceScalar(text, old, value);
    if (replaced !== undefined) return replaced;
  }
  if (value === "") document.deleteIn(field === "check" ? path.slice(0, -1) : path);
  else document.setIn(path, spec.holds === "number" ? Number(value) : written(value, old));
  return writeDocument(document, text);
}

/** A text as one would write it, where another has stood. */
function written(value: string, old: unknown): Scalar {
  const made = new Scalar(value);
  if (value.includes("\n")) made.type = Scalar.BLOCK_LITERAL;
  if (isScalar(old)) {
    made.comment = old.comment ?? null;
    made.commentBefore = old.commentBefore ?? null;
  }
  return made;
}

/** Let a step be of another kind: what only its old kind has goes. */
export function changeKind(text: string, step: DesignedStep, kind: string): string {
  const document = parseDocument(text);
  for (const { path, of } of FIELDS)
    if (of !== undefined && !of.includes(kind) && path.length === 1)
      document.deleteIn([...step.path, ...path]);
  if (kind === "agent") {
    document.deleteIn([...step.path, "type"]);
    const [agent] = namesIn(document, ["agents"]);
    if (agent !== undefined) document.setIn([...step.path, "agent"], agent);
  } else document.setIn([...step.path, "type"], kind);
  return writeDocument(document, text);
}

/** Call a step by another name, wherever the workflow names it. */
export function renameStep(text: string, step: DesignedStep, name: string): Changed {
  const document = parseDocument(text);
  document.setIn([...step.path, "name"], name);
  const [, at = 0] = step.path;
  const used = new RegExp(`(\\{\\{\\s*steps\\.)${escaped(step.name)}(\\.(?:output|file|webhook)\\b)`, "g");
  const rename = (root: unknown, names: ReadonlySet<string>) => {
    visit(root as Node, {
      Pair(_, pair) {
        const key = isScalar(pair.key) ? String(pair.key.value) : "";
        if (!names.has(key)) return;
        for (const each of isSeq(pair.value) ? pair.value.items : [pair.value])
          if (isScalar(each) && each.value === step.name) each.value = name;
      },
      Scalar(_, scalar) {
        if (typeof scalar.value === "string")
          scalar.value = scalar.value.replace(
            used,
            (_all, left: string, right: string) => left + name + right,
          );
      },
    });
  };
  rename(document.getIn(["workflows", at], true), STEP_NAMES);
  const barriers = document.getIn(["coordination", "barriers"], true);
  if (barriers !== undefined) rename(barriers, STEP_NAMES);
  return { name, text: writeDocument(document, text) };
}

const STEP_NAMES: ReadonlySet<string> = new Set(["dependsOn", "repeatFrom", "compensates", "waitFor"]);
const AGENT_NAMES: ReadonlySet<string> = new Set(["agent", "review", "diagnosticAgent"]);

/** One more agent. */
export function addAgent(text: string): Changed {
  const document = parseDocument(text.trim() === "" ? FIRST_FILE : text);
  const name = freeName("Agent", namesIn(document, ["agents"]));
  push(document, ["agents"], { name, cli: "claude", preset: "worker" });
  return { name, text: writeDocument(document, text) };
}

/** Call an agent by another name, wherever the file names it. */
export function renameAgent(text: string, agent: DesignedAgent, name: string): Changed {
  const document = parseDocument(text);
  document.setIn([...agent.path, "name"], name);
  visit(document, {
    Pair(_, { key, value }) {
      if (
        isScalar(key) &&
        AGENT_NAMES.has(String(key.value)) &&
        isScalar(value) &&
        value.value === agent.name
      )
        value.value = name;
    },
  });
  return { name, text: writeDocument(document, text) };
}

/** Let an agent be another program. */
export function changeProgram(text: string, agent: DesignedAgent, cli: string): string {
  return setWord(text, [...agent.path, "cli"], cli);
}

/** Take an agent out that no step names. */
export function removeAgent(text: string, agent: DesignedAgent): string {
  const document = parseDocument(text);
  document.deleteIn(agent.path);
  return writeDocument(document, text);
}

/** Let steps follow each other by another pattern. */
export function changePattern(text: string, pattern: string): string {
  return setWord(text, ["swarm", "pattern"], pattern);
}

function setWord(text: string, path: Path, word: string): string {
  const document = parseDocument(text);
  const old = document.getIn(path, true);
  const replaced =
    isScalar(old) && typeof old.value === "string" ? replaceScalar(text, old, word) : undefined;
  if (replaced !== undefined) return replaced;
  document.setIn(path, word);
  return writeDocument(document, text);
}

function setAfter(document: Document, step: YAMLMap, after: readonly string[]): void {
  if (after.length === 0) {
    step.delete("dependsOn");
    return;
  }
  const list = step.get("dependsOn", true);
  if (!isSeq(list)) {
    const made = document.createNode(after);
    inLine(made);
    step.set("dependsOn", made);
    return;
  }
  list.items = [
    ...list.items.filter((each) => isScalar(each) && after.includes(String(each.value))),
    ...after.filter((name) => !namesAt(step).includes(name)).map((name) => document.createNode(name)),
  ];
}

/** Add a map to a list, written as the one before it is. */
function push(document: Document, path: Path, value: Readonly<Record<string, unknown>>): YAMLMap {
  const list = listAt(document, path);
  const last = list.items.at(-1);
  const node = document.createNode(value) as YAMLMap;
  node.flow = isMap(last) && last.flow === true;
  list.items.push(node);
  // An empty list stands in one line.
  list.flow = false;
  return node;
}

function listAt(document: Document, path: Path): { items: unknown[]; flow?: boolean } {
  if (!isSeq(document.getIn(path, true))) document.setIn(path, document.createNode([]));
  return document.getIn(path, true) as { items: unknown[]; flow?: boolean };
}

function inLine(node: unknown): void {
  if (isSeq(node)) node.flow = true;
}

function mapsIn(document: Document, path: Path): readonly YAMLMap[] {
  const list = document.getIn(path, true);
  return isSeq(list) ? list.items.filter((each): each is YAMLMap => isMap(each)) : [];
}

const namesIn = (document: Document, path: Path): readonly string[] =>
  mapsIn(document, path).map((each) => String(each.get("name")));

function namesAt(step: YAMLMap): readonly string[] {
  const list = step.get("dependsOn", true);
  return isSeq(list) ? list.items.flatMap((each) => (isScalar(each) ? [String(each.value)] : [])) : [];
}

function freeName(word: string, taken: readonly string[]): string {
  let number = 1;
  while (taken.includes(`${word}-${number}`)) number += 1;
  return `${word}-${number}`;
}

const escaped = (name: string): string => name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
