import { PageHead } from "~/design/PageHead";

/** Needs you. */
export function InboxPage() {
  return <PageHead title="Needs you" />;
}
