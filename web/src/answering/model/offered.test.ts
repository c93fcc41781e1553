import { describe, expect, it } from "vitest";
import { listed, takesPlainYes, verdictOf, type Option } from "./offered";

const option = (kind: string, optionId = kind): Option => ({
  optionId,
  name: optionId,
  kind,
  lasts: !kind.endsWith("_once"),
});

describe("the answers that a program offers", () => {
  it("are listed where they are more than a plain yes and no", () => {
    expect(listed([option("allow_once"), option("reject_once")])).toEqual([]);
    expect(listed([option("allow_once"), option("allow_always"), option("reject_once")])).toHaveLength(3);
  });

  it("leave no plain yes where several are of one kind, or none is known", () => {
    expect(takesPlainYes([])).toBe(true);
    expect(takesPlainYes([option("allow_once"), option("allow_always")])).toBe(true);
    expect(takesPlainYes([option("allow_once", "a"), option("allow_once", "b")])).toBe(false);
    expect(takesPlainYes([option("invented")])).toBe(false);
    expect(verdictOf(option("invented"))).toBeNull();
  });
});
