import { useState } from "react";
import { IconButton } from "../Button";
import { Icon } from "../Icon";
import * as texts from "~/texts";

interface CopyButtonProps {
  label: string;
  text: () => string;
  className?: string;
}

/** Puts a text where others can paste it. */
export function CopyButton({ label, text, className }: CopyButtonProps) {
  const [copied, setCopied] = useState<boolean>();
  const copy = () => {
    void navigator.clipboard.writeText(text()).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  const says = copied === undefined ? label : copied ? texts.design.copied : texts.design.notCopied;
  return (
    <IconButton label={says} className={className} onClick={copy} onBlur={() => setCopied(undefined)}>
      <Icon name={copied === undefined ? "copy" : copied ? "check" : "warning"} width="14" height="14" />
    </IconButton>
  );
}
