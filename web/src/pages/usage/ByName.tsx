import { useQuery } from "urql";
import { grouped, money } from "~/design/number";
import { Table } from "~/design/Table";
import { said } from "~/live/wire/http";
import { USED_BY_NAME } from "./documents";
import { heaviest, spent, type Counters } from "./model/days";
import { Reported } from "./Reported";
import { SaveTable } from "./SaveTable";
import { useSessionNames } from "./useSessionNames";
import * as texts from "~/texts";

interface Named {
  readonly name: string;
  readonly counts: Counters;
}

/** What sessions, people and models used, each as a table that can be saved. */
export function ByName({ since, until }: { since: string; until: string }) {
  const [{ data, error }] = useQuery({ query: USED_BY_NAME, variables: { since, until } });
  const nameOf = useSessionNames();
  if (error && !data) return <p className="text-bad">{said(error)}</p>;
  if (!data) return null;
  const { sessions, people, models } = data.workspace;
  const named = <Row extends Counters>(rows: readonly Row[], name: (row: Row) => string): Named[] =>
    heaviest(rows.filter((row) => spent(row) + row.messages + row.turns > 0)).map((row) => ({
      name: name(row),
      counts: row,
    }));
  return (
    <>
      <Names
        title={texts.usage.bySession}
        column={texts.usage.session}
        file="usage-by-session"
        rows={named(sessions, (row) => nameOf(row.sessionKey))}
      />
      <Names
        title={texts.usage.byPerson}
        column={texts.usage.person}
        file="usage-by-person"
        rows={named(people, (row) => filled(row.person) ?? texts.usage.nobody)}
      />
      <Names
        title={texts.usage.byModel}
        column={texts.usage.model}
        file="usage-by-model"
        rows={named(models, (row) => filled(row.model) ?? texts.usage.noModel)}
      />
    </>
  );
}

interface NamesProps {
  title: string;
  column: string;
  file: string;
  rows: readonly Named[];
}

function Names({ title, column, file, rows }: NamesProps) {
  if (rows.length === 0) return null;
  const figures = [
    {
      title: texts.usage.in,
      of: ({ counts }: Named) => counts.inputTokens,
      shown: grouped,
      isReported: true,
    },
    {
      title: texts.usage.out,
      of: ({ counts }: Named) => counts.outputTokens,
      shown: grouped,
      isReported: true,
    },
    {
      title: texts.usage.fromCaches,
      of: ({ counts }: Named) => counts.cachedTokens,
      shown: grouped,
      isReported: true,
    },
    { title: texts.usage.cost, of: ({ counts }: Named) => counts.costUsd, shown: money, isReported: true },
    {
      title: texts.usage.estimate,
      of: ({ counts }: Named) => counts.estimatedUsd,
      shown: money,
      isReported: true,
    },
    { title: texts.usage.turns, of: ({ counts }: Named) => counts.turns, shown: grouped, isReported: false },
    {
      title: texts.usage.messages,
      of: ({ counts }: Named) => counts.messages,
      shown: grouped,
      isReported: false,
    },
  ];
  const table = () => [
    [column, ...figures.map((figure) => figure.title)],
    ...rows.map((row) => [row.name, ...figures.map((figure) => figure.of(row))]),
  ];
  return (
    <div className="rounded-xl border border-line">
      <div className="flex items-center justify-between px-4 pt-3 pb-2">
        <h2 className="text-xs text-faint">{title}</h2>
        <SaveTable name={file} rows={table} />
      </div>
      <div className="max-h-96 overflow-y-auto border-t border-line text-xs">
        <Table
          caption={title}
          rows={rows}
          rowKey={(row) => row.name}
          columns={[
            { title: column, cell: (row: Named) => row.name },
            ...figures.map(({ title: name, of, shown, isReported }) => ({
              title: name,
              numeric: true,
              cell: (row: Named) =>
                isReported ? <Reported value={of(row)} shown={shown} /> : shown(of(row)),
            })),
          ]}
        />
      </div>
    </div>
  );
}

const filled = (name: string | null): string | null => (name === "" ? null : name);
