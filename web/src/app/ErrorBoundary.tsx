import type { ErrorComponentProps } from "@tanstack/react-router";
import { Button } from "~/design/Button";
import { BASE } from "~/live/base";

/** A page that broke: the rest of the dashboard goes on. */
export function PageBroke({ error, reset }: ErrorComponentProps) {
  return (
    <section role="alert" className="mx-auto flex max-w-lg flex-col items-start gap-3 px-6 py-16">
      <h1 className="text-lg">This page broke</h1>
      <p className="text-soft">It is a fault of the dashboard; your agents are not affected.</p>
      <pre className="max-h-48 w-full overflow-auto rounded-lg bg-code p-3 text-xs text-soft">
        {error instanceof Error ? error.message : String(error)}
      </pre>
      <div className="flex gap-2">
        <Button look="primary" onClick={reset}>
          Try again
        </Button>
        <Button onClick={() => location.reload()}>Reload</Button>
      </div>
    </section>
  );
}

/** No such page. */
export function NoSuchPage() {
  return (
    <section className="mx-auto flex max-w-lg flex-col gap-2 px-6 py-16">
      <h1 className="text-lg">There is no such page</h1>
      <p className="text-soft">
        The address may be mistyped, or the session is gone.{" "}
        <a href={BASE} className="text-accent-text underline">
          All sessions
        </a>
      </p>
    </section>
  );
}
