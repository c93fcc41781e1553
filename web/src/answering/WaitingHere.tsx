import { Link } from "@tanstack/react-router";
import { AgentName } from "~/design/AgentName";
import { Seen } from "~/design/Seen";
import type { Waiting } from "~/live/documents";
import { AnswerButton } from "./AnswerButton";
import { AskedHere } from "./AskedHere";
import { useStanding } from "./useStanding";
import * as texts from "~/texts";

/** So many beside the first have a line of their own; for more there is the page of all of them. */
const LINES = 3;

/** What a session's agents ask, in its conversation: the longest waiting whole, with the answers. */
export function WaitingHere({ waiting }: { waiting: readonly Waiting[] }) {
  const { rows, isOver, hold } = useStanding(waiting);
  const [first, ...others] = rows;
  if (!first) return null;
  const more = others.length - LINES;
  return (
    // What is in it has buttons of its own; the pointer only keeps it still.
    <section
      aria-label={texts.inbox.title}
      onPointerEnter={(event) => event.pointerType === "mouse" && hold(true)}
      onPointerLeave={() => hold(false)}
      // Until it is read what is asked, there is the room that it will take: nothing above it moves then.
      className="group/here max-h-[60%] sm:max-h-[36%] max-sm:has-[[data-asked=unread]]:h-[min(60%,20rem)] sm:has-[[data-asked=unread]]:h-[min(36%,20rem)] shrink-0 overflow-y-auto border-t border-line bg-warn-soft/40 px-3 py-2 sm:px-5"
    >
      <div className="mx-auto flex w-full max-w-3xl flex-col gap-2">
        <AskedHere key={first.key} waiting={first} over={isOver(first)} />
        {others.slice(0, LINES).map((one) => (
          <p
            key={one.key}
            className="flex items-center gap-2 text-xs group-has-[[data-asked=unread]]/here:invisible"
          >
            <AgentName name={one.agent} />
            <span className="min-w-0 flex-1 truncate text-warn">
              <Seen text={texts.session.asks(one.title)} />
            </span>
            {isOver(one) ? texts.inbox.over : <AnswerButton waiting={one} />}
          </p>
        ))}
        {more > 0 && (
          <Link to="/inbox" className="text-xs text-accent-text hover:underline">
            {texts.inbox.moreWait(more)}
          </Link>
        )}
      </div>
    </section>
  );
}
