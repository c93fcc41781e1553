// @vitest-environment jsdom
import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { grouped, money } from "~/design/number";
import { Reported } from "./Reported";

afterEach(cleanup);

test("what was reported is told, and what was not is not told as nothing", () => {
  expect(render(<Reported value={1234} shown={grouped} />).container.textContent).toBe("1,234");
  const unknown = render(<Reported value={0} shown={money} />).container;
  expect(unknown.textContent).toBe("–Not reported");
  expect(unknown.querySelector("[aria-hidden=true]")?.textContent).toBe("–");
});
