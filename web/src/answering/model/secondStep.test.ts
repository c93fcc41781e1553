import { expect, test } from "vitest";
import { asked } from "./samples";
import { needsSecondStep } from "./secondStep";

test("asks again for what is of high risk, and for what holds for good", () => {
  const once = { verdict: "ALLOW" } as const;
  const always = { effect: "ALLOW", tool: "Bash", command: "ls", path: null, examples: [] } as never;
  const risks = ["LOW", "MEDIUM", "HIGH"] as const;
  expect(risks.map((risk) => needsSecondStep(asked("a", { risk }), once))).toEqual([false, false, true]);
  expect(needsSecondStep(asked("a"), { ...once, always })).toBe(true);
  expect(needsSecondStep(asked("a", { risk: "HIGH" }), { verdict: "DENY" })).toBe(false);
});
