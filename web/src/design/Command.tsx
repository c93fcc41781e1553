import { ToCopy } from "./ToCopy";
import * as texts from "~/texts";

/** A command to run elsewhere, ready to copy. */
export function Command({ text }: { text: string }) {
  return (
    <ToCopy text={text} label={texts.design.copy}>
      <span aria-hidden="true" className="text-faint select-none">
        ${" "}
      </span>
    </ToCopy>
  );
}
