import type { FieldSpec, Filled } from "./fields";

const NUMBER = /^-?\d{1,9}$/;

/** What is meant by what was typed into a field; undefined: nothing is said. */
export function typedAs({ kind }: Pick<FieldSpec, "kind">, typed: string): Filled | undefined {
  switch (kind) {
    case "number":
      return NUMBER.test(typed.trim()) ? Number(typed) : undefined;
    case "lines":
      return manyOf(linesOf(typed));
    case "codes":
      return manyOf(
        linesOf(typed)
          .filter((each) => NUMBER.test(each))
          .map(Number),
      );
    default:
      return typed === "" ? undefined : typed;
  }
}

/** A value as it is typed. */
export function writtenAs(value: Filled | undefined): string {
  return Array.isArray(value) ? value.join("\n") : String(value ?? "");
}

const linesOf = (typed: string): string[] =>
  typed
    .split("\n")
    .map((each) => each.trim())
    .filter((each) => each !== "");

const manyOf = <Item extends string | number>(items: readonly Item[]): readonly Item[] | undefined =>
  items.length > 0 ? items : undefined;
