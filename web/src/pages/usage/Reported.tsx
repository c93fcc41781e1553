import * as texts from "~/texts";

interface ReportedProps {
  value: number;
  shown: (value: number) => string;
}

/** A figure that programs tell of themselves: of one that tells nothing it is not known, and not zero. */
export function Reported({ value, shown }: ReportedProps) {
  if (value > 0) return shown(value);
  return (
    <span className="text-faint" title={texts.usage.notReported}>
      <span aria-hidden="true">–</span>
      <span className="sr-only">{texts.usage.notReported}</span>
    </span>
  );
}
