import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';

/** Repeats `check` until it returns something other than undefined or false, and returns that. */
export async function until<T>(
  check: () => T | undefined | false | Promise<T | undefined | false>,
  options: { what: string; deadlineMs?: number; everyMs?: number },
): Promise<T> {
  const { what, deadlineMs = 60_000, everyMs = 20 } = options;
  const deadlineAt = performance.now() + deadlineMs;
  let last = 'It was never checked.';
  let cause: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value;
      last = `The last check returned ${inspect(value)}.`;
      cause = undefined;
    } catch (error) {
      last = `The last check threw: ${error instanceof Error ? error.message : inspect(error)}`;
      cause = error;
    }
    if (performance.now() >= deadlineAt) throw new Error(`Waited ${deadlineMs} ms for ${what}. ${last}`, { cause });
    await sleep(everyMs);
  }
}
