import { isMap, isNode, isScalar, isSeq, parseDocument, type Document } from "yaml";
import { refersElsewhere, type Path } from "~/yaml/text";
import { ACTIONS, fieldsOf, nameOf, type ActionName, type FieldSpec, type Filled } from "./fields";
import * as texts from "~/texts";

/** A hook of the text, as the form shows it. */
export interface Row {
  /** Where its definition stands. */
  readonly path: Path;
  readonly selector: string;
  readonly event: string;
  readonly id: string;
  readonly action: ActionName | undefined;
  /** By the name of the field; what is not there holds as it does without. */
  readonly filled: ReadonlyMap<string, Filled>;
  readonly first: readonly FieldSpec[];
  readonly more: readonly FieldSpec[];
  /** Members that the form cannot show. It keeps them. */
  readonly unshown: readonly string[];
}

export interface Form {
  readonly rows: readonly Row[];
  /** Places whose hooks the form cannot show at all. It keeps them. */
  readonly elsewhere: readonly string[];
}

/** What a text says, as a form shows it; a word why it cannot be shown, where it is no hooks file. */
export function readForm(text: string): Form | { readonly broken: string } {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) return { broken: error.message.split("\n")[0] ?? "" };
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null))
    return { rows: [], elsewhere: [] };
  const hooks = isMap(document.contents) ? document.get("hooks", true) : null;
  if (hooks === undefined || (isScalar(hooks) && hooks.value === null)) return { rows: [], elsewhere: [] };
  if (!isMap(hooks)) return { broken: texts.hooks.noHooksFile };
  const rows: Row[] = [];
  const elsewhere: string[] = [];
  for (const [selector, event] of placesIn(document)) {
    const at = document.getIn(["hooks", selector, event], true);
    const paths: Path[] = isSeq(at)
      ? at.items.map((_, index) => ["hooks", selector, event, index])
      : [["hooks", selector, event]];
    for (const path of paths) {
      const row = rowAt(document, path, { selector, event });
      if (row) rows.push(row);
      else elsewhere.push(path.slice(1).join(" › "));
    }
  }
  return { rows, elsewhere };
}

/** Every selector with each of its events; only names that are plain words. */
function placesIn(document: Document): [string, string][] {
  const hooks = document.get("hooks", true);
  if (!isMap(hooks)) return [];
  return hooks.items.flatMap(({ key: selector, value: events }) =>
    isScalar(selector) && isMap(events)
      ? events.items.flatMap(({ key }): [string, string][] =>
          isScalar(key) ? [[String(selector.value), String(key.value)]] : [],
        )
      : [],
  );
}

function rowAt(
  document: Document,
  path: Path,
  { selector, event }: { selector: string; event: string },
): Row | undefined {
  const node = document.getIn(path, true);
  if (!isNode(node) || refersElsewhere(node)) return undefined;
  const given: unknown = node.toJS(document);
  const members = leavesOf(given);
  if (!members) return undefined;
  const named = ACTIONS.filter((each) => [...members.keys()].some((name) => name.split(".")[0] === each));
  const action = named.length === 1 ? named[0] : undefined;
  const { first, more } = fieldsOf(event, action, members.get("decides") === true);
  const filled = new Map<string, Filled>();
  for (const spec of [...first, ...more]) {
    const value = fit(spec, members.get(nameOf(spec)));
    if (value !== undefined) filled.set(nameOf(spec), value);
  }
  const id = members.get("id");
  const unshown = [...members.keys()].filter((name) => !filled.has(name));
  return {
    path,
    selector,
    event,
    id: typeof id === "string" ? id : "",
    action,
    filled,
    first: first.filter((spec) => !unshown.includes(nameOf(spec))),
    more: more.filter((spec) => !unshown.includes(nameOf(spec))),
    unshown,
  };
}

/** Members by their dotted names, short forms written out; undefined where it is no hook at all. */
function leavesOf(given: unknown): Map<string, unknown> | undefined {
  if (typeof given === "string") return new Map([["command", given]]);
  if (!isMapping(given)) return undefined;
  const found = new Map<string, unknown>();
  for (const [name, value] of Object.entries(given)) {
    if ((name === "relay" || name === "notify") && typeof value === "string") found.set(`${name}.to`, value);
    else if (["relay", "notify", "webhook", "when"].includes(name) && isMapping(value))
      for (const [inner, each] of Object.entries(value)) found.set(`${name}.${inner}`, each);
    else found.set(name, value);
  }
  return found;
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value as its field holds it; undefined where the field cannot. */
function fit(spec: FieldSpec, value: unknown): Filled | undefined {
  switch (spec.kind) {
    case "text":
      return typeof value === "string" && !value.includes("\n") ? value : undefined;
    case "choice":
      return typeof value === "string" && spec.choices?.includes(value) ? value : undefined;
    case "number":
      return typeof value === "number" ? value : undefined;
    case "flag":
      return typeof value === "boolean" ? value : undefined;
    case "lines":
      return listOf(value, (each): each is string => typeof each === "string" && !each.includes("\n"));
    case "codes":
      return listOf(value, (each): each is number => typeof each === "number");
  }
}

function listOf<Item extends string | number>(
  value: unknown,
  holds: (each: unknown) => each is Item,
): readonly Item[] | undefined {
  const found: readonly unknown[] = Array.isArray(value) ? value : [value];
  return found.length > 0 && found.every(holds) ? found : undefined;
}
