import { isMap, isNode, isScalar, isSeq, parseDocument, type Document, type Node, type YAMLMap } from "yaml";
import { replaceScalar, writeDocument, type Path } from "~/yaml/text";
import { ONLY_OF_COMMANDS, type ActionName, type FieldSpec, type Filled } from "./fields";
import type { Row } from "./reading";

/** A text that was changed, and where the hook stands that it was changed for. */
export interface Changed {
  readonly text: string;
  readonly path: Path;
}

const ANY = "*";
const FIRST_EVENT = "on_turn_complete";
/** What an action is before it is filled in. */
const EMPTY: Readonly<Record<ActionName, unknown>> = {
  command: "",
  relay: "",
  webhook: { url: "", secret: "" },
  notify: "",
  start_workflow: { text: "" },
};

/** Fill in a field; undefined: it holds as it does without. A text is replaced where it stands, and nothing else is. */
export function fillIn(text: string, row: Row, spec: FieldSpec, value: Filled | undefined): string {
  const document = parseDocument(text);
  const path = placeOf(document, row.path, spec);
  const old = document.getIn(path, true);
  if (typeof value === "string" && isScalar(old) && typeof old.value === "string") {
    const replaced = replaceScalar(text, old, value);
    if (replaced !== undefined) return replaced;
  }
  widen(document, row.path, spec);
  const whole = [...row.path, ...spec.path];
  if (value !== undefined) document.setIn(whole, document.createNode(value));
  else document.deleteIn(whole);
  if (spec.path[0] === "notify") keepReceiver(document, [...row.path, "notify"]);
  else dropIfEmpty(document, whole.slice(0, -1), row.path.length);
  return writeDocument(document, text);
}

/** A notification reaches a service or a topic: one of them, be it not filled in yet. */
function keepReceiver(document: Document, path: Path): void {
  const topic = document.getIn([...path, "ntfy"]);
  const to = document.getIn([...path, "to"]);
  if (topic === undefined && to === undefined) document.setIn([...path, "to"], "");
  if (topic !== undefined && to === "") document.deleteIn([...path, "to"]);
}

/** Let a hook do another thing. */
export function changeAction(text: string, row: Row, action: ActionName): string {
  const document = parseDocument(text);
  widen(document, row.path, { path: ["id"] });
  const hook = document.getIn(row.path, true) as YAMLMap;
  const at = hook.items.findIndex(({ key }) => isScalar(key) && key.value === row.action);
  const pair = document.createPair(action, EMPTY[action]);
  if (at < 0) hook.items.push(pair);
  else hook.items.splice(at, 1, pair);
  if (action !== "command") for (const path of ONLY_OF_COMMANDS) document.deleteIn([...row.path, ...path]);
  return writeDocument(document, text);
}

/** Let a hook wait for another event, or be about other agents. */
export function move(
  text: string,
  row: Row,
  { selector = row.selector, event = row.event }: { selector?: string; event?: string },
): Changed {
  const document = parseDocument(text);
  const hook = take(document, row.path);
  return { path: put(document, hook, { selector, event }), text: writeDocument(document, text) };
}

/** Take a hook out of the text. */
export function remove(text: string, row: Row): string {
  const document = parseDocument(text);
  take(document, row.path);
  return writeDocument(document, text);
}

/** One more hook, which tells the lead of each turn that ends. */
export function add(text: string): Changed {
  const document = parseDocument(text);
  const hook = document.createNode({ id: freeId(text), relay: "Lead" });
  return {
    path: put(document, hook, { selector: ANY, event: FIRST_EVENT }),
    text: writeDocument(document, text),
  };
}

function freeId(text: string): string {
  let number = 1;
  while (text.includes(`hook-${number}`)) number += 1;
  return `hook-${number}`;
}

/** Where the value of a field stands: a short form has it at the member itself. */
function placeOf(document: Document, hook: Path, { path }: Pick<FieldSpec, "path">): Path {
  const [name = "", inner] = path;
  if (isScalar(document.getIn(hook, true)))
    return path.length === 1 && name === "command" ? hook : [...hook, ...path];
  const short = inner === "to" && isScalar(document.getIn([...hook, name], true));
  return short ? [...hook, name] : [...hook, ...path];
}

/** Write a short form out, where something is to stand beside it. */
function widen(document: Document, hook: Path, { path }: Pick<FieldSpec, "path">): void {
  widenAt(document, hook, "command");
  if (path.length > 1) widenAt(document, [...hook, path[0] ?? ""], "to");
}

function widenAt(document: Document, path: Path, name: string): void {
  const short = document.getIn(path, true);
  if (!isScalar(short)) return;
  const wide = document.createNode({}) as YAMLMap;
  wide.commentBefore = short.commentBefore ?? null;
  wide.comment = short.comment ?? null;
  short.commentBefore = short.comment = null;
  wide.set(name, short);
  document.setIn(path, wide);
}

/** Take a hook out; what is empty then goes with it, and what was said of it stays with the hook. */
function take(document: Document, path: Path): Node {
  const hook = document.getIn(path, true) as Node;
  document.deleteIn(path);
  let place = path;
  if (typeof path.at(-1) === "number") {
    place = path.slice(0, -1);
    const list = document.getIn(place, true);
    if (!isSeq(list) || list.items.length > 0) return hook;
    comment(hook, list.commentBefore);
  }
  while (place.length > 1 && isEmpty(document.getIn(place, true))) {
    const emptied = document.getIn(place, true);
    if (isMap(emptied)) comment(hook, emptied.commentBefore);
    comment(hook, commentOfKey(document, place));
    document.deleteIn(place);
    place = place.slice(0, -1);
  }
  return hook;
}

const isEmpty = (node: unknown): boolean =>
  node === undefined || ((isSeq(node) || isMap(node)) && node.items.length === 0);

function commentOfKey(document: Document, path: Path): string | null | undefined {
  const parent = document.getIn(path.slice(0, -1), true);
  const pair = isMap(parent)
    ? parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1))
    : undefined;
  return isNode(pair?.key) ? pair.key.commentBefore : undefined;
}

function comment(hook: Node, said: string | null | undefined): void {
  if (said) hook.commentBefore = [said, hook.commentBefore].filter(Boolean).join("\n");
}

/** Put a hook behind the others of its place. */
function put(document: Document, hook: Node, { selector, event }: { selector: string; event: string }): Path {
  if (!isMap(document.contents)) document.contents = document.createNode({});
  if (!isMap(document.get("hooks", true))) document.set("hooks", document.createNode({}));
  if (!isMap(document.getIn(["hooks", selector], true)))
    document.setIn(["hooks", selector], document.createNode({}));
  const place = ["hooks", selector, event];
  const there = document.getIn(place, true);
  if (!isSeq(there)) {
    const list = document.createNode(isNode(there) && !isNothing(there) ? [there] : []);
    document.setIn(place, list);
  }
  const list = document.getIn(place, true) as { items: unknown[] };
  list.items.push(hook);
  return [...place, list.items.length - 1];
}

const isNothing = (node: Node): boolean => isScalar(node) && node.value === null;

function dropIfEmpty(document: Document, path: Path, above: number): void {
  const there = document.getIn(path, true);
  if (path.length > above && isMap(there) && there.items.length === 0) document.deleteIn(path);
}
