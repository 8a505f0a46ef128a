import { AsyncLocalStorage } from 'node:async_hooks';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gather } from './gather.ts';

describe('what is gathered', () => {
  test('while there is room goes at once, and while there is none goes together', async () => {
    const groups: (readonly number[])[] = [];
    const gates: PromiseWithResolvers<void>[] = [];
    const add = gather<number, number>({
      itemsMax: 10,
      groupsMax: 1,
      take: async (items) => {
        groups.push(items);
        const gate = Promise.withResolvers<void>();
        gates.push(gate);
        await gate.promise;
        return items.map((item) => item * 10);
      },
    });
    const first = add(1);
    await turn();
    const others = [2, 3, 4].map(add);
    await turn();
    expect(groups).toEqual([[1]]);
    gates[0]?.resolve();
    expect(await first).toBe(10);
    expect(groups).toEqual([[1], [2, 3, 4]]);
    gates[1]?.resolve();
    expect(await Promise.all(others)).toEqual([20, 30, 40]);
  });

  test('waits for company while it comes fast, until it is enough or late; while it comes slowly nobody waits', async () => {
    let now = 0;
    const groups: (readonly number[])[] = [];
    const add = gather<number, number>({
      itemsMax: 100,
      groupsMax: 1,
      company: { waitMs: 2, expected: 2, enough: 8, clock: () => now },
      take: async (items) => {
        groups.push(items);
        return items;
      },
    });
    let last = 0;
    const arrive = async (count: number, gapMs: number): Promise<readonly Promise<number>[]> => {
      const results: Promise<number>[] = [];
      for (let left = count; left > 0; left -= 1) {
        now += gapMs;
        results.push(add((last += 1)));
        await turn();
      }
      return results;
    };
    const sizes = (): readonly number[] => groups.splice(0).map(({ length }) => length);

    await Promise.all(await arrive(5, 50));
    expect(sizes()).toEqual([1, 1, 1, 1, 1]);

    // A pace is known by some items of it; from then on eight make a group, long before two milliseconds are over.
    const fast = await arrive(40, 0.1);
    const learnt = sizes();
    expect(learnt.filter((size) => size === 8).length).toBeGreaterThanOrEqual(2);
    expect(learnt.filter((size) => size !== 8).every((size) => size === 1)).toBe(true);
    const left = 40 - learnt.reduce((sum, size) => sum + size, 0);
    expect(left).toBeGreaterThan(0);
    now += 2;
    await Promise.all(fast);
    expect(sizes()).toEqual([left]);

    // A pause alone does not make a pace slow: the first after it waits for the others.
    now += 1_000;
    const afterPause = await arrive(3, 0.1);
    expect(sizes()).toEqual([]);
    now += 2;
    await Promise.all(afterPause);
    expect(sizes()).toEqual([3]);

    const slow = await arrive(30, 1.5);
    now += 2;
    await Promise.all(slow);
    expect(sizes().slice(-10)).toEqual(Array.from({ length: 10 }, () => 1));
  });

  test('is taken within the context of the first of its group', async () => {
    const context = new AsyncLocalStorage<string>();
    const add = gather<number, string | undefined>({
      itemsMax: 1,
      groupsMax: 1,
      take: async (items) => {
        await turn();
        return items.map(() => context.getStore());
      },
    });
    const names = ['first', 'second', 'third'];
    expect(await Promise.all(names.map((name, number) => context.run(name, () => add(number))))).toEqual(names);
  });

  test('and still waits when it is told to stop is left, as is what comes after it; what was taken ends', async () => {
    const stop = new AbortController();
    const gate = Promise.withResolvers<void>();
    const add = gather<number, string>({
      itemsMax: 2,
      groupsMax: 1,
      until: { signal: stop.signal, left: (item) => `${item} left` },
      take: async (items) => {
        await gate.promise;
        return items.map((item) => `${item} taken`);
      },
    });
    const results = [1, 2, 3].map(add);
    await turn();
    stop.abort();
    expect(await Promise.all([results[2], add(4)])).toEqual(['3 left', '4 left']);
    gate.resolve();
    expect(await Promise.all(results)).toEqual(['1 taken', '2 taken', '3 left']);
  });

  test('fails together, and does not keep what comes after it', async () => {
    const add = gather<number, number>({
      itemsMax: 2,
      groupsMax: 1,
      take: async (items) => {
        if (items.includes(1)) throw new Error('the queue is away');
        return items;
      },
    });
    const settled = await Promise.allSettled([1, 2, 3].map(add));
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  });

  test('is answered each by its own result, in groups no larger and no more than they may be, in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        async (pauses, itemsMax, groupsMax, waits) => {
          let inHand = 0;
          const taken: number[] = [];
          const add = gather<number, string>({
            itemsMax,
            groupsMax,
            ...(waits ? { company: { waitMs: 1, expected: 1, enough: 3, clock: () => performance.now() } } : {}),
            take: async (items) => {
              inHand += 1;
              expect(inHand).toBeLessThanOrEqual(groupsMax);
              expect(items.length).toBeLessThanOrEqual(itemsMax);
              taken.push(...items);
              for (let left = pauses[items[0] ?? 0] ?? 0; left > 0; left -= 1) await turn();
              inHand -= 1;
              return items.map(String);
            },
          });
          const results = await Promise.all(pauses.map((_, number) => add(number)));
          expect(results).toEqual(pauses.map((_, number) => String(number)));
          expect(taken).toEqual(pauses.map((_, number) => number));
        },
      ),
      { numRuns: 60 },
    );
  });
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
