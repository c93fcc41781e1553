import { useEffect, useState } from "react";
import { usePermissions } from "~/acting/usePermissions";
import { BUDGETS, type Budget } from "./budgets";
import { useLive } from "./LiveContext";

/** The budgets of the workspace as they stand, for those who see it or pay for it; and why they are not known. */
export function useBudgets(): { budgets: readonly Budget[]; failed: string | null } {
  const live = useLive();
  const [budgets, setBudgets] = useState<readonly Budget[]>([]);
  const [failed, setFailed] = useState<string | null>(null);
  const permissions = usePermissions();
  const maySee = permissions.has("READ_WORKSPACE") || permissions.has("BILL");
  useEffect(() => {
    if (!maySee) return;
    return live.subscribe(BUDGETS, () => ({}), {
      next: ({ budgets: now }) => {
        setBudgets(now);
        setFailed(null);
      },
      failed: setFailed,
    });
  }, [live, maySee]);
  return { budgets, failed };
}
