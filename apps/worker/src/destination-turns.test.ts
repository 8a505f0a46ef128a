import { describe, expect, test } from 'vitest';
import { openTurns, type Turns } from './destination-turns.ts';

describe.each([1, 3])('in %i processes', (processes) => {
  test('of many that wait for a rate each is looked at a few times, and the rate is used up', () => {
    const { looks, begun, endedMs } = run({ messages: 2_000, processes, limits: { concurrency: 4, perSecond: 50 } });
    expect(begun).toHaveLength(2_000);
    expect(looks).toBeLessThanOrEqual(3 * 2_000);
    expect(endedMs).toBeLessThan((2_000 / (50 * processes)) * 1_000 * 1.25);
  });

  test('of many that wait for a place each is looked at a few times, and no place is left empty for long', () => {
    const limits = { concurrency: 4, perSecond: undefined };
    const { looks, begun, endedMs } = run({ messages: 2_000, processes, limits, lastsMs: () => 200 });
    expect(begun).toHaveLength(2_000);
    expect(looks).toBeLessThanOrEqual(5 * 2_000);
    expect(endedMs).toBeLessThan(((2_000 * 200) / (4 * processes)) * 1.25);
  });
});

test('no two begin closer together than their share of a second, however late they come and load', () => {
  const { begun } = run({
    messages: 500,
    limits: { concurrency: 100, perSecond: 50 },
    lateMs: (nth) => (nth % 97 === 0 ? 700 : nth % 13),
    loadMs: (nth) => (nth % 7) * 5,
  });
  for (const [position, at] of begun.entries())
    if (position > 0) expect(at - (begun[position - 1] ?? 0)).toBeGreaterThanOrEqual(20 - 1e-6);
});

test('no more are under way at once than may be', () => {
  const { mostUnderWay } = run({
    messages: 500,
    limits: { concurrency: 3, perSecond: undefined },
    lastsMs: (nth) => (nth * 37) % 400,
  });
  expect(mostUnderWay).toBe(3);
});

test('what is promised is two minutes ahead at most, and what would come after it asks again while there are turns to be had', () => {
  const turns = openTurns({ concurrency: 4, perSecond: 10 });
  const told = Array.from({ length: 5_000 }, () => visit(turns, 0)).filter((delayMs) => delayMs > 0);
  expect(Math.max(...told)).toBeLessThanOrEqual(120_000);
  expect(told.filter((delayMs) => delayMs >= 60_000 && delayMs < 90_000).length).toBeGreaterThan(1_500);
  expect(told.filter((delayMs) => delayMs < 60_000).length).toBeLessThanOrEqual(600);
});

test('many more than can be promised are looked at no more often than every minute and a half, and all begin', () => {
  const { looks, begun, endedMs } = run({ messages: 20_000, limits: { concurrency: 4, perSecond: 50 } });
  expect(begun).toHaveLength(20_000);
  expect(looks).toBeLessThanOrEqual(20_000 * (2 + 400 / 90));
  expect(endedMs).toBeLessThan(400_000 * 1.05);
});

test('a destination that is left alone gives nobody a turn, and those who wait are told different moments after it', () => {
  const turns = openTurns({ concurrency: 4, perSecond: undefined });
  turns.rest(1_000, 30_000);
  const told = Array.from({ length: 10 }, () => turns.ask(2_000));
  expect(Math.min(...told)).toBe(29_000);
  expect(new Set(told).size).toBe(10);
  expect(turns.ask(31_000)).toBe(0);
});

test('a slow delivery is learned from: those who wait are told moments further apart', () => {
  const turns = openTurns({ concurrency: 1, perSecond: undefined });
  for (let nowMs = 0; nowMs < 200_000; nowMs += 10_000) {
    turns.enter(nowMs);
    turns.leave(nowMs + 10_000, nowMs);
  }
  turns.enter(200_000);
  const [first = 0, second = 0] = [turns.ask(200_000), turns.ask(200_000)];
  expect(second - first).toBeGreaterThan(4_000);
});

function visit(turns: Turns, nowMs: number): number {
  const delayMs = turns.ask(nowMs);
  if (delayMs === 0) turns.enter(nowMs);
  return delayMs;
}

/**
 * Messages that come again when they are told to, a little late and to whichever
 * process has them next, on a clock that goes from one thing to the next.
 */
function run(given: {
  readonly messages: number;
  readonly processes?: number;
  readonly limits: Parameters<typeof openTurns>[0];
  readonly lastsMs?: (look: number) => number;
  readonly lateMs?: (look: number) => number;
  readonly loadMs?: (look: number) => number;
}) {
  const { messages, processes = 1, limits, lastsMs = () => 20, lateMs = (nth) => nth % 13, loadMs = () => 1 } = given;
  const all = Array.from({ length: processes }, () => openTurns(limits));
  const agenda = new Map<number, (() => void)[]>();
  const due: number[] = [];
  const at = (timeMs: number, what: () => void): void => {
    const time = Math.ceil(timeMs * 4) / 4;
    const there = agenda.get(time);
    if (there !== undefined) return void there.push(what);
    agenda.set(time, [what]);
    insert(due, time);
  };
  let nowMs = 0;
  let [looks, underWay, mostUnderWay] = [0, 0, 0];
  const begun: number[] = [];
  const come = (): void => {
    looks += 1;
    const nth = looks;
    const turns = all[(nth * 7 + Math.floor(nth / processes)) % processes] ?? openTurns(limits);
    const delayMs = turns.ask(nowMs);
    if (delayMs > 0) return at(nowMs + delayMs + lateMs(nth), come);
    turns.enter(nowMs);
    underWay += 1;
    mostUnderWay = Math.max(mostUnderWay, underWay);
    const enteredMs = nowMs;
    at(nowMs + loadMs(nth), () => {
      const beginsMs = nowMs + turns.begin(nowMs);
      begun.push(beginsMs);
      at(beginsMs + lastsMs(nth), () => {
        underWay -= 1;
        turns.leave(nowMs, enteredMs);
      });
    });
  };
  // A first look at each takes half a millisecond.
  for (let number = 0; number < messages; number += 1) at(number / 2, come);
  for (let time = due.pop(); time !== undefined; time = due.pop()) {
    nowMs = time;
    const things = agenda.get(time) ?? [];
    agenda.delete(time);
    for (const thing of things) thing();
  }
  return { looks, begun: begun.toSorted((left, right) => left - right), endedMs: nowMs, mostUnderWay };
}

/** Into a list that is sorted, the earliest last. */
function insert(sorted: number[], time: number): void {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) > time) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, time);
}
