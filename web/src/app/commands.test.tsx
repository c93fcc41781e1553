// @vitest-environment jsdom
import { createRoot } from "react-dom/client";
import { expect, test } from "vitest";
import { commands, useCommands } from "./commands";

function Counted({ count, did }: { count: number; did: number[] }) {
  useCommands([{ id: "next", title: "Next", section: "", keys: "j", run: () => void did.push(count) }]);
  return <p>{count}</p>;
}

/** Wait until the page shows something, and no longer: effects that come after the drawing have not run then. */
function shown(text: string): Promise<void> {
  return new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      if (document.body.textContent !== text) return;
      observer.disconnect();
      resolve();
    });
    observer.observe(document.body, { childList: true, subtree: true, characterData: true });
  });
}

test("what is on the screen answers to its keys from its first moment, as it was drawn last", async () => {
  const place = document.body.appendChild(document.createElement("main"));
  const root = createRoot(place);
  const did: number[] = [];
  for (const count of [1, 2]) {
    root.render(<Counted count={count} did={did} />);
    await shown(String(count));
    commands.for("j")?.run();
  }
  root.unmount();
  place.remove();
  expect(did).toEqual([1, 2]);
  expect(commands.for("j")).toBeUndefined();
});
