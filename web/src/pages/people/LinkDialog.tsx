import { useState } from "react";
import { Button } from "~/design/Button";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import { whole } from "~/design/time";
import * as texts from "~/texts";

interface LinkDialogProps {
  title: string;
  url: string;
  until: string;
  onClose: () => void;
}

/** Shows a link that lets somebody in, this once. */
export function LinkDialog({ title, url, until, onClose }: LinkDialogProps) {
  return (
    <Dialog open onClose={onClose} title={title}>
      <DialogBody>
        <LinkShown url={url} until={until} />
      </DialogBody>
      <DialogFoot>
        <Button onClick={onClose}>{texts.people.done}</Button>
      </DialogFoot>
    </Dialog>
  );
}

/** The link, and what it is good for. */
export function LinkShown({ url, until }: { url: string; until: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div className="flex flex-col gap-3">
      <p className="text-soft">{texts.people.linkMeans(whole(Date.parse(until)))}</p>
      <p className="rounded-lg border border-line bg-code p-3 text-xs break-all">
        <a href={url}>{url}</a>
      </p>
      <Button
        className="self-start"
        onClick={() => void navigator.clipboard.writeText(url).then(() => setCopied(true))}
      >
        {copied ? texts.people.copied : texts.people.copyLink}
      </Button>
    </div>
  );
}
