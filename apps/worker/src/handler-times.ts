import type { Habits } from './run-in-turn.ts';

/** How long handlers take, and how many statements, as this worker has seen. */
export interface HandlerTimes extends Habits {
  readonly add: (handler: string, durationMs: number) => void;
  /** How long a statement of the worker's own took that handlers share a transaction with. */
  readonly addOwn: (durationMs: number) => void;
  /** Whether running it in one transaction with others' would keep them waiting for less than a commit takes. */
  readonly isQuick: (handler: string) => boolean;
  /** How long it can be expected to take; 0 where it has not been run yet. */
  readonly expectedMs: (handler: string) => number;
}

/** A statement takes a millisecond or less, and a commit a few; what takes longer waits for something else. */
const QUICK_MS = 15;

/** Share of the newest time in the mean: some ten runs are remembered. */
const NEWEST_SHARE = 0.1;

/** So many runs in a row with one statement, or none, and the next is expected to be like them. */
const ONCE_RUNS = 32;

const ONCE_RUNS_MAX = 100_000;

/**
 * An exponentially weighted mean of each handler's time. One that has not been run yet is taken to be quick, and so is
 * one that takes no longer than the worker's own statements: then it is the machine that is busy, and busier still
 * with many transactions in place of one.
 */
export function observeHandlerTimes(): HandlerTimes {
  const means = new Map<string, number>();
  const habits = new Map<string, { once: number; needed: number }>();
  let ownMean = 0;
  const towards = (mean: number, durationMs: number): number => mean + (durationMs - mean) * NEWEST_SHARE;
  return {
    add: (handler, durationMs) => void means.set(handler, towards(means.get(handler) ?? durationMs, durationMs)),
    addOwn: (durationMs) => {
      ownMean = towards(ownMean, durationMs);
    },
    addStatements: (handler, statements) => {
      const habit = habits.get(handler) ?? { once: 0, needed: ONCE_RUNS };
      habits.set(handler, habit);
      if (statements <= 1) habit.once += 1;
      else {
        // It was expected to ask once, and others did their work for nothing: the rarer it does so, the longer it is watched.
        if (habit.once >= habit.needed) habit.needed = Math.min(habit.needed * 2, ONCE_RUNS_MAX);
        habit.once = 0;
      }
    },
    asksOnce: (handler) => {
      const habit = habits.get(handler);
      return habit !== undefined && habit.once >= habit.needed;
    },
    isQuick: (handler) => (means.get(handler) ?? 0) <= Math.max(QUICK_MS, ownMean),
    expectedMs: (handler) => means.get(handler) ?? 0,
  };
}
