import { describe, expect, it } from "vitest";
import { bulkOf } from "./bulk";
import type { Row } from "./inboxList";
import { asked } from "~/answering/model/samples";

function row(key: string, changes: Parameters<typeof asked>[1] = {}, over = false): Row {
  const need = {
    key,
    kind: "APPROVAL" as const,
    title: key,
    detail: "",
    since: null,
    blocks: true,
    sessionKey: null,
    agentKey: null,
    name: "Backend",
    subjectKey: key,
    dismissable: key.startsWith("agent"),
    resumable: false,
    approval: key.startsWith("agent") ? null : asked(key, changes),
  };
  return { need, over, settled: null };
}

describe("what is done with many at once", () => {
  it("allows nothing of high risk, no question, nothing that its machine refuses, that is over or is for others", () => {
    const machine = { yes: "REFUSES" as const, lasting: null, why: "" };
    const rows = [
      row("a"),
      row("b", { risk: "MEDIUM" }),
      row("c", { risk: "HIGH" }),
      row("d", { question: { id: "q", key: "q", prompts: [] } }),
      row("e", { machine: machine as never }),
      row("f", { options: [{ optionId: "1", name: "x", kind: "invented", lasts: false }] }),
      row("g", {}, true),
      row("h", { ownYes: "NOT_NAMED" }),
      row("i", { ownYes: "SAID" }),
    ];
    expect(bulkOf(rows).allowable.map(({ key }) => key)).toEqual(["a", "b"]);
  });

  it("dismisses failures", () => {
    expect(bulkOf([row("agent|1"), row("a"), row("agent|2", {}, true)]).dismissable).toEqual(["agent|1"]);
  });
});
