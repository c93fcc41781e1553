import { Badge } from "~/design/Badge";
import { Seen } from "~/design/Seen";
import type { Rule } from "./rule";
import { EFFECTS, patternsOf, requiredOf } from "./words";
import * as texts from "~/texts";

/** A rule: its effect and what it looks at. */
export function Patterns({ rule }: { rule: Rule }) {
  const { title, tone } = EFFECTS[rule.effect];
  const required = requiredOf(rule);
  return (
    <span className="flex min-w-0 flex-wrap items-baseline gap-x-3 gap-y-1">
      <Badge tone={tone}>{title}</Badge>
      {patternsOf(rule).map(([name, pattern]) => (
        <span key={name} className="min-w-0 break-all">
          <span className="text-xs text-faint">{name}</span>{" "}
          <code>
            <Seen text={pattern} />
          </code>
        </span>
      ))}
      {required !== null && (
        <span className="min-w-0 break-words">
          <span className="text-xs text-faint">{texts.rules.needs}</span> <Seen text={required} />
        </span>
      )}
    </span>
  );
}
