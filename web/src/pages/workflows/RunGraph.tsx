import "@xyflow/react/dist/base.css";
import "./graph.css";
import {
  Handle,
  Position,
  ReactFlow,
  type Edge,
  type Node,
  type NodeChange,
  type NodeProps,
} from "@xyflow/react";
import { useMemo } from "react";
import { classes } from "~/design/classes";
import { useWide } from "~/design/useWide";
import { arrange, NODE } from "./model/layout";
import type { Step } from "./runs";
import { StepSign } from "./StepSign";
import { stepWords } from "./words";
import * as texts from "~/texts";

type StepNode = Node<{ step: Step; across: boolean }, "step">;

const TYPES = { step: Drawn };

interface RunGraphProps {
  steps: readonly Step[];
  chosen: string | undefined;
  onChoose: (step: string) => void;
}

/** The steps and what each waits for. A step is chosen with a click, or by Tab and Enter. */
export function RunGraph({ steps, chosen, onChoose }: RunGraphProps) {
  const across = useWide();
  // Where steps lie hangs on their names and dependencies alone: they keep their places while their states change.
  const shape = JSON.stringify(steps.map(({ name, after }) => ({ name, after })));
  const placed = useMemo(
    () => arrange(JSON.parse(shape) as Pick<Step, "name" | "after">[], across ? "LR" : "TB"),
    [shape, across],
  );
  const byName = new Map(steps.map((step) => [step.name, step]));
  const nodes = placed.nodes.flatMap<StepNode>(({ id, x, y }) => {
    const step = byName.get(id);
    if (!step) return [];
    return {
      id,
      type: "step",
      position: { x, y },
      width: NODE.width,
      height: NODE.height,
      data: { step, across },
      selected: id === chosen,
      ariaLabel: texts.workflows.stepIs(id, stepWords(step.state)),
    };
  });
  const edges = placed.lines.map<Edge>((line) => ({
    ...line,
    focusable: false,
    animated: byName.get(line.target)?.state === "running",
  }));
  const changed = (changes: NodeChange<StepNode>[]) => {
    for (const change of changes) if (change.type === "select" && change.selected) onChoose(change.id);
  };
  return (
    <ReactFlow
      key={shape}
      nodes={nodes}
      edges={edges}
      nodeTypes={TYPES}
      onNodesChange={changed}
      nodesDraggable={false}
      nodesConnectable={false}
      deleteKeyCode={null}
      fitView
      fitViewOptions={{ padding: 0.1, maxZoom: 1, minZoom: 0.4 }}
      minZoom={0.2}
      maxZoom={1.5}
      preventScrolling={false}
      panOnScroll={false}
      zoomOnScroll={false}
      autoPanOnNodeFocus
      aria-label={texts.workflows.graph}
    />
  );
}

function Drawn({ data: { step, across }, selected }: NodeProps<StepNode>) {
  return (
    <div
      className={classes(
        "flex size-full items-center gap-2 rounded-lg border bg-surface px-3 text-left",
        selected ? "border-accent ring-1 ring-accent" : "border-line-strong",
      )}
    >
      <Handle type="target" position={across ? Position.Left : Position.Top} isConnectable={false} />
      <StepSign state={step.state} />
      <span className="min-w-0 flex-1">
        <span className="block truncate text-sm font-medium text-text">{step.name}</span>
        <span className="block truncate text-2xs text-faint">
          {step.attempt > 1
            ? texts.workflows.stateAttempt(stepWords(step.state), step.attempt)
            : stepWords(step.state)}
        </span>
      </span>
      <Handle type="source" position={across ? Position.Right : Position.Bottom} isConnectable={false} />
    </div>
  );
}
