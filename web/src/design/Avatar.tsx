import { agentHue } from "./agentColor";

/** An agent's first letter on its own colour, the same everywhere and always. */
export function Avatar({ name, size = 20 }: { name: string; size?: number }) {
  return (
    <span
      aria-hidden="true"
      data-hue={agentHue(name)}
      className="agent-avatar inline-flex shrink-0 items-center justify-center rounded-md font-semibold select-none"
      style={{ width: size, height: size, fontSize: size * 0.52 }}
    >
      {(Array.from(name)[0] ?? "?").toUpperCase()}
    </span>
  );
}
