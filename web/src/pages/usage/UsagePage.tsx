import { PageHead } from "~/design/PageHead";

/** Usage. */
export function UsagePage() {
  return <PageHead title="Usage" />;
}
