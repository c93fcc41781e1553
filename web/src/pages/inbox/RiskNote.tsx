import { Badge, type Tone } from "~/design/Badge";
import type { Asked } from "./documents";

const TONES: Record<Asked["risk"], Tone> = { LOW: "good", MEDIUM: "warn", HIGH: "bad" };
const WORDS: Record<Asked["risk"], string> = { LOW: "Low risk", MEDIUM: "Some risk", HIGH: "High risk" };

/** How carefully to look, and why. */
export function RiskNote({ asked }: { asked: Asked }) {
  return (
    <div className="flex flex-wrap items-baseline gap-2">
      <Badge tone={TONES[asked.risk]}>{WORDS[asked.risk]}</Badge>
      {asked.riskReasons.length > 0 && (
        <p className="min-w-0 flex-1 text-xs text-soft">{asked.riskReasons.join(" · ")}</p>
      )}
    </div>
  );
}
