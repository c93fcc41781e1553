import { memo, Suspense, useEffect, useMemo, useState } from "react";
import { useCommands } from "~/app/commands";
import { NothingYet } from "~/acting/NothingYet";
import { Button } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { classes } from "~/design/classes";
import { Icon } from "~/design/Icon";
import type { Agent } from "~/live/documents";
import { lazily } from "~/live/wire/code";
import type { MessageEntry } from "./model/entries";
import { concerns } from "./model/concerns";
import { questionsOf, Rows, type Row } from "./model/rows";
import { MessageView } from "./MessageView";
import { NoticeGroupView } from "./NoticeGroupView";
import { NoticeView } from "./NoticeView";
import { TurnView } from "./TurnView";
import type { Reading } from "./useConversation";
import type { FinderProps } from "./Finder";
import { useReadingPlace } from "./useReadingPlace";
import * as texts from "~/texts";

// What opens on a click need not be there for the first picture.
const Announcer = lazily(() => import("./Announcer").then((m) => ({ default: m.Announcer })));

interface ConversationViewProps {
  session: string;
  reading: Reading;
  agents: readonly Agent[];
  /** Only what concerns this agent. */
  chosen: string | undefined;
  /** The cursor of the entry to be at; none is at the end. */
  at: string | undefined;
  /** Changes when it is gone to, also where it is the same again. */
  gone: number;
  /** Be at a place, whoever it concerns. */
  onGo: (cursor: string) => void;
  /** Changes when the reader has sent something, which is then to be in sight. */
  sent: number;
  /** What to run when nobody is there. */
  start: string;
  /** Whether it is being searched. */
  finding: boolean;
  onFinding: (finding: boolean) => void;
  /** Whether it has the room that it will have: before that nothing is seen of it, as it would move. */
  isPlaced: boolean;
}

/** Messages, turns and notices in the order they began. It follows the end until the reader scrolls away from it. */
export function ConversationView({
  session,
  reading,
  agents,
  chosen,
  at,
  gone,
  onGo,
  sent,
  start,
  finding,
  onFinding,
  isPlaced,
}: ConversationViewProps) {
  const { entries, outline } = reading;
  const [rows] = useState(() => new Rows());
  const wanted = useMemo(
    () => rows.of(chosen ? entries.filter((entry) => concerns(entry, chosen)) : entries),
    [rows, entries, chosen],
  );
  const { scroller, list, shown, hasEarlier, following, unseen, marked, follow, earlier, onScroll } =
    useReadingPlace(reading, wanted, { at, gone });
  const questions = useMemo(() => questionsOf(outline), [outline]);
  useEffect(() => {
    if (sent > 0) follow();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once for each that was sent
  }, [sent]);
  const finder = useFinder(isPlaced);
  useCommands([
    {
      id: "find-in-conversation",
      title: texts.session.find,
      section: texts.session.conversation,
      keys: "/",
      run: () => onFinding(true),
    },
    {
      id: "follow-conversation",
      title: texts.session.toEnd,
      section: texts.session.conversation,
      keys: "G",
      run: follow,
    },
  ]);
  return (
    <section aria-label={texts.session.conversation} className="relative flex min-h-0 flex-1 flex-col">
      <h2 className="sr-only">{texts.session.conversation}</h2>
      <Suspense>
        <Announcer reading={reading} />
      </Suspense>
      {finding && finder && (
        <Finding
          with={finder}
          session={session}
          reading={reading}
          onGo={onGo}
          onClose={() => {
            onFinding(false);
            scroller.current?.focus();
          }}
        />
      )}
      <div
        ref={scroller}
        // It is scrolled by keyboard.
        tabIndex={0}
        role="group"
        aria-label={texts.session.entries}
        onScroll={onScroll}
        className="min-h-0 flex-1 overflow-y-auto overscroll-contain outline-offset-[-2px] [overflow-anchor:none]"
      >
        <div className="mx-auto flex w-full max-w-3xl flex-col gap-1 px-3 py-4 sm:px-5">
          {hasEarlier && (
            <Button look="quiet" size="small" disabled={reading.loadingEarlier} onClick={earlier}>
              {reading.loadingEarlier ? texts.shared.loading : texts.session.earlier}
            </Button>
          )}
          {reading.state === "loading" && (
            <p className="py-10 text-center text-faint">{texts.shared.loading}</p>
          )}
          {reading.state === "ready" && shown.length === 0 && (
            <Nobody agents={agents} chosen={chosen} start={start} />
          )}
          <ol
            ref={list}
            // Not by `visibility`, which is inherited: Chromium keeps it in entries out of sight when it is gone.
            className={classes("flex flex-col gap-1", !isPlaced && "pointer-events-none opacity-0")}
          >
            {shown.map((row) => (
              <RowView
                key={row.key}
                row={row}
                marked={markedIn(row, marked?.key)}
                question={questions.get(row.key)}
                onGo={onGo}
              />
            ))}
          </ol>
        </div>
      </div>
      {!following && (
        <Button
          look="primary"
          size="small"
          onClick={follow}
          className="absolute bottom-3 left-1/2 -translate-x-1/2 rounded-full shadow-float"
        >
          {unseen > 0 ? texts.session.unseen(unseen) : texts.session.latest}
          <Icon name="down" width="12" height="12" />
        </Button>
      )}
    </section>
  );
}

interface RowViewProps {
  row: Row;
  /** Which of its entries was gone to. */
  marked: string | null;
  question: MessageEntry | undefined;
  onGo: (cursor: string) => void;
}

const RowView = memo(function RowView({ row, marked, question, onGo }: RowViewProps) {
  const isMarked = marked !== null;
  switch (row.type) {
    case "message":
      return <MessageView message={row} marked={isMarked} />;
    case "turn":
      return <TurnView turn={row} marked={isMarked} question={question} onGo={onGo} />;
    case "notice":
      return <NoticeView notice={row} marked={isMarked} />;
    case "group":
      return <NoticeGroupView notices={row.notices} marked={marked} />;
  }
}, isSameRow);

/** A group is made anew with every change of anything. */
function isSameRow(before: RowViewProps, after: RowViewProps): boolean {
  if (before.marked !== after.marked || before.question !== after.question) return false;
  if (before.row === after.row) return true;
  if (before.row.type !== "group" || after.row.type !== "group") return false;
  const { notices } = after.row;
  return before.row.notices.length === notices.length && before.row.notices.at(-1) === notices.at(-1);
}

function markedIn(row: Row, marked: string | undefined): string | null {
  const keys = row.type === "group" ? row.notices.map(({ key }) => key) : [row.key];
  return marked !== undefined && keys.includes(marked) ? marked : null;
}

function Nobody({
  agents,
  chosen,
  start,
}: {
  agents: readonly Agent[];
  chosen: string | undefined;
  start: string;
}) {
  if (chosen) return <Empty title={texts.session.nothingOf(chosen)}>{texts.session.olderMay}</Empty>;
  if (agents.length > 0) return <Empty title={texts.session.quiet}>{texts.session.quietHow}</Empty>;
  return (
    <NothingYet title={texts.session.noAgentsYetTitle} how={texts.session.noAgentsYetHow} command={start} />
  );
}

type FinderModule = typeof import("./Finder");

/** What finds, loaded once there is time: it opens with the key for it, so that what is typed next is not lost. */
function useFinder(mayLoad: boolean): FinderModule | null {
  const [loaded, setLoaded] = useState<FinderModule | null>(null);
  useEffect(() => {
    if (mayLoad) void import("./Finder").then(setLoaded);
  }, [mayLoad]);
  return loaded;
}

function Finding({ with: { Finder }, ...props }: FinderProps & { with: FinderModule }) {
  return <Finder {...props} />;
}
