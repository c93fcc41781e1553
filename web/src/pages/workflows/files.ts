import type { Problem } from "~/design/problems";
import { inBase } from "~/live/wire/base";
import { ask, type Answer } from "~/live/wire/ask";
import { fetchInTime } from "~/live/wire/fetchInTime";
import { runPath, type Run, type Step } from "./runs";
import * as texts from "~/texts";

interface PlannedPlace {
  readonly machine: string | null;
  readonly folder: string;
}

/** What a run of a file would do (`POST /v1/workflows/check`). */
export interface Plan {
  readonly name: string;
  readonly workflow: string;
  readonly pattern: string;
  readonly rule: string;
  readonly waves: readonly (readonly string[])[];
  readonly steps: readonly { name: string; kind: string; agent: string | null; after: readonly string[] }[];
  readonly agents: readonly { name: string; cli: string; access: string; steps: number }[];
  readonly extra: readonly { what: string; agent: string; step: string; at_most: number }[];
  readonly peak: number;
  readonly cap: number;
  readonly consents: readonly { place: PlannedPlace; templates: readonly string[] }[];
  readonly notes: readonly string[];
}

export interface Checked {
  readonly problems: readonly Problem[];
  readonly workflows: readonly string[];
  /** Variables that a run has to be given. */
  readonly missing: readonly string[];
  /** None of a file with errors. */
  readonly plan: Plan | null;
}

/** What a run that goes on from another would do again, and why. */
export interface Preview {
  readonly steps: readonly { name: string; kept: boolean; why: string }[];
  readonly gone: readonly string[];
  readonly difference: string;
}

/** A step of both of two runs, or of one of them. */
export interface ComparedStep {
  readonly name: string;
  readonly left: Step | null;
  readonly right: Step | null;
  readonly same_output: boolean;
}

export interface Comparison {
  readonly left: Run;
  readonly right: Run;
  readonly steps: readonly ComparedStep[];
  readonly difference: string;
}

export const check = (text: string): Promise<Answer<Checked>> => ask("/v1/workflows/check", "POST", { text });

export const start = (text: string, vars: Readonly<Record<string, string>>): Promise<Answer<Run>> =>
  ask("/v1/workflows/runs", "POST", { text, vars });

/** Go on from a run: with another text, or from a step on. */
export const rerun = (run: string, body: { text?: string; step?: string }): Promise<Answer<Run>> =>
  ask(`${runPath(run)}/rerun`, "POST", body);

export const preview = (run: string, text: string): Promise<Answer<Preview>> =>
  ask(`${runPath(run)}/rerun/preview`, "POST", { text });

export const compare = (run: string, other: string): Promise<Answer<Comparison>> =>
  ask(`${runPath(run)}/compare/${encodeURIComponent(other)}`);

/** The file that a run is pinned to. */
export async function readFile(run: string): Promise<Answer<string>> {
  try {
    const answer = await fetchInTime(inBase(`${runPath(run)}/file`), { credentials: "same-origin" });
    if (answer.ok) return { value: await answer.text() };
    const refused = texts.live.brokerAnswered(answer.status);
    return { refused, code: "", details: undefined, missing: answer.status === 404 };
  } catch {
    return { refused: texts.live.brokerSilent, code: "", details: undefined, missing: false };
  }
}
