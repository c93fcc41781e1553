import { useWide } from "~/design/useWide";
import { StepGraph } from "./StepGraph";
import type { Step } from "./runs";
import { StepSign } from "./StepSign";
import { stepWords } from "./words";
import * as texts from "~/texts";

interface RunGraphProps {
  steps: readonly Step[];
  chosen: string | undefined;
  onChoose: (step: string) => void;
}

/** The steps of a run and what each waits for, with what became of it. */
export function RunGraph({ steps, chosen, onChoose }: RunGraphProps) {
  const running = new Set(steps.filter(({ state }) => state === "running").map(({ name }) => name));
  const drawn = steps.map(({ name, after, state, attempt }) => ({
    name,
    after,
    sign: <StepSign state={state} />,
    below: attempt > 1 ? texts.workflows.stateAttempt(stepWords(state), attempt) : stepWords(state),
    said: texts.workflows.stepIs(name, stepWords(state)),
  }));
  return (
    <StepGraph
      label={texts.workflows.graph}
      ratio={useWide() ? 3.5 : 1.5}
      steps={drawn}
      chosen={chosen}
      onChoose={onChoose}
      lineOf={(step) => (running.has(step) ? "moves" : "plain")}
    />
  );
}
