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

type Direction = "LR" | "TB";

interface Drawing {
  readonly nodes: readonly Placed[];
  readonly lines: readonly Line[];
}

/** A drawing in a box, and how large it is there. */
interface Fitted extends Drawing {
  readonly direction: Direction;
  readonly scale: number;
}

/** Where each step is drawn: behind what it waits for, to the right or below. */
export function arrange(steps: readonly Drawn[], direction: Direction): Drawing {
  const graph = new Graph();
  graph.setGraph({ rankdir: direction, nodesep: 24, ranksep: direction === "LR" ? 56 : 40 });
  graph.setDefaultEdgeLabel(() => ({}));
  const names = new Set(steps.map((step) => step.name));
  for (const step of steps) graph.setNode(step.name, { ...NODE });
  const lines = steps.flatMap((step) =>
    step.after
      .filter((before) => names.has(before))
      .map((before) => ({ id: `${before}\n${step.name}`, source: before, target: step.name })),
  );
  for (const { source, target } of lines) graph.setEdge(source, target);
  layout(graph);
  const nodes = steps.map(({ name }) => {
    const { x, y } = graph.node(name) as { x: number; y: number };
    return { id: name, x: x - NODE.width / 2, y: y - NODE.height / 2 };
  });
  return { nodes, lines };
}

/** The drawing in the direction in which it is larger, in a box that is so many times as wide as it is high. */
export function arrangeIn(ratio: number, steps: readonly Drawn[]): Fitted {
  const fit = (direction: Direction): Fitted => {
    const drawing = arrange(steps, direction);
    const width = Math.max(...drawing.nodes.map(({ x }) => x), 0) + NODE.width;
    const height = Math.max(...drawing.nodes.map(({ y }) => y), 0) + NODE.height;
    return { ...drawing, direction, scale: Math.min(ratio / width, 1 / height) };
  };
  const [across, down] = [fit("LR"), fit("TB")];
  return across.scale >= down.scale ? across : down;
}
