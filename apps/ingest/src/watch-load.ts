import type { RedisFacts } from '@penstock/runtime/redis-facts';
import type { Pressure } from './pressure.ts';

/** How often the event loop is looked at: the pressure's step. */
const LOOP_EVERY_MS = 100;

/** How often Redis is asked; a backlog of events of 2 kB at 10,000 a second is 20 MB in that time. */
const MEMORY_EVERY_MS = 1_000;

/** Room is there again below this share of the limit, so that one worked-off job does not open the gate. */
const ROOM_AGAIN_SHARE = 0.95;

/** Steps the pressure by how late a timer of this process is. */
export function watchLoop(pressure: Pick<Pressure, 'step'>): Disposable {
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    pressure.step(Math.max(0, now - last - LOOP_EVERY_MS));
    last = now;
  }, LOOP_EVERY_MS).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/**
 * Whether Redis has so little memory left that nothing more is to be queued.
 *
 * With `noeviction` Redis itself refuses at its limit, and then also the
 * scripts by which workers take and finish jobs: what lies there could not be
 * worked off. So the last part of its memory is theirs. While Redis does not
 * answer, what was known last holds: the queue says by itself that it is away.
 */
export function watchQueueMemory(options: {
  readonly facts: () => Promise<RedisFacts | null>;
  readonly percentMax: number;
}): Disposable & { readonly isFull: () => boolean } {
  let isFull = false;
  let isAsking = false;
  const look = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    try {
      const facts = await options.facts();
      if (facts !== null) isFull = judgeMemory(facts, { percentMax: options.percentMax, isFull });
    } catch {
      // See above.
    } finally {
      isAsking = false;
    }
  };
  const timer = setInterval(() => void look(), MEMORY_EVERY_MS).unref();
  return { isFull: () => isFull, [Symbol.dispose]: () => clearInterval(timer) };
}

/** Full at the limit, and until it is some way below it again; never where Redis has no limit. */
export function judgeMemory(
  { memoryUsedBytes, memoryMaxBytes }: Pick<RedisFacts, 'memoryUsedBytes' | 'memoryMaxBytes'>,
  before: { readonly percentMax: number; readonly isFull: boolean },
): boolean {
  if (memoryMaxBytes === 0) return false;
  const limit = (memoryMaxBytes * before.percentMax) / 100;
  return memoryUsedBytes >= (before.isFull ? limit * ROOM_AGAIN_SHARE : limit);
}
