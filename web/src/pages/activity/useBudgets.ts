import { useEffect, useState } from "react";
import { usePermissions } from "~/acting/usePermissions";
import { ask } from "~/live/ask";
import type { Budget } from "~/live/budgets";
import type { Entry } from "./model/entries";

/** The budgets of the workspace, for those who see it; asked for anew when turns have ended and when one is spent. */
export function useBudgets(entries: readonly Entry[]): readonly Budget[] {
  const [budgets, setBudgets] = useState<readonly Budget[]>([]);
  const maySee = usePermissions().has("READ_WORKSPACE");
  const ended = entries.filter((entry) => entry.type === "turn" && entry.endedAt !== null).length;
  const notices = entries.filter((entry) => entry.type === "notice").length;
  useEffect(() => {
    if (!maySee) return;
    let isCurrent = true;
    void ask<{ budgets: readonly Budget[] }>("/v1/budgets").then((answer) => {
      if (isCurrent && "value" in answer) setBudgets(answer.value.budgets);
    });
    return () => {
      isCurrent = false;
    };
  }, [maySee, ended, notices]);
  return budgets;
}
