import { classes } from "./classes";

const LOOKS: Record<string, string> = {
  "+": "bg-good-soft text-good",
  "-": "bg-bad-soft text-bad",
  "@": "text-accent-text",
};

/** A unified diff, line by line; the signs stay, so that colour is not all there is. */
export function DiffText({ diff }: { diff: string }) {
  const lines = diff.replace(/\n$/, "").split("\n");
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- long lines are scrolled by keyboard too
    <pre tabIndex={0} className="max-h-96 overflow-auto py-1 text-xs leading-5">
      <code className="block min-w-max">
        {lines.map((line, number) => (
          <span key={number} className={classes("block px-3", LOOKS[line[0] ?? ""])}>
            {line || " "}
          </span>
        ))}
      </code>
    </pre>
  );
}
