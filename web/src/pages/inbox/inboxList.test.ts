import { describe, expect, it } from "vitest";
import type { InboxNeed } from "./documents";
import { asked } from "~/answering/model/samples";
import { changed, grouped, NOTHING, swept, told, type InboxList } from "./inboxList";

function need(key: string, since: string | null = null, changes: Partial<InboxNeed> = {}): InboxNeed {
  return {
    key: `approval|${key}`,
    kind: "APPROVAL",
    title: "Run a command",
    detail: "",
    since,
    blocks: true,
    sessionKey: "s",
    agentKey: "a",
    name: "Backend",
    subjectKey: key,
    dismissable: false,
    resumable: false,
    approval: asked(key),
    ...changes,
  };
}

const rows = (list: InboxList) =>
  list.rows.map(({ need: { subjectKey }, over }) => subjectKey + (over ? " over" : ""));
const A = need("a", "2026-01-01T00:00:00.000Z");
const B = need("b", "2026-01-02T00:00:00.000Z");
const C = need("c", "2026-01-03T00:00:00.000Z");
const before = told(NOTHING, [A, B, C]);

describe("the list of what needs a person", () => {
  it("stands as it was asked once it is swept", () => {
    expect(rows(swept(told(NOTHING, [C, A, B])))).toEqual(["a", "b", "c"]);
    const warning = need("w", "2020-01-01T00:00:00.000Z", { blocks: false });
    expect(rows(swept(told(NOTHING, [warning, need("n"), A])))).toEqual(["a", "n", "w"]);
  });

  it("leaves what was answered in its place, inert, until it is swept", () => {
    const after = changed(before, {
      changed: [],
      over: [B.key],
      settled: [asked("b", { status: "ALLOWED" })],
    });
    expect(rows(after)).toEqual(["a", "b over", "c"]);
    expect(after.rows[1]?.settled?.status).toBe("ALLOWED");
    expect(after.latest?.key).toBe("b");
    expect(rows(swept(after))).toEqual(["a", "c"]);
  });

  it("puts what is new behind what stands there, whenever it was asked", () => {
    const early = need("early", "2020-01-01T00:00:00.000Z");
    const after = changed(before, { changed: [early], over: [], settled: [] });
    expect(rows(after)).toEqual(["a", "b", "c", "early"]);
    expect(rows(swept(after))).toEqual(["early", "a", "b", "c"]);
  });

  it("keeps places when it is told whole again", () => {
    expect(rows(told(before, [C, A]))).toEqual(["a", "b over", "c"]);
    expect(rows(told(told(before, [C, A]), [A, B, C]))).toEqual(["a", "b", "c"]);
  });

  it("is the very same when there is nothing to sweep", () => {
    expect(swept(before)).toBe(before);
  });

  it("is grouped where the first of each group stands", () => {
    const other = need("o", "2026-01-01T12:00:00.000Z", { name: "Docs", kind: "FAILED_AGENT" });
    const list = swept(told(NOTHING, [A, other, B]));
    const names = (by: "order" | "agent" | "kind") =>
      grouped(list.rows, by).map(([name, those]) => `${name} ${String(those.length)}`);
    expect(names("order")).toEqual([" 3"]);
    expect(names("agent")).toEqual(["Backend 2", "Docs 1"]);
    expect(names("kind")).toEqual(["APPROVAL 2", "FAILED_AGENT 1"]);
    expect(grouped([], "order")).toEqual([]);
  });
});
