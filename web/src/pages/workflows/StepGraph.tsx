import "@xyflow/react/dist/base.css";
import "./graph.css";
import {
  Handle,
  Position,
  ReactFlow,
  type Edge,
  type EdgeChange,
  type Node,
  type NodeChange,
  type NodeProps,
  type ReactFlowInstance,
} from "@xyflow/react";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { classes } from "~/design/classes";
import { arrangeIn, NODE, type Drawn } from "./model/layout";
import * as texts from "~/texts";

/** A step as it is drawn: its sign, its name and a word below. */
export interface DrawnStep extends Drawn {
  readonly sign: ReactNode;
  readonly below: string;
  /** For who does not see it. */
  readonly said: string;
  readonly bad?: boolean;
}

/** What may be changed in the drawing itself. */
interface Editing {
  canWait: (step: string, before: string) => boolean;
  onConnect: (step: string, before: string) => void;
  onDisconnect: (step: string, before: string) => void;
  onRemove: (step: string) => void;
}

interface StepGraphProps {
  label: string;
  /** How many times the room for it is as wide as it is high. */
  ratio: number;
  steps: readonly DrawnStep[];
  chosen: string | undefined;
  onChoose: (step: string) => void;
  /** How a line looks: `moves` while what waits is under way; `implied` when the file does not say it itself. */
  lineOf?: (step: string, before: string) => "moves" | "implied" | "plain";
  editing?: Editing;
}

type StepNode = Node<{ step: DrawnStep; across: boolean; connects: boolean }, "step">;

const TYPES = { step: Box };
const FIT = { padding: 0.1, maxZoom: 1, minZoom: 0.4 };
const REMOVES: ReadonlySet<string> = new Set(["Delete", "Backspace"]);

/** Steps and what each waits for. A step is chosen with a click, or by Tab and Enter. */
export function StepGraph({ label, ratio, steps, chosen, onChoose, lineOf, editing }: StepGraphProps) {
  const [chosenLine, setChosenLine] = useState<string>();
  const [flow, setFlow] = useState<ReactFlowInstance<StepNode>>();
  // Where steps lie hangs on their names and dependencies alone: they keep their places while their states change.
  const shape = JSON.stringify(steps.map(({ name, after }) => ({ name, after })));
  const placed = useMemo(() => arrangeIn(ratio, JSON.parse(shape) as Drawn[]), [shape, ratio]);
  useEffect(() => {
    void flow?.fitView(FIT);
  }, [flow, placed]);
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
      data: { step, across: placed.direction === "LR", connects: editing !== undefined },
      selected: id === chosen,
      ariaLabel: step.said,
    };
  });
  const edges = placed.lines.map<Edge>((line) => {
    const look = lineOf?.(line.target, line.source) ?? "plain";
    return {
      ...line,
      focusable: editing !== undefined && look !== "implied",
      selected: line.id === chosenLine,
      animated: look === "moves",
      ariaLabel: texts.workflows.waitsFor(line.target, line.source),
      ...(look === "implied" ? { className: "implied" } : {}),
    };
  });
  const nodesChanged = (changes: NodeChange<StepNode>[]) => {
    for (const change of changes) if (change.type === "select" && change.selected) onChoose(change.id);
  };
  const edgesChanged = (changes: EdgeChange[]) => {
    for (const change of changes)
      if (change.type === "select") setChosenLine(change.selected ? change.id : undefined);
  };
  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={TYPES}
      onInit={setFlow}
      onNodesChange={nodesChanged}
      onEdgesChange={edgesChanged}
      onConnect={({ source, target }) => editing?.onConnect(target, source)}
      isValidConnection={({ source, target }) => editing?.canWait(target, source) ?? false}
      onKeyDown={({ key, target }) => {
        if (!editing || !REMOVES.has(key) || !(target instanceof Element)) return;
        const node = target.closest(".react-flow__node")?.getAttribute("data-id");
        const line = placed.lines.find(
          ({ id }) => id === target.closest(".react-flow__edge")?.getAttribute("data-id"),
        );
        if (node) editing.onRemove(node);
        else if (line) editing.onDisconnect(line.target, line.source);
      }}
      nodesDraggable={false}
      nodesConnectable={editing !== undefined}
      // Its own listens to the whole page, and one step is always chosen: what has the focus goes.
      deleteKeyCode={null}
      fitView
      fitViewOptions={FIT}
      minZoom={0.2}
      maxZoom={1.5}
      preventScrolling={false}
      panOnScroll={false}
      zoomOnScroll={false}
      autoPanOnNodeFocus
      aria-label={label}
    />
  );
}

function Box({ data: { step, across, connects }, selected }: NodeProps<StepNode>) {
  return (
    <div
      className={classes(
        "flex size-full items-center gap-2 rounded-lg border bg-surface px-3 text-left",
        selected ? "border-accent ring-1 ring-accent" : step.bad ? "border-bad" : "border-line-strong",
      )}
    >
      <Handle
        type="target"
        position={across ? Position.Left : Position.Top}
        isConnectable={connects}
        className={connects ? "connects" : ""}
      />
      {step.sign}
      <span className="min-w-0 flex-1">
        <span className="block truncate text-sm font-medium text-text">{step.name}</span>
        <span className="block truncate text-2xs text-faint">{step.below}</span>
      </span>
      <Handle
        type="source"
        position={across ? Position.Right : Position.Bottom}
        isConnectable={connects}
        className={connects ? "connects" : ""}
      />
    </div>
  );
}
