import { Link } from "@tanstack/react-router";
import { Button } from "~/design/Button";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import { Seen } from "~/design/Seen";
import type { Asked } from "./documents";
import { ruleWords } from "./model/ruleWords";
import type { Answer } from "./useAnswer";
import * as texts from "~/texts";

/** A yes that is meant: what exactly is allowed. */
export interface Meant {
  readonly asked: readonly Asked[];
  readonly answer: Answer;
}

interface ConfirmDialogProps {
  meant: Meant;
  onClose: () => void;
  onAllow: (meant: Meant) => void;
}

/** The second step: of what is of high risk, of what holds for good, and of many at once. */
export function ConfirmDialog({ meant, onClose, onAllow }: ConfirmDialogProps) {
  const { asked, answer } = meant;
  const always = answer.always;
  const title = always ? texts.inbox.confirmAlways : texts.inbox.confirm(asked.length);
  return (
    <Dialog open onClose={onClose} title={title}>
      <DialogBody>
        {always && (
          <div className="mb-3 flex flex-col gap-2">
            <p>
              {texts.inbox.alwaysCovers} <code className="break-words">{ruleWords(always)}</code>
            </p>
            <ul aria-label={texts.inbox.tried} className="flex flex-col gap-1 text-xs">
              {always.examples.map(({ text, covered }) => (
                <li key={text} className="flex items-baseline gap-2">
                  <span className={covered ? "text-warn" : "text-good"}>
                    {covered ? texts.inbox.covered : texts.inbox.notCovered}
                  </span>
                  <code className="min-w-0 break-words whitespace-pre-wrap">
                    <Seen text={text} />
                  </code>
                </li>
              ))}
            </ul>
            <p className="text-xs text-soft">
              {texts.inbox.listedUnder} <Link to="/rules">{texts.rules.title}</Link>.
            </p>
          </div>
        )}
        <ul className="flex flex-col gap-3">
          {asked.map((one) => (
            <li key={one.key} className="flex flex-col gap-1">
              <span className="text-xs text-faint">
                {one.agent}
                {one.riskReasons.length > 0 && ` · ${one.riskReasons.join(" · ")}`}
              </span>
              <code className="max-h-40 overflow-y-auto rounded-md border border-line bg-code p-2 text-xs break-words whitespace-pre-wrap">
                <Seen text={one.command ?? one.title} />
              </code>
            </li>
          ))}
        </ul>
      </DialogBody>
      <DialogFoot>
        <Button look="quiet" onClick={onClose}>
          {texts.shared.cancel}
        </Button>
        <Button look="danger" onClick={() => onAllow(meant)}>
          {always ? texts.inbox.allowAlways : texts.inbox.allow(asked.length)}
        </Button>
      </DialogFoot>
    </Dialog>
  );
}
