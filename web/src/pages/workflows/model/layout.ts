import { Graph, layout } from "@dagrejs/dagre";

export const NODE = { width: 200, height: 60 } as const;

export interface Placed {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

export interface Line {
  readonly id: string;
  readonly source: string;
  readonly target: string;
}

/** A step by its name, and what it waits for. */
export interface Drawn {
  readonly name: string;
  readonly after: readonly string[];
}

/** Where each step is drawn: behind what it waits for, to the right or below. */
export function arrange(steps: readonly Drawn[], direction: "LR" | "TB"): { nodes: Placed[]; lines: Line[] } {
  const graph = new Graph();
  graph.setGraph({ rankdir: direction, nodesep: 24, ranksep: direction === "LR" ? 56 : 40 });
  graph.setDefaultEdgeLabel(() => ({}));
  const names = new Set(steps.map((step) => step.name));
  for (const step of steps) graph.setNode(step.name, { ...NODE });
  const lines = steps.flatMap((step) =>
    step.after
      .filter((before) => names.has(before))
      .map((before) => ({ id: lineId(before, step.name), source: before, target: step.name })),
  );
  for (const { source, target } of lines) graph.setEdge(source, target);
  layout(graph);
  const nodes = steps.map(({ name }) => {
    const { x, y } = graph.node(name) as { x: number; y: number };
    return { id: name, x: x - NODE.width / 2, y: y - NODE.height / 2 };
  });
  return { nodes, lines };
}

/** In which direction a drawing is larger, in a box that is so many times as wide as it is high. */
export function directionFor(steps: readonly Drawn[], ratio: number): "LR" | "TB" {
  const [across = 0, down = 0] = (["LR", "TB"] as const).map((direction) => {
    const { nodes } = arrange(steps, direction);
    const width = Math.max(...nodes.map(({ x }) => x), 0) + NODE.width;
    const height = Math.max(...nodes.map(({ y }) => y), 0) + NODE.height;
    return Math.min(ratio / width, 1 / height);
  });
  return across >= down ? "LR" : "TB";
}

/** Of the line from what is waited for to what waits for it. */
export const lineId = (before: string, step: string): string => `${before}\n${step}`;
