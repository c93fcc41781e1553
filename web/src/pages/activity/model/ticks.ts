const SECOND = 1000;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400].map(
  (seconds) => seconds * SECOND,
);

/** Round moments between two, at most about `most` of them. */
export function ticks(from: number, to: number, most: number): number[] {
  const step = STEPS.find((one) => (to - from) / one <= most) ?? STEPS.at(-1) ?? SECOND;
  const found: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to && found.length <= most + 1; at += step)
    found.push(at);
  return found;
}
