import type { ReactNode } from "react";
import { Avatar } from "~/design/Avatar";
import { Icon, type IconName } from "~/design/Icon";
import { Timestamp } from "~/design/Timestamp";

interface EntryFrameProps {
  id: string;
  at: number;
  /** An agent's name, or a picture for people. */
  who: { agent: string } | { icon: IconName };
  head: ReactNode;
  children: ReactNode;
}

/** An entry of the conversation: who, a line about it, and what it holds. What is out of sight is not laid out. */
export function EntryFrame({ id, at, who, head, children }: EntryFrameProps) {
  return (
    <li
      id={`entry-${id}`}
      className="group flex scroll-my-6 gap-3 rounded-lg px-2 py-2 [contain-intrinsic-size:auto_80px] [content-visibility:auto] target:bg-accent-soft hover:bg-sunk"
    >
      {"agent" in who ? (
        <Avatar name={who.agent} size={28} />
      ) : (
        <span className="inline-flex size-7 shrink-0 items-center justify-center rounded-md bg-accent-soft text-accent-text">
          <Icon name={who.icon} />
        </span>
      )}
      <div className="min-w-0 flex-1">
        <div className="flex min-h-5 flex-wrap items-baseline gap-x-2">
          {head}
          <Timestamp at={at} className="ml-auto text-2xs text-faint tabular-nums" />
        </div>
        <div className="mt-0.5 flex flex-col gap-2">{children}</div>
      </div>
    </li>
  );
}
