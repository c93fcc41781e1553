import { useState } from "react";
import { Select } from "~/acting/Field";
import { Badge } from "~/design/Badge";
import { Button } from "~/design/Button";
import { useNow } from "~/design/now";
import { dayOrClock, whole } from "~/design/time";
import type { Answer } from "~/live/wire/ask";
import { tryOut, type Example, type Trial } from "./hooks";
import { doneLines } from "./model/lines";
import * as texts from "~/texts";

const DAYS = [1, 7, 30];

interface Tried {
  readonly answer: Answer<Trial>;
  readonly days: number;
  readonly text: string;
}

/** What the text would have done with the log of the last days. */
export function DryRun({ text, bad }: { text: string; bad: boolean }) {
  const [days, setDays] = useState(7);
  const [busy, setBusy] = useState(false);
  const [tried, setTried] = useState<Tried>();
  const begin = () => {
    setBusy(true);
    void tryOut(text, days).then((answer) => {
      setBusy(false);
      setTried({ answer, days, text });
    });
  };
  return (
    <section aria-labelledby="dry-run" className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <h2 id="dry-run" className="text-base font-semibold">
          {texts.hooks.dryRun}
        </h2>
        <Select
          aria-label={texts.hooks.over}
          className="!h-8 !w-auto"
          value={days}
          onChange={({ target }) => setDays(Number(target.value))}
        >
          {DAYS.map((each) => (
            <option key={each} value={each}>
              {texts.hooks.lastDays(each)}
            </option>
          ))}
        </Select>
        <Button disabled={busy || bad || text.trim() === ""} onClick={begin}>
          {busy ? texts.hooks.trying : texts.hooks.tryIt}
        </Button>
      </div>
      <p className="text-faint">{texts.hooks.dryRunHow}</p>
      <div role="status" className="flex flex-col gap-3 empty:hidden">
        {tried && <Result {...tried} stale={tried.text !== text} />}
      </div>
    </section>
  );
}

function Result({ answer, days, stale }: Tried & { stale: boolean }) {
  if ("refused" in answer) return <p className="text-bad">{answer.refused}</p>;
  const { hooks, events, sessions, complete } = answer.value;
  return (
    <>
      {stale && <p className="text-warn">{texts.hooks.stale}</p>}
      <ul className="overflow-hidden rounded-xl border border-line">
        {hooks.map((each) => (
          <li key={each.hook} className="flex flex-col gap-2 border-b border-line px-4 py-3 last:border-0">
            <p className="flex flex-wrap items-center gap-2">
              <Badge tone={each.runs > 0 ? "accent" : "neutral"}>{each.on}</Badge>
              <span>{texts.hooks.wouldHave(each.hook, each.runs, days)}</span>
            </p>
            {each.examples.length > 0 && <Examples examples={each.examples.toReversed()} of={each.runs} />}
          </li>
        ))}
      </ul>
      <p className="text-xs text-faint">
        {texts.hooks.lookedAt(events, sessions)} {!complete && texts.hooks.notAll}
      </p>
    </>
  );
}

function Examples({ examples, of }: { examples: readonly Example[]; of: number }) {
  const now = useNow();
  return (
    <details>
      <summary className="cursor-pointer text-xs text-faint hover:text-text">
        {examples.length < of ? texts.hooks.theLatest(examples.length) : texts.hooks.these}
      </summary>
      <ol className="mt-2 flex flex-col gap-2">
        {examples.map((each) => (
          <li key={`${each.session} ${each.cursor} ${each.agent}`} className="flex flex-col gap-1">
            <span className="text-xs text-faint">
              <time dateTime={new Date(each.at_ms).toISOString()} title={whole(each.at_ms)}>
                {dayOrClock(each.at_ms, now)}
              </time>{" "}
              · {each.session} / {each.agent}
            </span>
            <code className="rounded bg-code px-2 py-1 font-mono text-xs break-words whitespace-pre-wrap text-soft">
              {doneLines(each.does).join("\n")}
            </code>
          </li>
        ))}
      </ol>
    </details>
  );
}
