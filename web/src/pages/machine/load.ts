import { grouped } from "~/design/number";
import type { Load } from "./documents";
import * as texts from "~/texts";

const UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** 512 B, 1.5 KiB, 16 GiB. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = "B";
  for (const larger of UNITS) {
    // What would be written "1024 KiB" is the next unit's.
    if (value < 1023.5) break;
    value /= 1024;
    unit = larger;
  }
  const digits = unit === "B" || value >= 99.95 ? 0 : 1;
  return `${grouped(Number(value.toFixed(digits)))} ${unit}`;
}

/** How much of a memory or disk is used, or "unknown". */
export function used(all: number | null, free: number | null): string {
  if (all === null || all === 0) return texts.machine.unknown;
  if (free === null) return texts.machine.usedUnknown(size(all));
  const taken = all - Math.min(free, all);
  return texts.machine.used(size(taken), size(all), Math.round((100 * taken) / all));
}

/** The load averages, against what the machine has; "unknown" where its system does not tell them. */
export function averages({ load1, load5, load15, processors }: Averages): string {
  if (load1 === null || load5 === null || load15 === null) return texts.machine.unknown;
  const [one, five, fifteen] = [load1, load5, load15].map((load) => load.toFixed(2));
  return texts.machine.averages(one ?? "", five ?? "", fifteen ?? "", processors);
}

type Averages = Pick<Load, "load1" | "load5" | "load15" | "processors">;

/** What the policy is known by: the first digits of its hash. */
export function policyMark(hash: string | null): string {
  if (hash === null) return texts.machine.unknown;
  return hash === "none" ? texts.machine.neverSet : hash.slice(0, 12);
}
