import { Button, IconButton } from "~/design/Button";
import { Icon } from "~/design/Icon";
import { whole } from "~/design/time";
import type { KeptRule } from "./documents";
import { Patterns } from "./Patterns";
import { aheadOf, keysOf, type Step } from "./rule";
import * as texts from "~/texts";

interface RuleListProps {
  rules: readonly KeptRule[];
  mayChange: boolean;
  onTry: (rule: KeptRule) => void;
  onRemove: (rule: KeptRule) => void;
  onMove: (place: number, step: Step) => void;
}

/** The rules in their order. Each has a key of its own: the focus stays at the button of the rule that is moved. */
export function RuleList({ rules, mayChange, onTry, onRemove, onMove }: RuleListProps) {
  const keys = keysOf(rules);
  return (
    <ol aria-label={texts.rules.title} className="overflow-hidden rounded-xl border border-line">
      {rules.map((rule, place) => (
        <li
          key={keys[place]}
          className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b border-line px-4 py-3 last:border-0"
        >
          <span className="w-5 text-xs text-faint tabular-nums">{place + 1}</span>
          <span className="flex min-w-0 flex-1 basis-64 flex-col gap-1">
            <Patterns rule={rule} />
            <Maker rule={rule} />
          </span>
          <span className="flex items-center gap-1">
            <Button size="small" look="quiet" onClick={() => onTry(rule)}>
              {texts.rules.try} <span className="sr-only">{texts.rules.number(place + 1)}</span>
            </Button>
            {mayChange && (
              <>
                {([-1, 1] as const).map((step) => (
                  <IconButton
                    key={step}
                    label={(step < 0 ? texts.rules.moveUp : texts.rules.moveDown)(place + 1)}
                    // Not `disabled`: it would lose the focus of who has just moved the rule to the end.
                    aria-disabled={aheadOf(rules, place, step) === undefined}
                    className="aria-disabled:cursor-not-allowed aria-disabled:opacity-50"
                    onClick={() => onMove(place, step)}
                  >
                    <Icon name="down" className={step < 0 ? "rotate-180" : ""} />
                  </IconButton>
                ))}
                <Button size="small" look="danger" onClick={() => onRemove(rule)}>
                  {texts.rules.remove} <span className="sr-only">{texts.rules.number(place + 1)}</span>
                </Button>
              </>
            )}
          </span>
        </li>
      ))}
    </ol>
  );
}

function Maker({ rule: { madeBy, madeAt } }: { rule: KeptRule }) {
  return (
    <span className="text-xs text-faint">
      {madeBy === null ? texts.rules.makerUnknown : texts.rules.madeBy(madeBy)}
      {madeAt !== null && (
        <>
          {" · "}
          <time dateTime={madeAt} className="tabular-nums">
            {whole(Date.parse(madeAt))}
          </time>
        </>
      )}
    </span>
  );
}
