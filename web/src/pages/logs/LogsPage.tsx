import { PageHead } from "~/design/PageHead";

/** Logs. */
export function LogsPage() {
  return <PageHead title="Logs" />;
}
