import { useState, type ReactNode } from "react";
import { IconButton } from "./Button";
import { Icon } from "./Icon";
import * as texts from "~/texts";

interface ToCopyProps {
  text: string;
  /** What the button is called. */
  label: string;
  /** Ahead of the text, and not copied. */
  children?: ReactNode;
}

/** A text that is needed elsewhere, ready to copy. */
export function ToCopy({ text, label, children }: ToCopyProps) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    void navigator.clipboard.writeText(text).then(() => setCopied(true));
  };
  return (
    <div className="flex w-full max-w-full items-center gap-2 rounded-lg border border-line bg-code py-1 pr-1 pl-3 text-left">
      <code className="min-w-0 flex-1 py-1 text-xs break-words whitespace-pre-wrap text-soft">
        {children}
        {text}
      </code>
      <IconButton label={copied ? texts.design.copied : label} onClick={copy} onBlur={() => setCopied(false)}>
        <Icon name={copied ? "check" : "copy"} />
      </IconButton>
    </div>
  );
}
