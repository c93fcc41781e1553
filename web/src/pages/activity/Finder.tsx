import { useEffect, useRef, useState, type KeyboardEvent, type SubmitEvent } from "react";
import { AgentName } from "~/design/AgentName";
import { withoutEscapes } from "~/design/ansi/escapes";
import { Button, IconButton } from "~/design/Button";
import { classes } from "~/design/classes";
import { Icon } from "~/design/Icon";
import { Seen } from "~/design/Seen";
import { Timestamp } from "~/design/Timestamp";
import { said } from "~/live/wire/http";
import { useLive } from "~/live/LiveContext";
import { SEARCH, type Hit } from "~/pages/logs/documents";
import { pieces } from "~/pages/logs/model/highlights";
import type { Reading } from "./useConversation";
import * as texts from "~/texts";

const FOUND_AT_ONCE = 50;

export interface FinderProps {
  session: string;
  reading: Reading;
  onGo: (cursor: string) => void;
  onClose: () => void;
}

/** Finds what was said in the conversation, read or not, and what was said at a time. */
export function Finder({ session, reading, onGo, onClose }: FinderProps) {
  const { found, search, more } = useFound(session);
  const [chosen, setChosen] = useState<number | null>(null);
  const [query, setQuery] = useState("");
  const go = (place: number) => {
    const hit = found.hits[place];
    if (!hit) return;
    setChosen(place);
    onGo(hit.cursor);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") onClose();
  };
  const ask = (event: SubmitEvent) => {
    event.preventDefault();
    // The same words again: on to the next older place.
    if (found.query === query.trim() && found.hits.length > 0) go(chosen === null ? 0 : chosen + 1);
    else {
      setChosen(null);
      void search(query.trim());
    }
  };
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- Escape closes it from anywhere in it
    <div
      role="search"
      aria-label={texts.session.find}
      onKeyDown={onKeyDown}
      className="shrink-0 border-b border-line bg-surface"
    >
      <div className="mx-auto flex max-w-3xl flex-wrap items-center gap-2 px-3 py-2 sm:px-5">
        <form onSubmit={ask} className="flex min-w-48 flex-1 items-center gap-1">
          <input
            type="search"
            // eslint-disable-next-line jsx-a11y/no-autofocus -- it was asked for
            autoFocus
            aria-label={texts.session.findWords}
            placeholder={texts.session.findWords}
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            className="h-7 min-w-0 flex-1 rounded-md border border-line-strong bg-surface px-2 text-xs placeholder:text-faint pointer-coarse:h-10"
          />
          <IconButton
            label={texts.session.older}
            disabled={found.hits.length === 0}
            onClick={() => go(chosen === null ? 0 : chosen + 1)}
          >
            <Icon name="chevron" width="12" height="12" className="-rotate-90" />
          </IconButton>
          <IconButton
            label={texts.session.newer}
            disabled={chosen === null || chosen === 0}
            onClick={() => go((chosen ?? 1) - 1)}
          >
            <Icon name="chevron" width="12" height="12" className="rotate-90" />
          </IconButton>
        </form>
        <TimeField reading={reading} onGo={onGo} />
        <IconButton label={texts.session.closeFinder} onClick={onClose}>
          <Icon name="close" width="14" height="14" />
        </IconButton>
      </div>
      <p role="status" className="mx-auto max-w-3xl px-3 pb-1.5 text-2xs text-faint empty:hidden sm:px-5">
        {found.says}
      </p>
      {found.hits.length > 0 && (
        <ol
          aria-label={texts.session.foundPlaces}
          className="mx-auto max-h-56 max-w-3xl overflow-y-auto px-3 pb-2 sm:px-5"
        >
          {found.hits.map((hit, place) => (
            <li key={hit.cursor}>
              <FoundPlace hit={hit} isChosen={place === chosen} onGo={() => go(place)} />
            </li>
          ))}
          {found.next !== null && (
            <li>
              <Button look="quiet" size="small" onClick={() => void more()}>
                {texts.session.moreFound}
              </Button>
            </li>
          )}
        </ol>
      )}
    </div>
  );
}

function FoundPlace({ hit, isChosen, onGo }: { hit: Hit; isChosen: boolean; onGo: () => void }) {
  return (
    <button
      type="button"
      aria-current={isChosen}
      onClick={onGo}
      className={classes(
        "flex min-h-7 w-full items-baseline gap-2 rounded px-1 text-left text-xs hover:bg-hover pointer-coarse:min-h-10",
        isChosen && "bg-accent-soft",
      )}
    >
      <Timestamp at={Date.parse(hit.at)} />
      {hit.agent && (
        <span className="max-w-28 shrink-0 truncate">
          <AgentName name={hit.agent} />
        </span>
      )}
      <span className="min-w-0 flex-1 truncate text-soft">
        {pieces(hit.excerpt.text || hit.event, hit.excerpt.highlights).map((piece, number) =>
          piece.marked ? (
            <mark key={number} className="rounded-xs bg-warn-soft font-semibold text-warn">
              <Seen text={withoutEscapes(piece.text)} />
            </mark>
          ) : (
            <Seen key={number} text={withoutEscapes(piece.text)} />
          ),
        )}
      </span>
    </button>
  );
}

function TimeField({ reading, onGo }: { reading: Reading; onGo: (cursor: string) => void }) {
  const [time, setTime] = useState("");
  const go = async (event: SubmitEvent) => {
    event.preventDefault();
    // Without a zone, a date is read as one of where the reader is.
    const at = new Date(time);
    if (Number.isNaN(at.getTime())) return;
    const cursor = await reading.goToTime(at);
    if (cursor !== null) onGo(cursor);
  };
  return (
    <form onSubmit={(event) => void go(event)} className="flex items-center gap-1">
      <input
        type="datetime-local"
        step="1"
        aria-label={texts.session.time}
        value={time}
        onChange={(event) => setTime(event.target.value)}
        className="h-7 rounded-md border border-line-strong bg-surface px-1 text-xs text-soft pointer-coarse:h-10"
      />
      <Button type="submit" size="small" disabled={!time}>
        {texts.session.goToTime}
      </Button>
    </form>
  );
}

interface Found {
  readonly query: string;
  /** The newest first. */
  readonly hits: readonly Hit[];
  /** Where more of them begin; null when these are all. */
  readonly next: string | null;
  readonly says: string;
}

const NOTHING: Found = { query: "", hits: [], next: null, says: "" };

function useFound(session: string) {
  const { unkept } = useLive();
  const [found, setFound] = useState(NOTHING);
  const asked = useRef(0);
  useEffect(
    () => () => {
      asked.current = -1;
    },
    [],
  );
  const ask = async (query: string, known: readonly Hit[], after: string | null) => {
    const mine = (asked.current += 1);
    const variables = { query, session, first: FOUND_AT_ONCE, after };
    const { data, error } = await unkept.query(SEARCH, variables).toPromise();
    if (asked.current !== mine) return;
    if (!data) {
      setFound({ ...NOTHING, query, says: said(error) });
      return;
    }
    const { nodes, pageInfo } = data.workspace.logs;
    const hits = [...known, ...nodes.map((node) => node.line)];
    const next = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    const says =
      hits.length === 0 ? texts.session.notFound : texts.session.placesFound(hits.length, next !== null);
    setFound({ query, hits, next, says });
  };
  return {
    found,
    search: async (query: string) => {
      if (query) await ask(query, [], null);
      else setFound(NOTHING);
    },
    more: () => ask(found.query, found.hits, found.next),
  };
}
