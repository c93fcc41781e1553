import { Command } from "~/design/Command";
import * as texts from "~/texts";

/** Consent is given at the machine, by whoever owns it: this is all that the page can say. */
export function Consent() {
  return (
    <span className="flex max-w-md min-w-60 flex-col gap-1">
      <span className="text-xs text-soft">{texts.hooks.typeThere}</span>
      <Command text="relay-connect hooks review" />
    </span>
  );
}
