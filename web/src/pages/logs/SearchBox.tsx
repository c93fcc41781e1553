import { useEffect, useRef, useState, type SyntheticEvent } from "react";
import { INPUT, Select } from "~/acting/Field";
import { useCommands } from "~/app/commands";
import { Button } from "~/design/Button";
import { Chip } from "~/design/Chip";
import { classes } from "~/design/classes";
import { spanWords } from "~/design/time";
import { AllLines } from "./AllLines";
import { conditions, without } from "./model/conditions";
import { AGES, saysWhen, spanOf } from "./model/range";
import type { SearchError } from "./model/searchError";
import { useAddress } from "./useAddress";
import * as texts from "~/texts";

const EXAMPLE = 'agent:Backend kind:command "exit 1" -lint';

/** Where a search is written: as text, as chips that can be taken away, and its span of time. */
export function SearchBox({ error, onAgain }: { error: SearchError | null; onAgain: () => void }) {
  const { address, go } = useAddress();
  const asked = address.q ?? "";
  const [typed, setTyped] = useState(asked);
  const input = useRef<HTMLInputElement>(null);
  useCommands([
    {
      id: "search-logs",
      title: texts.logs.searchLogs,
      section: texts.logs.title,
      keys: "/",
      run: () => input.current?.focus(),
    },
  ]);
  useEffect(() => {
    if (error?.column != null) input.current?.setSelectionRange(error.column - 1, error.column);
  }, [error]);
  const search = (event: SyntheticEvent) => {
    event.preventDefault();
    if (typed.trim() === asked) onAgain();
    else go({ q: typed });
  };
  return (
    <form role="search" onSubmit={search} className="flex flex-col gap-2 border-b border-line px-4 py-3">
      <div className="flex flex-wrap gap-2">
        <input
          ref={input}
          type="search"
          aria-label={texts.logs.searchLogs}
          aria-invalid={error !== null}
          aria-describedby="search-error"
          placeholder={EXAMPLE}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          className={classes(INPUT, "min-w-0 flex-1 basis-64 font-mono text-xs", error && "border-bad")}
        />
        <RangePicker />
        <AllLines />
        <Button type="submit" look="primary" className="h-9">
          {texts.logs.search}
        </Button>
      </div>
      <div id="search-error" role="status" className="empty:hidden">
        {error && <Refused error={error} typed={asked} />}
      </div>
      {asked && (
        <ul aria-label={texts.logs.conditions} className="flex flex-wrap gap-1.5">
          {conditions(asked).map((one) => (
            <li key={one.from} className="max-w-full">
              <Chip label={one.text} onRemove={() => go({ q: without(asked, one) })}>
                <code>{one.text}</code>
              </Chip>
            </li>
          ))}
        </ul>
      )}
    </form>
  );
}

function Refused({ error, typed }: { error: SearchError; typed: string }) {
  return (
    <div className="flex flex-col gap-1 rounded-md bg-bad-soft px-3 py-2 text-xs text-bad">
      <p>
        {error.message.charAt(0).toUpperCase() + error.message.slice(1)}
        {error.column !== null && texts.logs.column(error.column)}
      </p>
      {error.column !== null && (
        <pre aria-hidden="true" className="overflow-x-auto leading-4">
          {typed}
          {"\n"}
          {" ".repeat(error.column - 1)}^
        </pre>
      )}
    </div>
  );
}

function RangePicker() {
  const { address, go } = useAddress();
  const { range = "" } = address;
  const named = AGES.some((age) => age.range === range);
  const span = spanOf(range, 0);
  return (
    <Select
      aria-label={texts.logs.time}
      className="!w-auto max-w-full text-xs"
      value={range}
      disabled={saysWhen(address.q ?? "")}
      title={saysWhen(address.q ?? "") ? texts.logs.ownTimes : undefined}
      onChange={(event) => go({ range: event.target.value || undefined })}
    >
      <option value="">{texts.logs.allTime}</option>
      {AGES.map((age) => (
        <option key={age.range} value={age.range}>
          {age.title}
        </option>
      ))}
      {range && !named && span && (
        <option value={range}>{range.includes("..") ? spanWords(span) : range}</option>
      )}
    </Select>
  );
}
