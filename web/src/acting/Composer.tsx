import { memo, useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { useCommands } from "~/app/commands";
import { toast } from "~/app/toast";
import { Button } from "~/design/Button";
import { Icon } from "~/design/Icon";
import type { Agent } from "~/live/documents";
import { useLive } from "~/live/LiveContext";
import { act } from "./act";
import { addressed, completions, usualAddressee } from "./addressing";
import { SEND } from "./documents";
import { draftFor, keepDraft } from "./drafts";
import { NameList, optionId } from "./NameList";
import { Outgoing, type Mode } from "./outgoing";
import * as texts from "~/texts";

const MODES: Record<Mode, string> = {
  WAIT: texts.acting.whenIdle,
  STEER: texts.acting.intoTurn,
  INTERRUPT: texts.acting.interruptFirst,
};

/** The names that complete a text were sent away. */
const CLOSED = -1;
const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

interface ComposerProps {
  session: string;
  agents: readonly Agent[];
  /** Who is written to when the text names nobody. */
  chosen: string | undefined;
  onSent: () => void;
}

/**
 * Writes to one agent, a channel or, chosen on purpose, all agents; now or when they are idle. What is not sent stays as a
 * draft.
 */
export const Composer = memo(function Composer({ session, agents, chosen, onSent }: ComposerProps) {
  const { queries } = useLive();
  const box = useRef<HTMLTextAreaElement>(null);
  const [last, setLast] = useState<string | null>(null);
  // Whom this message goes to, if the reader chose that here.
  const [picked, setPicked] = useState<string | null>(null);
  const living = agents.filter((agent) => !agent.ended).map((agent) => agent.name);
  const otherwise = picked ?? chosen ?? usualAddressee(last, living);
  const [typed, setTyped] = useDraft(session, otherwise, chosen);
  const [mode, setMode] = useState<Mode>("WAIT");
  const [busy, setBusy] = useState(false);
  const [outgoing] = useState(
    () =>
      new Outgoing(
        ({ session, to, text, mode }, key) => act(queries, SEND, { session, to, text, mode }, key),
        (unsent) => {
          toast(texts.acting.notSent, { description: unsent.why, failed: true });
          setTyped((now) => [unsent.typed, now].filter(Boolean).join("\n"));
          setMode(unsent.mode);
        },
        setBusy,
      ),
  );
  const { to, text } = addressed(typed, otherwise);
  const list = useId();
  const [looked, setLooked] = useState({ typed: "", at: 0 });
  const at = looked.typed === typed ? looked.at : 0;
  const names = at === CLOSED ? [] : completions(typed, living);
  const pick = (name: string) => {
    setTyped(`@${name} `);
    box.current?.focus();
  };

  useCommands([
    {
      id: "compose",
      title: texts.acting.writeMessage,
      section: texts.acting.section,
      keys: "c",
      run: () => box.current?.focus(),
    },
  ]);

  const send = () => {
    if (!text) return;
    outgoing.send({ typed, session, to, text, mode });
    setTyped("");
    setMode("WAIT");
    if (to !== "*") setLast(to);
    setPicked(null);
    onSent();
    box.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    const name = names[at];
    const step = STEPS[event.key];
    if (name !== undefined && step !== undefined) {
      event.preventDefault();
      setLooked({ typed, at: (at + step + names.length) % names.length });
    } else if (name !== undefined && (event.key === "Tab" || event.key === "Enter") && !event.shiftKey) {
      event.preventDefault();
      pick(name);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape") {
      if (name === undefined) event.currentTarget.blur();
      else setLooked({ typed, at: CLOSED });
    }
  };

  return (
    <form
      aria-label={texts.acting.composer}
      className="shrink-0 border-t border-line bg-surface p-2 sm:p-3"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className="mx-auto flex max-w-3xl flex-col gap-2">
        {names.length > 0 && <NameList id={list} names={names} at={at} onPick={pick} />}
        <textarea
          ref={box}
          aria-label={texts.acting.messageTo(shown(to))}
          aria-autocomplete="list"
          {...(names.length > 0 && { "aria-controls": list, "aria-activedescendant": optionId(list, at) })}
          placeholder={texts.acting.messagePlaceholder(shown(otherwise))}
          rows={Math.min(8, typed.split("\n").length)}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={onKeyDown}
          className="w-full resize-none rounded-lg border border-line-strong bg-surface p-2 placeholder:text-faint"
        />
        <div className="flex flex-wrap items-center gap-2">
          <label className="flex items-center gap-1.5 text-xs text-faint">
            {texts.acting.deliver}
            <select
              value={mode}
              onChange={(event) => setMode(event.target.value as Mode)}
              className="h-7 rounded-md border border-line bg-surface px-1 text-soft max-sm:field-sizing-content pointer-coarse:h-10"
            >
              {Object.entries(MODES).map(([value, title]) => (
                <option key={value} value={value}>
                  {title}
                </option>
              ))}
            </select>
          </label>
          <span className="ml-auto flex min-w-0 items-center gap-1.5 text-xs text-faint">
            {texts.acting.to}
            <select
              aria-label={texts.acting.recipient}
              value={to}
              disabled={to !== otherwise}
              onChange={(event) => setPicked(event.target.value)}
              className="h-7 max-w-40 min-w-0 rounded-md border border-line bg-surface px-1 text-soft max-sm:field-sizing-content pointer-coarse:h-10"
            >
              {addressees(to, living).map((name) => (
                <option key={name} value={name}>
                  {name === "*" ? texts.acting.allAgents(living.length) : name}
                </option>
              ))}
            </select>
          </span>
          <Button type="submit" look="primary" size="small" disabled={!text}>
            <Icon name="send" />{" "}
            {busy
              ? texts.acting.sending
              : to === "*" && living.length > 1
                ? texts.acting.sendToAll(living.length)
                : texts.acting.send}
          </Button>
        </div>
      </div>
    </form>
  );
});

const shown = (to: string): string => (to === "*" ? texts.session.everybody : to);

/** Who can be written to; all of them last, so that it is chosen on purpose. */
const addressees = (to: string, living: readonly string[]): readonly string[] => [
  ...new Set([...living, ...(to === "*" ? [] : [to]), "*"]),
];

/**
 * The text in the box, kept as the draft for whom it goes to. Where the reader looks at another agent, that one's draft
 * takes its place; where only the addressee changes, the text goes along.
 */
function useDraft(session: string, to: string, chosen: string | undefined) {
  const [box, setBox] = useState(() => ({ to, chosen, typed: draftFor(sessionStorage, session, to) }));
  if (box.to !== to || box.chosen !== chosen) {
    const goesAlong = box.typed !== "" && box.chosen === chosen;
    setBox({ to, chosen, typed: goesAlong ? box.typed : draftFor(sessionStorage, session, to) });
  }
  const kept = useRef(box);
  useEffect(() => {
    const before = kept.current;
    // It went along, or was sent.
    if (before.to !== box.to && before.chosen === box.chosen)
      keepDraft(sessionStorage, session, before.to, "");
    keepDraft(sessionStorage, session, box.to, box.typed);
    kept.current = box;
  }, [session, box]);
  const setTyped = (typed: string | ((now: string) => string)) =>
    setBox((now) => ({ ...now, typed: typeof typed === "string" ? typed : typed(now.typed) }));
  return [box.typed, setTyped] as const;
}
