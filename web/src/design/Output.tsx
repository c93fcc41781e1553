import { AnsiText } from "./ansi/AnsiText";

/** What a program has written, or is to run: as it is, and scrolled by itself where it is long. */
export function Output({ label, text }: { label: string; text: string }) {
  return (
    <figure className="min-w-0">
      <figcaption className="mb-1 text-xs text-faint">{label}</figcaption>
      <pre
        // Long outputs scroll by themselves, by keyboard too.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        aria-label={label}
        className="max-h-80 overflow-auto rounded-lg bg-code p-3 font-mono text-xs break-words whitespace-pre-wrap text-soft"
      >
        <AnsiText text={text} />
      </pre>
    </figure>
  );
}
