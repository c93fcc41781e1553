import type { RuleTrial, TriedRequest } from "./documents";

export type Outcome = TriedRequest["outcome"];

const ORDER: readonly Outcome[] = ["ALLOWS", "ASKS", "DENIES", "OVERRULED"];

/** How many of the shown requests would have ended in each way that any of them did. */
export function countsOf({ requests }: Pick<RuleTrial, "requests">): readonly (readonly [Outcome, number])[] {
  return ORDER.map((outcome) => {
    const count = requests.filter((each) => each.outcome === outcome).length;
    return [outcome, count] as const;
  }).filter(([, count]) => count > 0);
}
