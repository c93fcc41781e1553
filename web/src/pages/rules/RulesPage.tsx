import { useState } from "react";
import { usePermissions } from "~/acting/usePermissions";
import { toast } from "~/app/toast";
import { Empty } from "~/design/Empty";
import { PageHead } from "~/design/PageHead";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { RemoveDialog } from "./RemoveDialog";
import { RuleForm } from "./RuleForm";
import { RuleList } from "./RuleList";
import { TrialDialog } from "./TrialDialog";
import type { Rule } from "./rule";
import { useRules } from "./useRules";
import * as texts from "~/texts";

/** What is answered without a person when agents ask for permission. */
export function RulesPage() {
  const overview = useReadable(useWorkspace().overview);
  const may = usePermissions();
  if (overview.state !== "ready") return <PageHead title={texts.rules.title} />;
  return (
    <>
      <PageHead title={texts.rules.title} />
      {may.has("READ_WORKSPACE") ? (
        <Rules mayChange={may.has("ADMINISTER")} />
      ) : (
        <Empty title={texts.rules.noAccess}>{texts.rules.noAccessHow}</Empty>
      )}
    </>
  );
}

function Rules({ mayChange }: { mayChange: boolean }) {
  const { rules, problem, busy, add, remove, move } = useRules();
  const [tried, setTried] = useState<Rule | null>(null);
  const [leaving, setLeaving] = useState<Rule | null>(null);
  if (problem !== undefined) return <Empty title={texts.rules.notRead}>{problem}</Empty>;
  const onAdd = async (rule: Rule) => {
    const added = await add(rule);
    if (added) toast(texts.rules.added);
    return added;
  };
  const onRemove = async (rule: Rule) => {
    const removed = await remove(rule);
    setLeaving(null);
    if (removed) toast(texts.rules.removed);
  };
  return (
    <div className="mx-auto flex w-full max-w-4xl flex-col gap-4 px-4 py-6">
      <p className="text-soft text-pretty">{texts.rules.intro}</p>
      {!mayChange && <p className="text-faint">{texts.rules.readOnly}</p>}
      <RuleForm mayAdd={mayChange} busy={busy} onTry={setTried} onAdd={onAdd} />
      {!rules && <p className="text-faint">{texts.shared.loading}</p>}
      {rules?.length === 0 && <Empty title={texts.rules.none}>{texts.rules.noneHow}</Empty>}
      {rules && rules.length > 0 && (
        <RuleList
          rules={rules}
          mayChange={mayChange}
          onTry={setTried}
          onRemove={setLeaving}
          onMove={(place, step) => void move(place, step)}
        />
      )}
      {tried && <TrialDialog rule={tried} onClose={() => setTried(null)} />}
      {leaving && (
        <RemoveDialog
          rule={leaving}
          busy={busy}
          onClose={() => setLeaving(null)}
          onRemove={() => void onRemove(leaving)}
        />
      )}
    </div>
  );
}
