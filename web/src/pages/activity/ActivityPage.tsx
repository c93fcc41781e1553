import { PageHead } from "~/design/PageHead";

/** What a session's agents do. */
export function ActivityPage() {
  return <PageHead title="Activity" />;
}
