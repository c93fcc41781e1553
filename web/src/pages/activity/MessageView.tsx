import { AgentName } from "~/design/AgentName";
import { Badge } from "~/design/Badge";
import { Icon } from "~/design/Icon";
import { Markdown } from "~/design/Markdown";
import { EntryFrame } from "./EntryFrame";
import type { MessageEntry } from "./model/entries";
import { Receipts } from "./Receipts";
import * as texts from "~/texts";

const MODES = { WAIT: null, STEER: texts.session.steers, INTERRUPT: texts.session.interrupts };

/** Who said what to whom, and how far it got. */
export function MessageView({ message, marked }: { message: MessageEntry; marked: boolean }) {
  const { from } = message;
  const mode = MODES[message.mode];
  return (
    <EntryFrame
      id={message.key}
      cursor={message.cursor}
      marked={marked}
      at={message.at}
      who={from.agentKey ? { agent: from.name } : { icon: "people" }}
      head={
        <h3 className="flex flex-wrap items-center gap-x-1.5 text-sm">
          {from.agentKey ? <AgentName name={from.name} /> : <span className="font-medium">{from.name}</span>}
          {/* A program may be called "operator"; nobody is to take it for a person. */}
          {from.role === "EXTERNAL" && <Badge>{texts.session.program}</Badge>}
          <Icon name="arrow" width="13" height="13" className="text-faint" />
          <span className="sr-only">{texts.session.to}</span>
          <Addressee to={message.to} />
          {mode && <Badge tone="warn">{mode}</Badge>}
        </h3>
      }
      copied={() => message.text}
    >
      <Markdown text={message.text} />
      <Receipts message={message} />
    </EntryFrame>
  );
}

function Addressee({ to }: { to: string }) {
  if (to === "*") return <span className="font-medium">{texts.session.everybody}</span>;
  return to.startsWith("#") ? <span className="font-medium">{to}</span> : <AgentName name={to} />;
}
