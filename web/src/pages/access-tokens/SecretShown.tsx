import { useState } from "react";
import { Button } from "~/design/Button";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import * as texts from "~/texts";

/** Shows a token's secret, this once. */
export function SecretShown({ secret, onClose }: { secret: string; onClose: () => void }) {
  const [copied, setCopied] = useState(false);
  return (
    <Dialog open onClose={onClose} title={texts.accessTokens.ready}>
      <DialogBody>
        <div className="flex flex-col gap-3">
          <p className="text-soft">{texts.accessTokens.shownOnce}</p>
          <p className="rounded-lg border border-line bg-code p-3 text-xs break-all">
            <code>{secret}</code>
          </p>
          <Button
            className="self-start"
            onClick={() => void navigator.clipboard.writeText(secret).then(() => setCopied(true))}
          >
            {copied ? texts.accessTokens.copied : texts.accessTokens.copy}
          </Button>
        </div>
      </DialogBody>
      <DialogFoot>
        <Button look="primary" onClick={onClose}>
          {texts.accessTokens.done}
        </Button>
      </DialogFoot>
    </Dialog>
  );
}
