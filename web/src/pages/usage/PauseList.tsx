import { useEffect } from "react";
import { useQuery } from "urql";
import { usePermissions } from "~/acting/usePermissions";
import { Table } from "~/design/Table";
import { said } from "~/live/wire/http";
import { PAUSES } from "~/live/pauses";
import { Instant, Until } from "~/live/PauseTimes";
import { useBudgets } from "~/live/useBudgets";
import { useSessionNames } from "./useSessionNames";
import * as texts from "~/texts";

/** What stopped what: the budgets and limits that have made something wait, and until when; nothing where none has. */
export function PauseList() {
  const permissions = usePermissions();
  const maySee = permissions.has("READ_WORKSPACE") || permissions.has("BILL");
  const [{ data, error }, refresh] = useQuery({ query: PAUSES, pause: !maySee });
  const nameOf = useSessionNames();
  const { budgets } = useBudgets();
  const states = budgets.map(({ key, state, limit }) => `${key} ${state} ${limit}`).join();
  useEffect(() => {
    if (maySee && states !== "") refresh({ requestPolicy: "network-only" });
  }, [maySee, states, refresh]);
  if (error && !data) return <p className="text-bad">{said(error)}</p>;
  const pauses = data?.workspace.pauses ?? [];
  if (pauses.length === 0) return null;
  return (
    <section aria-labelledby="pauses" className="rounded-xl border border-line">
      <h2 id="pauses" className="px-4 pt-3 pb-2 text-xs text-faint">
        {texts.billing.pauses}
      </h2>
      <div className="max-h-96 overflow-y-auto border-t border-line text-xs">
        <Table
          caption={texts.billing.pauses}
          rows={pauses}
          rowKey={(pause) => `${pause.at} ${pause.budgetKey ?? pause.limit}`}
          columns={[
            { title: texts.billing.when, cell: (pause) => <Instant at={pause.at} /> },
            { title: texts.billing.why, cell: (pause) => pause.text },
            {
              title: texts.usage.session,
              cell: (pause) => (pause.sessionKey === null ? "" : nameOf(pause.sessionKey)),
            },
            { title: texts.usage.agent, cell: (pause) => pause.agentName },
            { title: texts.billing.until, cell: (pause) => <Until pause={pause} /> },
          ]}
        />
      </div>
    </section>
  );
}
