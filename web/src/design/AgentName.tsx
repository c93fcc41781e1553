import { agentHue } from "./agentColor";

/** An agent's name in its colour; people and channels keep the text's. */
export function AgentName({ name }: { name: string }) {
  return (
    <span data-hue={agentHue(name)} className="agent-name font-medium">
      {name}
    </span>
  );
}
