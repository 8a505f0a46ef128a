import { expect, test } from 'vitest';
import { mutants } from './simulation/mutants.ts';
import { commandOf, simulate } from './simulation/run.ts';

/** Four in a row that were looked at when they were chosen, and any other would do. */
const SEED = 20_260_101;

test(
  'the worker keeps its laws through 100,000 steps of crashes, outages, lost queues and repetitions',
  { timeout: 300_000 },
  async () => {
    const { broken, steps, happened, events, dead } = await simulate({ seed: SEED, steps: 100_000 });
    expect(broken === null ? null : `${broken.broken?.law}: ${commandOf(broken)}`).toBeNull();
    expect(steps).toBeGreaterThanOrEqual(100_000);
    // It was no walk in the park.
    expect(events).toBeGreaterThan(1_000);
    expect(dead).toBeGreaterThan(50);
    for (const what of [
      'a worker killed',
      'an outage',
      'a flush',
      'an older queue',
      'a forgery',
      'a collision',
      'a replay',
    ])
      expect(happened[what] ?? 0, what).toBeGreaterThan(20);
  },
);

test.each(mutants)('the simulation sees %s, and its command repeats it', { timeout: 180_000 }, async (mutant) => {
  const { broken } = await simulate({ seed: SEED, steps: 60_000, mutant });
  if (broken === null) throw new Error('no law was broken');
  const [, seed, steps] = /--seed (\d+) --steps (\d+)/.exec(commandOf(broken)) ?? [];
  const again = await simulate({ seed: Number(seed), steps: Number(steps), mutant });
  expect(again.broken?.broken).toMatchObject({ law: broken.broken?.law, step: broken.broken?.step });
});

test('the same seed takes the same way, and another takes another', async () => {
  const [one, same, other] = [
    await simulate({ seed: 5, steps: 2_000 }),
    await simulate({ seed: 5, steps: 2_000 }),
    await simulate({ seed: 6, steps: 2_000 }),
  ];
  expect(same).toEqual(one);
  expect(other.happened).not.toEqual(one.happened);
});
