import { useId, useMemo, useState } from "react";
import { Choice, Field, Select } from "~/acting/Field";
import { Button } from "~/design/Button";
import { Icon, type IconName } from "~/design/Icon";
import { isError, type Problem } from "~/design/problems";
import type { Plan } from "../files";
import { StepGraph, type DrawnStep } from "../StepGraph";
import { AgentList } from "./AgentList";
import {
  addAgent,
  addStep,
  changePattern,
  connect,
  disconnect,
  removeStep,
  type Changed,
} from "./model/changing";
import { PATTERNS } from "./model/fields";
import { canWait, readDesign, type Design, type DesignedStep } from "./model/reading";
import { StepForm } from "./StepForm";
import { useUndo } from "./useUndo";
import { kindWords } from "./words";
import * as texts from "~/texts";

interface DesignerProps {
  text: string;
  problems: readonly Problem[];
  /** What a run of a text like this would do; it knows of an order that the file does not write down. */
  plan: Plan | null | undefined;
  onChange: (text: string) => void;
}

/** A workflow file as a drawing that is changed: it keeps nothing of its own but what is chosen, the text is the truth. */
export function Designer({ text, problems, plan, onChange }: DesignerProps) {
  const heading = useId();
  const [at, setAt] = useState(0);
  const design = useMemo(() => readDesign(text, at), [text, at]);
  const undo = useUndo(text, onChange);
  return (
    <section aria-labelledby={heading} className="flex min-w-0 flex-col gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <h2 id={heading} className="mr-auto text-base font-semibold">
          {texts.designer.title}
        </h2>
        <Button size="small" look="quiet" disabled={!undo.back} onClick={undo.back}>
          {texts.designer.undo}
        </Button>
      </div>
      {"broken" in design ? (
        <p className="text-warn">{texts.designer.broken(design.broken)}</p>
      ) : (
        <Drawing
          key={at}
          design={design}
          text={text}
          at={at}
          problems={problems}
          plan={plan}
          onChange={undo.change}
          onWorkflow={setAt}
        />
      )}
    </section>
  );
}

interface DrawingProps extends Omit<DesignerProps, "onChange"> {
  design: Design;
  /** Which of the file's workflows. */
  at: number;
  /** `what`: changes of the same are undone together. */
  onChange: (text: string, what?: string) => void;
  onWorkflow: (at: number) => void;
}

function Drawing({ design, text, at, problems, plan, onChange, onWorkflow }: DrawingProps) {
  const [chosen, setChosen] = useState<string>();
  const [added, setAdded] = useState<string>();
  const step = design.steps.find(({ name }) => name === chosen) ?? design.steps[0];
  const named = (name: string) => design.steps.find((each) => each.name === name);
  const put = ({ text: next, name }: Changed) => {
    setChosen(name);
    onChange(next);
  };
  const add = () => {
    const made = addStep(text, at, chosen === undefined ? design.steps.at(-1) : step);
    setAdded(made.name);
    put(made);
  };
  const remove = (name: string) => {
    const gone = named(name);
    if (!gone || gone.locked) return;
    setChosen(gone.after[0]);
    onChange(removeStep(text, gone));
  };
  const implied = impliedBy(plan, design, at);
  const lines = problems.filter(isError).map(({ line }) => line);
  return (
    <>
      <Whole design={design} at={at} text={text} onChange={onChange} onWorkflow={onWorkflow} />
      <div className="flex flex-wrap gap-2">
        <Button onClick={add}>{texts.designer.addStep}</Button>
        <Button onClick={() => onChange(addAgent(text).text)}>{texts.designer.addAgent}</Button>
      </div>
      {step && (
        <div className="grid min-w-0 gap-4 lg:grid-cols-[3fr_2fr] lg:items-start">
          <div className="flex min-w-0 flex-col gap-1">
            <div className="h-72 overflow-hidden rounded-xl border border-line bg-sunk lg:h-112">
              <StepGraph
                label={texts.workflows.graph}
                ratio={1.4}
                steps={design.steps.map((each) => drawn(each, implied, lines))}
                chosen={step.name}
                onChoose={setChosen}
                lineOf={(name, before) => (named(name)?.after.includes(before) ? "plain" : "implied")}
                editing={{
                  canWait: (name, before) => canWait(design.steps, name, before),
                  onConnect: (name, before) => {
                    const target = named(name);
                    if (target && canWait(design.steps, name, before))
                      onChange(connect(text, target, before));
                  },
                  onDisconnect: (name, before) => {
                    const target = named(name);
                    if (target && !target.locked) onChange(disconnect(text, target, before));
                  },
                  onRemove: remove,
                }}
              />
            </div>
            <p className="text-xs text-faint">
              {implied.size > 0 ? texts.designer.howImplied : texts.designer.how}
            </p>
          </div>
          <StepForm
            key={step.path.at(-1)}
            step={step}
            design={design}
            text={text}
            isNew={step.name === added}
            onChange={onChange}
            onRenamed={put}
            onRemove={() => remove(step.name)}
          />
        </div>
      )}
      {design.agents.length > 0 && <AgentList agents={design.agents} text={text} onChange={onChange} />}
    </>
  );
}

/** What holds for the whole file. */
function Whole({ design, at, text, onChange, onWorkflow }: Omit<DrawingProps, "problems" | "plan">) {
  const id = useId();
  if (design.workflows.length === 0) return <p className="text-soft">{texts.designer.empty}</p>;
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      {design.workflows.length > 1 && (
        <Field id={id} label={texts.designer.workflow}>
          <Select id={id} value={at} onChange={({ target }) => onWorkflow(Number(target.value))}>
            {design.workflows.map((name, index) => (
              <option key={index} value={index}>
                {name}
              </option>
            ))}
          </Select>
        </Field>
      )}
      <Choice
        label={texts.designer.pattern}
        hint={texts.designer.patternHint}
        value={design.pattern}
        options={PATTERNS}
        onChange={(pattern) => onChange(changePattern(text, pattern))}
      />
    </div>
  );
}

/** What a plan adds to the order that the file writes down, by step. */
function impliedBy(
  plan: Plan | null | undefined,
  design: Design,
  at: number,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  // The broker plans the first workflow of a file.
  if (!plan || at !== 0 || plan.workflow !== design.workflows[0]) return found;
  const named = new Map(design.steps.map(({ name, after }) => [name, after]));
  for (const { name, after } of plan.steps) {
    const rest = after.filter((before) => named.has(before) && !named.get(name)?.includes(before));
    if (named.has(name) && rest.length > 0) found.set(name, rest);
  }
  return found;
}

const SIGNS: Readonly<Record<string, IconName>> = {
  agent: "spark",
  deterministic: "terminal",
  approval: "people",
  worktree: "file",
  integration: "link",
  waitFor: "bell",
  subworkflow: "workflow",
};

function drawn(
  step: DesignedStep,
  implied: ReadonlyMap<string, readonly string[]>,
  wrong: readonly number[],
): DrawnStep {
  const [first, last] = step.lines;
  const bad = wrong.some((line) => first <= line && line <= last);
  const below = step.filled.get("agent") ?? kindWords(step.kind);
  return {
    name: step.name,
    after: [...step.after, ...(implied.get(step.name) ?? [])],
    sign: <Icon name={SIGNS[step.kind] ?? "tool"} className="shrink-0 text-faint" />,
    below,
    said: bad ? texts.designer.stepIsBad(step.name, below) : texts.workflows.stepIs(step.name, below),
    bad,
  };
}
