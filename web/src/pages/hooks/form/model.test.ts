import { parse } from "yaml";
import { expect, test } from "vitest";
import { add, changeAction, fillIn, move, remove } from "./changing";
import { fieldsOf, nameOf, type FieldSpec, type Filled } from "./fields";
import { readForm, type Form, type Row } from "./reading";
import { typedAs, writtenAs } from "./typing";

const TEXT = `# Ours.
hooks:
  codex:   # all of them
    on_turn_complete:
      # A sound.
      - command: "afplay Glass.aiff"   # macOS
      - relay: "Lead"  # notify the lead agent

    on_file_change:
      - command: "npm run lint -- \${file}"
        when: {glob: ["**/*.ts", "!dist/**"]}  # sources
  "agent:Worker-*":
    before_tool: {id: guard, command: [./guard, --strict], on_error: ask}
`;

const form = (text: string): Form => {
  const read = readForm(text);
  if ("broken" in read) throw new Error(read.broken);
  return read;
};
const row = (text: string, index: number): Row => {
  const found = form(text).rows[index];
  if (!found) throw new Error(`no hook ${index}`);
  return found;
};
const spec = (of: Row, name: string): FieldSpec => {
  const found = [...of.first, ...of.more].find((each) => nameOf(each) === name);
  if (!found) throw new Error(`no field ${name}`);
  return found;
};
const fill = (text: string, index: number, name: string, value: Filled | undefined): string =>
  fillIn(text, row(text, index), spec(row(text, index), name), value);
const shown = (of: Row) => [of.selector, of.event, of.action, Object.fromEntries(of.filled)];

test("a text is shown hook by hook, and what the form cannot show is named", () => {
  const { rows, elsewhere } = form(TEXT);
  expect(rows.map(shown)).toEqual([
    ["codex", "on_turn_complete", "command", { command: "afplay Glass.aiff" }],
    ["codex", "on_turn_complete", "relay", { "relay.to": "Lead" }],
    [
      "codex",
      "on_file_change",
      "command",
      { command: "npm run lint -- ${file}", "when.glob": ["**/*.ts", "!dist/**"] },
    ],
    ["agent:Worker-*", "before_tool", "command", { id: "guard", on_error: "ask" }],
  ]);
  expect(rows.map(({ unshown }) => unshown)).toEqual([[], [], [], ["command"]]);
  expect(elsewhere).toEqual([]);
});

test("a word that is changed changes that word and no other character", () => {
  expect(fill(TEXT, 0, "command", "say 'done'")).toBe(TEXT.replace("afplay Glass.aiff", "say 'done'"));
  expect(fill(TEXT, 1, "relay.to", "#ops")).toBe(TEXT.replace('"Lead"', '"#ops"'));
  expect(fill(TEXT, 3, "id", "a: b")).toBe(TEXT.replace("id: guard", 'id: "a: b"'));
  for (const odd of ["", "true", "12", "a]b, c", "- x", "#x", "*", "null", "x # y", "~"])
    expect(row(fill(TEXT, 3, "id", odd), 3).filled.get("id")).toBe(odd);
});

test("what is added stands beside the comments, which stay", () => {
  const text = fill(fill(TEXT, 1, "relay.text", "${agent} is done"), 0, "enabled", false);
  for (const said of [
    "# Ours.",
    "# all of them",
    "# A sound.",
    "# macOS",
    "# notify the lead agent",
    "# sources",
  ])
    expect(text).toContain(said);
  expect(parse(text)).toEqual({
    hooks: {
      ...(parse(TEXT) as { hooks: object }).hooks,
      codex: {
        on_turn_complete: [
          { command: "afplay Glass.aiff", enabled: false },
          { relay: { to: "Lead", text: "${agent} is done" } },
        ],
        on_file_change: [{ command: "npm run lint -- ${file}", when: { glob: ["**/*.ts", "!dist/**"] } }],
      },
    },
  });
});

test("what is cleared is gone, and what held it if that is empty", () => {
  expect(parse(fill(TEXT, 2, "when.glob", undefined))).toMatchObject({
    hooks: { codex: { on_file_change: [{ command: "npm run lint -- ${file}" }] } },
  });
  expect(fill(TEXT, 2, "when.glob", undefined)).not.toContain("when");
  expect(fill(TEXT, 2, "when.glob", ["*.py"])).toContain("# sources");
});

test("short forms are filled in as they are, and written out when more is said", () => {
  const short = "hooks:\n  '*':\n    on_turn_complete: say done\n";
  expect(fill(short, 0, "command", "say it")).toBe(short.replace("say done", "say it"));
  expect(parse(fill(short, 0, "timeout", "5s"))).toEqual({
    hooks: { "*": { on_turn_complete: { command: "say done", timeout: "5s" } } },
  });
  const notice = "hooks: {'*': {on_turn_complete: {notify: desktop}}}\n";
  expect(parse(fill(notice, 0, "notify.ntfy", "topic"))).toMatchObject({
    hooks: { "*": { on_turn_complete: { notify: { to: "desktop", ntfy: "topic" } } } },
  });
  const cleared = fill(notice, 0, "notify.to", undefined);
  expect(row(cleared, 0).filled.get("notify.to")).toBe("");
  expect(Object.fromEntries(row(fill(cleared, 0, "notify.ntfy", "topic"), 0).filled)).toEqual({
    "notify.ntfy": "topic",
  });
});

test("a hook that moves takes along what is said of it, and leaves nothing empty behind", () => {
  const moved = move(TEXT, row(TEXT, 3), { event: "before_turn" });
  expect(moved.path).toEqual(["hooks", "agent:Worker-*", "before_turn", 0]);
  expect(parse(moved.text)).toMatchObject({
    hooks: { "agent:Worker-*": { before_turn: [{ id: "guard" }] } },
  });
  expect(moved.text).not.toContain("before_tool");
  const last =
    "hooks:\n  # Theirs.\n  claude:\n    # Loud.\n    on_turn_complete: say done\n  '*':\n    on_command: x\n";
  const gone = move(last, row(last, 0), { selector: "*" });
  expect(parse(gone.text)).toEqual({ hooks: { "*": { on_command: "x", on_turn_complete: ["say done"] } } });
  expect(gone.text).toContain("# Loud.");
  expect(gone.text).toContain("# Theirs.");
});

test("hooks are added behind others and to an empty text, and the last that is removed leaves a text without hooks", () => {
  const first = add("# Notes.\n");
  expect(first.text).toContain("# Notes.");
  expect(form(first.text).rows.map(shown)).toEqual([
    ["*", "on_turn_complete", "relay", { id: "hook-1", "relay.to": "Lead" }],
  ]);
  const second = add(first.text);
  expect(second.path).toEqual(["hooks", "*", "on_turn_complete", 1]);
  expect(form(second.text).rows.map(({ id }) => id)).toEqual(["hook-1", "hook-2"]);
  const none = remove(remove(second.text, row(second.text, 1)), row(first.text, 0));
  expect(form(none)).toEqual({ rows: [], elsewhere: [] });
  expect(none).toContain("# Notes.");
  const alone = add("hooks:\n  '*':\n    on_turn_complete: say done # loud\n");
  expect(form(alone.text).rows.map(({ action }) => action)).toEqual(["command", "relay"]);
  expect(alone.text).toContain("# loud");
});

test("another action takes the place of the one before, and what belongs to commands alone goes with it", () => {
  const text = fill(fill(TEXT, 0, "timeout", "5s"), 0, "cwd", "web");
  const changed = changeAction(text, row(text, 0), "webhook");
  expect(parse(changed)).toMatchObject({
    hooks: { codex: { on_turn_complete: [{ webhook: { url: "", secret: "" } }, { relay: "Lead" }] } },
  });
  expect(changed).not.toContain("timeout");
  expect(row(changeAction(TEXT, row(TEXT, 1), "notify"), 1).action).toBe("notify");
});

test("what stands for something elsewhere is left to the text", () => {
  const text =
    "hooks:\n  a: {on_command: &x {relay: Lead}}\n  b: {on_command: *x}\n  c: {on_command: [7, say]}\n";
  expect(form(text).elsewhere).toEqual(["a › on_command", "b › on_command", "c › on_command › 0"]);
  expect(form(text).rows.map(({ selector }) => selector)).toEqual(["c"]);
});

test("a text that is no hooks file says why", () => {
  expect(readForm("hooks: [")).toHaveProperty("broken");
  expect(readForm("hooks: 5")).toHaveProperty("broken");
  expect(readForm("- 1")).toHaveProperty("broken");
  expect(form("")).toEqual({ rows: [], elsewhere: [] });
  expect(form("hooks:\n")).toEqual({ rows: [], elsewhere: [] });
});

test("the fields of a hook are those that mean something for its event", () => {
  const names = (event: string, decides = false) => fieldsOf(event, "command", decides).first.map(nameOf);
  expect(names("on_turn_complete")).toEqual(["id", "command", "enabled"]);
  expect(names("on_approval_needed")).toEqual(["id", "command", "decides", "enabled"]);
  expect(names("on_approval_needed", true)).toEqual([
    "id",
    "command",
    "decides",
    "on_error",
    "may_allow",
    "enabled",
  ]);
  expect(names("before_tool")).toEqual(["id", "command", "on_error", "may_allow", "modifies", "enabled"]);
});

test("what is typed means lines, numbers or a text, and nothing where it is none", () => {
  expect(typedAs({ kind: "lines" }, " a \n\nb")).toEqual(["a", "b"]);
  expect(typedAs({ kind: "lines" }, "\n")).toBeUndefined();
  expect(typedAs({ kind: "codes" }, "1\nx\n-2")).toEqual([1, -2]);
  expect(typedAs({ kind: "number" }, "12")).toBe(12);
  expect(typedAs({ kind: "number" }, "1e3")).toBeUndefined();
  expect(typedAs({ kind: "text" }, " a ")).toBe(" a ");
  expect([writtenAs(["a", "b"]), writtenAs(7), writtenAs(undefined)]).toEqual(["a\nb", "7", ""]);
});
