import type { ReactNode } from "react";
import { Avatar } from "~/design/Avatar";
import { CopyButton } from "~/design/code/CopyButton";
import { classes } from "~/design/classes";
import { Icon, type IconName } from "~/design/Icon";
import { EntryLink } from "./EntryLink";
import * as texts from "~/texts";

interface EntryFrameProps {
  id: string;
  cursor: string;
  at: number;
  /** The one that was gone to. */
  marked: boolean;
  /** An agent's name, or a picture for people. */
  who: { agent: string } | { icon: IconName };
  head: ReactNode;
  /** What its button copies. */
  copied: () => string;
  children: ReactNode;
}

/** An entry of the conversation: who, a line about it, and what it holds. What is out of sight is not laid out. */
export function EntryFrame({ id, cursor, at, marked, who, head, copied, children }: EntryFrameProps) {
  return (
    <li
      id={`entry-${id}`}
      aria-current={marked ? "location" : undefined}
      className={classes(
        "group flex gap-3 rounded-lg px-2 py-2 [contain-intrinsic-size:auto_80px] [content-visibility:auto]",
        marked ? "bg-accent-soft" : "hover:bg-sunk",
      )}
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
          <CopyButton
            label={texts.session.copyText}
            text={copied}
            className="-my-1 ml-auto opacity-0 group-hover:opacity-100 focus-visible:opacity-100 pointer-coarse:opacity-100"
          />
          <EntryLink at={at} cursor={cursor} />
        </div>
        <div className="mt-0.5 flex flex-col gap-2">{children}</div>
      </div>
    </li>
  );
}
