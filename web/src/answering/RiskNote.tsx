import { Badge, type Tone } from "~/design/Badge";
import { Seen } from "~/design/Seen";
import type { Asked } from "./documents";
import * as texts from "~/texts";

const TONES: Record<Asked["risk"], Tone> = { LOW: "good", MEDIUM: "warn", HIGH: "bad" };
const WORDS: Record<Asked["risk"], string> = {
  LOW: texts.inbox.lowRisk,
  MEDIUM: texts.inbox.someRisk,
  HIGH: texts.inbox.highRisk,
};

/** How carefully to look, and why. */
export function RiskNote({ asked }: { asked: Asked }) {
  return (
    <div className="flex flex-wrap items-baseline gap-2">
      <Badge tone={TONES[asked.risk]}>{WORDS[asked.risk]}</Badge>
      {asked.riskReasons.length > 0 && (
        <p className="min-w-0 flex-1 text-xs text-soft">
          <Seen text={asked.riskReasons.join(" · ")} />
        </p>
      )}
    </div>
  );
}
