import type { ErrorComponentProps } from "@tanstack/react-router";
import { Button } from "~/design/Button";
import { BASE } from "~/live/wire/base";
import * as texts from "~/texts";

/** A page that broke: the rest of the dashboard goes on. */
export function PageBroke({ error, reset }: ErrorComponentProps) {
  return (
    <section role="alert" className="mx-auto flex max-w-lg flex-col items-start gap-3 px-6 py-16">
      <h1 className="text-lg">{texts.shell.broke}</h1>
      <p className="text-soft">{texts.shell.brokeHow}</p>
      <pre className="max-h-48 w-full overflow-auto rounded-lg bg-code p-3 text-xs text-soft">
        {error instanceof Error ? error.message : String(error)}
      </pre>
      <div className="flex gap-2">
        <Button look="primary" onClick={reset}>
          {texts.shared.tryAgain}
        </Button>
        <Button onClick={() => location.reload()}>{texts.shared.reload}</Button>
      </div>
    </section>
  );
}

/** No such page. */
export function NoSuchPage() {
  return (
    <main className="mx-auto flex max-w-lg flex-col gap-2 px-6 py-16">
      <h1 className="text-lg">{texts.shell.noSuchPage}</h1>
      <p className="text-soft">
        {texts.shell.noSuchPageHow}{" "}
        <a href={BASE} className="text-accent-text underline">
          {texts.shell.allSessions}
        </a>
      </p>
    </main>
  );
}
