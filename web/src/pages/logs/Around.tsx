import { useState } from "react";
import { useQuery } from "urql";
import { Button } from "~/design/Button";
import { said } from "~/live/wire/http";
import { AROUND } from "./documents";
import { LineRow } from "./LineRow";
import { lineOf } from "./model/lines";
import * as texts from "~/texts";

const LINES = [4, 12, 35];

interface AroundProps {
  session: string;
  /** What links to lines of the session say. */
  link: string;
  cursor: string;
}

/** A line whole, between what was logged before and after it. */
export function Around({ session, link, cursor }: AroundProps) {
  const [size, setSize] = useState(0);
  const [{ data, error }] = useQuery({
    query: AROUND,
    variables: { session, cursor, lines: LINES[size] ?? 4 },
  });
  const events = data?.session?.eventsAround.nodes ?? [];
  const note = error ? said(error) : data && events.length === 0 ? texts.logs.partGone : null;
  return (
    <div className="border-t border-line bg-sunk py-1">
      {note && <p className="px-4 py-1 text-xs text-faint">{note}</p>}
      {!data && !error && <p className="px-4 py-1 text-xs text-faint">{texts.shared.loading}</p>}
      {events.map((event) => (
        <LineRow key={event.cursor} line={lineOf(event)} session={link} chosen={event.cursor === cursor} />
      ))}
      {events.length > 0 && size < LINES.length - 1 && (
        <Button size="small" look="quiet" className="ml-2" onClick={() => setSize(size + 1)}>
          {texts.logs.moreAround}
        </Button>
      )}
    </div>
  );
}
