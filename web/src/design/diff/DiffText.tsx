import { classes } from "../classes";
import { Seen } from "../Seen";

const LOOKS: Record<string, string> = {
  "+": "bg-good-soft text-good",
  "-": "bg-bad-soft text-bad",
  "@": "text-accent-text",
};

/** What is no diff that can be read, line by line as it was given. */
export function DiffText({ diff, className }: { diff: string; className: string }) {
  const lines = diff.replace(/\n$/, "").split("\n");
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- long lines are scrolled by keyboard too
    <pre tabIndex={0} className={classes("overflow-x-auto py-1 text-xs leading-5", className)}>
      <code className="block min-w-max">
        {lines.map((line, number) => (
          <span key={number} className={classes("block px-3", LOOKS[line[0] ?? ""])}>
            <Seen text={line || " "} />
          </span>
        ))}
      </code>
    </pre>
  );
}
