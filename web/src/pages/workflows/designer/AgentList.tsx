import { useId } from "react";
import { Field, INPUT } from "~/acting/Field";
import { Button } from "~/design/Button";
import { changeProgram, removeAgent, renameAgent } from "./model/changing";
import { PROGRAMS } from "./model/fields";
import type { DesignedAgent } from "./model/reading";
import { NameField } from "./NameField";
import * as texts from "~/texts";

interface AgentListProps {
  agents: readonly DesignedAgent[];
  text: string;
  onChange: (text: string, what?: string) => void;
}

/** The agents of a file, and what each is. */
export function AgentList({ agents, text, onChange }: AgentListProps) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="flex min-w-0 flex-col gap-2">
      <h3 id={id} className="font-semibold">
        {texts.designer.agents}
      </h3>
      <datalist id={`${id}-programs`}>
        {PROGRAMS.map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
      <ul className="flex flex-col gap-2">
        {agents.map((agent, index) => (
          <li key={index} aria-label={agent.name} className="grid grid-cols-[1fr_1fr_auto] items-end gap-2">
            <NameField
              label={texts.designer.name}
              name={agent.name}
              taken={agents.filter((each) => each !== agent).map(({ name }) => name)}
              onRename={(name) => onChange(renameAgent(text, agent, name).text)}
            />
            <Field id={`${id}-${index}`} label={texts.designer.program}>
              <input
                id={`${id}-${index}`}
                className={INPUT}
                list={`${id}-programs`}
                value={agent.cli}
                spellCheck={false}
                autoCapitalize="off"
                autoComplete="off"
                onChange={({ target }) =>
                  onChange(changeProgram(text, agent, target.value), `program ${index}`)
                }
              />
            </Field>
            <Button
              look="quiet"
              className="h-9"
              aria-label={texts.designer.removeAgentOf(agent.name)}
              title={agent.steps.length > 0 ? texts.designer.agentIsUsed(agent.steps.join(", ")) : undefined}
              disabled={agent.steps.length > 0}
              onClick={() => onChange(removeAgent(text, agent))}
            >
              {texts.designer.removeAgent}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
