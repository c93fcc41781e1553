import { PageHead } from "~/design/PageHead";

/** All sessions and machines. */
export function HomePage() {
  return <PageHead title="Home" />;
}
