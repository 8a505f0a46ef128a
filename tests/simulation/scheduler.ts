import type { Random } from './random.ts';

/** A process of the simulated fleet. What a dead one waits for never comes. */
export interface SimulatedProcess {
  readonly name: string;
  isAlive: boolean;
}

interface Waiting {
  readonly process: SimulatedProcess;
  readonly effect: string;
  readonly go: () => void;
  readonly fail: (error: Error) => void;
}

/**
 * Suspends every process at every effect, and lets one go on at a time, chosen
 * by the seed. Between two choices all that can run without an effect has run.
 */
export interface Scheduler {
  /** Resolves when it is this process's turn; never where it is dead by then. */
  readonly turn: (process: SimulatedProcess, effect: string) => Promise<void>;
  /** Lets one process go on, or fail; false where none waits. Returns once all is suspended again. */
  readonly advance: (failWith: ((effect: string) => Error | null) | null) => Promise<boolean>;
  readonly kill: (process: SimulatedProcess) => void;
  /** Rings once the clock has come so far. */
  readonly after: (process: SimulatedProcess, milliseconds: number, ring: () => void) => () => void;
  readonly now: () => number;
  /** Moves the clock and rings what is due. */
  readonly pass: (milliseconds: number) => Promise<void>;
  /** What went on last, for the story of a failure. */
  readonly log: readonly string[];
  readonly tell: (line: string) => void;
}

/** Enough of the past to see how it came to a failure. */
const LOG_LINES = 60;

export function createScheduler(random: Random, startMs: number): Scheduler {
  let waiting: Waiting[] = [];
  let timers: { readonly process: SimulatedProcess; readonly at: number; readonly ring: () => void }[] = [];
  let now = startMs;
  const log: string[] = [];
  const tell = (line: string): void => {
    log.push(line);
    if (log.length > LOG_LINES) log.shift();
  };
  // Promises settle before the next immediate, however long their chains are.
  const settled = (): Promise<void> => new Promise((resume) => setImmediate(resume));

  return {
    log,
    tell,
    now: () => now,
    turn: (process, effect) =>
      new Promise((go, fail) => {
        if (process.isAlive) waiting.push({ process, effect, go, fail });
      }),
    advance: async (failWith) => {
      const index = random.below(waiting.length);
      const next = waiting[index];
      if (next === undefined) return false;
      waiting.splice(index, 1);
      const error = failWith?.(next.effect) ?? null;
      tell(`${next.process.name} ${next.effect}${error === null ? '' : `: ${error.message}`}`);
      if (error === null) next.go();
      else next.fail(error);
      await settled();
      return true;
    },
    kill: (process) => {
      process.isAlive = false;
      waiting = waiting.filter((other) => other.process !== process);
      timers = timers.filter((other) => other.process !== process);
    },
    after: (process, milliseconds, ring) => {
      const timer = { process, at: now + milliseconds, ring };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    pass: async (milliseconds) => {
      now += milliseconds;
      const due = timers.filter((timer) => timer.at <= now);
      timers = timers.filter((timer) => timer.at > now);
      for (const timer of due) timer.ring();
      await settled();
    },
  };
}
