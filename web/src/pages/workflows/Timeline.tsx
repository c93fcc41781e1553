import { classes } from "~/design/classes";
import { useNow } from "~/design/now";
import { duration } from "~/design/time";
import { barsOf, spanOf, type Bar } from "./model/spans";
import type { Step, WholeRun } from "./runs";
import { StepSign } from "./StepSign";
import { stepWords } from "./words";
import * as texts from "~/texts";

interface TimelineProps {
  run: WholeRun;
  chosen: string | undefined;
  onChoose: (step: string) => void;
}

/** Every step with when its attempts went on. */
export function Timeline({ run, chosen, onChoose }: TimelineProps) {
  const now = useNow();
  const over = run.state !== "running" && run.state !== "needs_human";
  const span = spanOf(run, run.steps, { now, over });
  return (
    <section aria-labelledby="steps" className="min-w-0">
      <h2 id="steps" className="mb-2 px-1 text-xs text-faint">
        {texts.workflows.steps}
      </h2>
      <ul className="overflow-hidden rounded-xl border border-line">
        {run.steps.map((step) => (
          <li key={step.name} className="border-b border-line last:border-0">
            <button
              type="button"
              aria-current={step.name === chosen}
              onClick={() => onChoose(step.name)}
              className={classes(
                "flex w-full flex-col gap-1 px-3 py-2 text-left outline-offset-[-2px] transition-colors hover:bg-hover pointer-coarse:min-h-11",
                step.name === chosen && "bg-active",
              )}
            >
              <span className="flex w-full items-center gap-2">
                <StepSign state={step.state} />
                <span className="min-w-0 flex-1 truncate font-medium">{step.name}</span>
                <span className="text-xs text-soft">{stepWords(step.state)}</span>
                <span className="w-16 text-right text-xs text-faint tabular-nums">{lasted(step, span)}</span>
              </span>
              <Bars bars={barsOf(step, span)} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function lasted(step: Step, span: { from: number; to: number }): string {
  const bars = barsOf(step, span);
  return bars.length === 0 ? "" : duration(bars.reduce((sum, bar) => sum + bar.ms, 0));
}

function Bars({ bars }: { bars: readonly Bar[] }) {
  return (
    <span aria-hidden className="relative block h-1.5 w-full rounded-full bg-sunk">
      {bars.map((bar) => (
        <span
          key={bar.number}
          className={classes("absolute inset-y-0 min-w-1 rounded-full", colour(bar.outcome))}
          style={{ left: `${bar.start * 100}%`, width: `${bar.length * 100}%` }}
        />
      ))}
    </span>
  );
}

function colour(outcome: string | null): string {
  if (outcome === null) return "bg-accent";
  if (outcome === "needs_human") return "bg-warn";
  return outcome === "succeeded" || outcome === "early" ? "bg-good" : "bg-bad";
}
