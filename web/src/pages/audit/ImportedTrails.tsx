import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Command } from "~/design/Command";
import { grouped } from "~/design/number";
import { whole } from "~/design/time";
import { ask, type Answer } from "~/live/wire/ask";
import * as texts from "~/texts";

/** A trail that came with an archive (`GET /v1/audit/imported`). */
interface ImportedTrail {
  readonly id: string;
  readonly at_ms: number;
  /** The last record that is here by now. */
  readonly last: number;
  /** The key of the workspace that it is of. */
  readonly workspace: string;
  readonly head: { readonly first: number; readonly number: number };
  readonly checkpoint: { readonly key: string | null };
}

/** Trails of other workspaces that archives brought; nothing where there are none. */
export function ImportedTrails() {
  const [answer, setAnswer] = useState<Answer<{ trails: readonly ImportedTrail[] }>>();
  useEffect(() => void ask<{ trails: readonly ImportedTrail[] }>("/v1/audit/imported").then(setAnswer), []);
  if (!answer) return null;
  if ("refused" in answer)
    // A plan without the trail is told of where the records are.
    return answer.code === "PLAN_LIMIT" ? null : (
      <p className="text-bad">{texts.audit.importedNotRead(answer.refused)}</p>
    );
  const { trails } = answer.value;
  if (trails.length === 0) return null;
  return (
    <section aria-labelledby="imported" className="flex flex-col gap-3">
      <h2 id="imported" className="text-base font-semibold">
        {texts.audit.imported}
      </h2>
      <p className="text-xs text-soft">
        {texts.audit.importedMeans}{" "}
        <Link to="/audit" search={{ act: "workspace.imported" }} className="text-accent-text underline">
          {texts.audit.importedBy}
        </Link>
      </p>
      <ul className="flex flex-col gap-3">
        {trails.map((trail) => (
          <Trail key={trail.id} trail={trail} />
        ))}
      </ul>
    </section>
  );
}

function Trail({ trail: { id, at_ms, last, workspace, head, checkpoint } }: { trail: ImportedTrail }) {
  const missing = head.number - last;
  return (
    <li className="flex flex-col gap-2 rounded-xl border border-line p-3">
      <p className="font-medium break-all">{texts.audit.importedOf(workspace)}</p>
      <p className="text-xs text-soft">
        {whole(at_ms)} · {texts.audit.importedRecords(grouped(head.first), grouped(head.number))} ·{" "}
        {missing > 0 ? (
          <span className="text-warn">{texts.audit.importedMissing(grouped(missing))}</span>
        ) : (
          texts.audit.importedAll
        )}
      </p>
      <p className="text-xs wrap-anywhere text-soft">
        {checkpoint.key === null ? texts.audit.importedUnsigned : texts.audit.importedSigned(checkpoint.key)}
      </p>
      <div className="text-xs text-faint">
        {texts.audit.importedVerify}
        <Command text={`relaycast audit verify --imported ${id}`} />
      </div>
    </li>
  );
}
