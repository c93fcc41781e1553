import { useEffect, useState } from "react";
import { money } from "~/design/number";
import { Table } from "~/design/Table";
import { dayOf } from "./model/days";
import { ask, type Answer } from "~/live/wire/ask";
import type { Invoice } from "./billing";
import * as texts from "~/texts";

/** The latest invoices; each leads to where it can be seen and paid. */
export function Invoices() {
  const [answer, setAnswer] = useState<Answer<{ invoices: readonly Invoice[] }>>();
  useEffect(() => {
    void ask<{ invoices: readonly Invoice[] }>("/v1/billing/invoices").then(setAnswer);
  }, []);
  if (!answer) return null;
  if ("refused" in answer) return <p className="mt-3 text-bad">{answer.refused}</p>;
  const { invoices } = answer.value;
  if (invoices.length === 0) return null;
  return (
    <div className="mt-4 text-xs">
      <Table
        caption={texts.billing.invoices}
        rows={invoices}
        rowKey={(one) => one.id}
        columns={[
          { title: texts.billing.date, cell: (one) => dayOf(one.created_ms) },
          { title: texts.billing.number, cell: (one) => <Number invoice={one} /> },
          { title: texts.billing.total, numeric: true, cell: (one) => total(one) },
          { title: texts.billing.status, cell: (one) => status(one) },
        ]}
      />
    </div>
  );
}

function Number({ invoice }: { invoice: Invoice }) {
  const name = invoice.number ?? invoice.id;
  if (!invoice.url) return name;
  return (
    <a className="text-accent underline" href={invoice.url} target="_blank" rel="noreferrer">
      {name}
    </a>
  );
}

function total({ total_cents }: Invoice): string {
  return total_cents < 0 ? `−${money(-total_cents / 100)}` : money(total_cents / 100);
}

function status({ status, refunded_cents }: Invoice): string {
  return refunded_cents ? texts.billing.refunded(status, money(refunded_cents / 100)) : status;
}
