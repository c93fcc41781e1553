import { Badge } from "~/design/Badge";
import { Seen } from "~/design/Seen";
import type { Asked } from "./documents";
import * as texts from "~/texts";

/** Whose yes rules require, and who has said it. Nothing where anybody's counts. */
export function Needed({ asked: { needs, assents } }: { asked: Asked }) {
  if (needs.length === 0) return null;
  return (
    <p className="flex flex-wrap items-baseline gap-2">
      <Badge tone="warn">{texts.inbox.needsPeople}</Badge>
      <span className="min-w-0 flex-1 text-xs text-soft">
        <Seen text={[...new Set(needs.map((need) => need.words))].join(texts.inbox.andPeople)} />
        {assents.length > 0 && (
          <>
            {" · "}
            <Seen text={texts.inbox.saidYes(assents.map((assent) => assent.by).join(", "))} />
          </>
        )}
      </span>
    </p>
  );
}
