import type { Asked } from "../documents";
import type { Answer } from "../useAnswer";

/** Whether an answer is asked for again before it is given: a yes to what is of high risk, and one that holds for good. */
export function needsSecondStep(asked: Asked, { verdict, always }: Answer): boolean {
  return verdict === "ALLOW" && (asked.risk === "HIGH" || always !== undefined);
}
