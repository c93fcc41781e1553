import { memo, useMemo, useState } from "react";
import { Button } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { Icon } from "~/design/Icon";
import type { Agent } from "~/live/documents";
import type { Entry } from "./model/entries";
import { concerns } from "./model/concerns";
import { MessageView } from "./MessageView";
import { NoticeView } from "./NoticeView";
import { TurnView } from "./TurnView";
import type { Reading } from "./useConversation";
import { useFollow } from "./useFollow";
import * as texts from "~/texts";

/** How many of the latest entries are drawn, and how many more at each "Earlier". */
const DRAWN = 400;

interface ConversationViewProps {
  reading: Reading;
  agents: readonly Agent[];
  /** Only what concerns this agent. */
  chosen: string | undefined;
  /** What to run when nobody is there. */
  start: string;
}

/** Messages, turns and notices in the order they began. It follows the end until the reader scrolls away from it. */
export function ConversationView({ reading, agents, chosen, start }: ConversationViewProps) {
  const { entries } = reading;
  const [drawn, setDrawn] = useState(DRAWN);
  const wanted = useMemo(
    () => (chosen ? entries.filter((entry) => concerns(entry, chosen)) : entries),
    [entries, chosen],
  );
  const shown = wanted.slice(-drawn);
  const { scroller, content, following, unseen, follow, hold } = useFollow(entries.length);
  const earlier = () => {
    hold();
    setDrawn(drawn + DRAWN);
    if (shown.length === wanted.length) reading.loadEarlier();
  };
  return (
    <section aria-label={texts.session.conversation} className="relative flex min-h-0 flex-1 flex-col">
      <h2 className="sr-only">{texts.session.conversation}</h2>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it is scrolled by keyboard */}
      <div ref={scroller} tabIndex={0} className="min-h-0 flex-1 overflow-y-auto outline-offset-[-2px]">
        <div ref={content} className="mx-auto flex w-full max-w-3xl flex-col gap-1 px-3 py-4 sm:px-5">
          {(reading.hasEarlier || shown.length < wanted.length) && (
            <Button
              look="quiet"
              size="small"
              className="[overflow-anchor:none]"
              disabled={reading.loadingEarlier}
              onClick={earlier}
            >
              {reading.loadingEarlier ? texts.shared.loading : texts.session.earlier}
            </Button>
          )}
          {reading.state === "loading" && (
            <p className="py-10 text-center text-faint">{texts.shared.loading}</p>
          )}
          {reading.state === "ready" && shown.length === 0 && (
            <Nobody agents={agents} chosen={chosen} start={start} />
          )}
          <ol className="flex flex-col gap-1">
            {shown.map((entry) => (
              <EntryView key={entry.key} entry={entry} />
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

const EntryView = memo(function EntryView({ entry }: { entry: Entry }) {
  switch (entry.type) {
    case "message":
      return <MessageView message={entry} />;
    case "turn":
      return <TurnView turn={entry} />;
    case "notice":
      return <NoticeView notice={entry} />;
  }
});

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
    <Empty title={texts.session.noAgentsYetTitle} command={start}>
      {texts.session.noAgentsYetHow}
    </Empty>
  );
}
