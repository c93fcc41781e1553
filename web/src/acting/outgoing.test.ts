import { expect, test } from "vitest";
import { NO_ANSWER, type Done } from "./act";
import { Outgoing, type Message, type Unsent } from "./outgoing";

const said = (typed: string): Message => ({ typed, session: "s", to: "*", text: typed, mode: "WAIT" });
const REFUSED: Done<unknown> = { done: false, code: "UNKNOWN_AGENT", message: "There is no such agent." };
const SILENT: Done<unknown> = { done: false, code: NO_ANSWER, message: "The broker did not answer." };
const SENT: Done<unknown> = { done: true, result: {} };

/** An outgoing box whose deliveries are answered by hand. */
function opened() {
  const asked: { text: string; key: string; answer: (done: Done<unknown>) => Promise<void> }[] = [];
  const restored: Unsent[] = [];
  const busy: boolean[] = [];
  const outgoing = new Outgoing(
    ({ text }, key) =>
      new Promise((resolve) => {
        const answer = async (done: Done<unknown>) => {
          resolve(done);
          await new Promise((rest) => setTimeout(rest));
        };
        asked.push({ text, key, answer });
      }),
    (unsent) => restored.push(unsent),
    (now) => busy.push(now),
  );
  return { outgoing, asked, restored, busy };
}

test("what is typed while a message is on its way is sent after it", async () => {
  const { outgoing, asked, busy } = opened();
  outgoing.send(said("one"));
  outgoing.send(said("two"));
  expect(asked.map((each) => each.text)).toEqual(["one"]);
  await asked[0]?.answer(SENT);
  expect(asked.map((each) => each.text)).toEqual(["one", "two"]);
  await asked[1]?.answer(SENT);
  expect(busy).toEqual([true, false]);
  expect(asked[0]?.key).not.toBe(asked[1]?.key);
});

test("a refused message comes back with those behind it, in their order", async () => {
  const { outgoing, asked, restored } = opened();
  outgoing.send(said("one"));
  outgoing.send({ ...said("two"), mode: "STEER" });
  await asked[0]?.answer(REFUSED);
  expect(restored).toEqual([{ typed: "one\ntwo", mode: "WAIT", why: "There is no such agent." }]);
  expect(asked).toHaveLength(1);
});

test("a message without an answer keeps its key when it is sent again unchanged, and not otherwise", async () => {
  const { outgoing, asked } = opened();
  outgoing.send(said("one"));
  await asked[0]?.answer(SILENT);
  outgoing.send(said("one"));
  await asked[1]?.answer(SILENT);
  outgoing.send(said("one more"));
  expect(asked[1]?.key).toBe(asked[0]?.key);
  expect(asked[2]?.key).not.toBe(asked[0]?.key);
});
