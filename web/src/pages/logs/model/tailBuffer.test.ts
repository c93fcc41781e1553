import { expect, test } from "vitest";
import { TailBuffer } from "./tailBuffer";

const line = (offset: number, epoch = "e") => ({ epoch, offset });
const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => line(from + n));

function offsets(buffer: TailBuffer<{ epoch: string; offset: number }>): (number | undefined)[] {
  return Array.from({ length: buffer.length }, (_, index) => buffer.at(index)?.offset);
}

test("a line that comes twice is there once", () => {
  const buffer = new TailBuffer(10);
  expect([line(1), line(2), line(2), line(1)].map((one) => buffer.append(one))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(offsets(buffer)).toEqual([1, 2]);
});

test("old lines go when there are too many, and the others keep their numbers", () => {
  const buffer = new TailBuffer(10, 5);
  lines(0, 16).forEach((one) => buffer.append(one));
  expect(buffer.length).toBe(10);
  expect(buffer.first).toBe(6);
  expect(buffer.end).toBe(16);
});

test("while somebody reads them old lines stay, though not without end", () => {
  const buffer = new TailBuffer(10, 5);
  buffer.hold(true);
  lines(0, 25).forEach((one) => buffer.append(one));
  expect(buffer.length).toBe(25);
  buffer.append(line(25));
  expect(buffer.length).toBe(10);
  buffer.append(line(26));
  buffer.hold(false);
  expect(buffer.length).toBe(11);
});

test("older lines are put ahead of the first, those that are there already are not", () => {
  const buffer = new TailBuffer(10);
  buffer.append(line(5));
  buffer.prepend(lines(2, 7));
  expect(offsets(buffer)).toEqual([2, 3, 4, 5]);
  expect(buffer.first).toBe(-3);
  expect(buffer.end).toBe(1);
});

test("another log takes the place of the one before", () => {
  const buffer = new TailBuffer(10);
  buffer.append(line(5));
  buffer.append(line(1, "f"));
  expect(offsets(buffer)).toEqual([1]);
});
