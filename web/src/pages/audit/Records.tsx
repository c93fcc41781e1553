import { Link } from "@tanstack/react-router";
import { Table } from "~/design/Table";
import { whole } from "~/design/time";
import type { AuditRecord } from "./documents";
import * as texts from "~/texts";

/** Some records. Each has an address of its own, and leads to what else its caller did. */
export function Records({ records }: { records: readonly AuditRecord[] }) {
  return (
    <div className="rounded-xl border border-line text-xs">
      <Table
        caption={texts.audit.caption}
        rows={records}
        rowKey={(record) => String(record.number)}
        columns={[
          {
            title: texts.audit.number,
            cell: (record) => <Number record={record} />,
          },
          { title: texts.audit.at, cell: (record) => <At at={record.at} /> },
          { title: texts.audit.what, cell: (record) => <span className="font-medium">{record.act}</span> },
          {
            title: texts.audit.on,
            cell: (record) => <span className="block min-w-44 break-all">{record.on}</span>,
          },
          { title: texts.audit.change, cell: (record) => <Change record={record} /> },
          { title: texts.audit.by, cell: (record) => <By record={record} /> },
          {
            title: texts.audit.from,
            cell: ({ by }) => (
              <span title={by.request ? texts.audit.request(by.request) : ""}>{by.address}</span>
            ),
          },
        ]}
      />
    </div>
  );
}

/** The router marks the one that the page's address names. */
function Number({ record }: { record: AuditRecord }) {
  return (
    <Link
      to="/audit"
      search={{ upTo: record.number }}
      aria-label={texts.audit.linkTo(record.number)}
      className="text-faint tabular-nums underline-offset-2 hover:underline aria-[current]:font-semibold aria-[current]:text-accent-text"
    >
      {record.number}
    </Link>
  );
}

function At({ at }: { at: string }) {
  const ms = Date.parse(at);
  return (
    <time dateTime={at} className="whitespace-nowrap text-soft tabular-nums">
      {whole(ms)}
    </time>
  );
}

function Change({ record: { before, after } }: { record: AuditRecord }) {
  return (
    <span className="line-clamp-3 max-w-xs min-w-40 break-all text-soft">
      {before !== null && (
        <>
          <del className="text-faint no-underline">{before}</del>
          <span aria-label={texts.audit.became}> → </span>
        </>
      )}
      {after}
    </span>
  );
}

function By({ record: { by } }: { record: AuditRecord }) {
  const key = by.memberKey ?? by.agentKey ?? by.tokenKey;
  const name = by.name ?? (key ? `${by.kind} ${key}` : texts.audit.callers(by.kind));
  if (!key) return <span className="whitespace-nowrap">{name}</span>;
  return (
    <Link
      to="/audit"
      search={{ by: key }}
      title={texts.audit.allBy}
      className="break-words underline-offset-2 hover:underline"
    >
      {name}
    </Link>
  );
}
