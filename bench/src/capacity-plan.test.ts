import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { planCapacity, type Demand } from './capacity-plan.ts';
import { measured } from './measured.ts';

const demand: Demand = {
  eventsPerDay: 1_000_000,
  peakFactor: 5,
  bodyBytes: 1_400,
  outageHours: 4,
  retentionDays: 90,
  handlerMs: 0,
};

test('a million events a day take two of each process, and disk and memory by the bytes measured', () => {
  const plan = planCapacity(demand);
  expect(plan).toMatchObject({ ingestProcesses: 2, workerProcesses: 2, queueShards: 1, needsMoreDatabase: false });
  expect(plan.peakPerSecond).toBeCloseTo(57.87, 2);
  expect(plan.storedBytes).toBe(90 * 1_000_000 * (1_400 + measured.storedBytesBesideBody));
  expect(plan.queueBytes).toBeCloseTo((1_000_000 / 6) * (1_400 + measured.queuedBytesBesideBody), 0);
});

test('nothing that is kept for ever has a size', () => {
  expect(planCapacity({ ...demand, retentionDays: null }).storedBytes).toBeNull();
});

test('more events never take fewer processes, shards, memory or disk', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e9 }),
      fc.integer({ min: 1, max: 1e9 }),
      fc.integer({ min: 0, max: 2_000 }),
      (one, other, handlerMs) => {
        const less = planCapacity({ ...demand, handlerMs, eventsPerDay: Math.min(one, other) });
        const more = planCapacity({ ...demand, handlerMs, eventsPerDay: Math.max(one, other) });
        for (const key of [
          'ingestProcesses',
          'workerProcesses',
          'queueShards',
          'queueBytes',
          'storedBytesPerDay',
        ] as const)
          expect(more[key]).toBeGreaterThanOrEqual(less[key]);
      },
    ),
  );
});

test('the processes planned do the peak with half of what one was measured to do', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (eventsPerDay) => {
      const plan = planCapacity({ ...demand, eventsPerDay });
      expect(plan.ingestProcesses * measured.ingestPerSecond).toBeGreaterThanOrEqual(2 * plan.peakPerSecond - 1e-6);
      expect(plan.workerProcesses * measured.workerPerSecond).toBeGreaterThanOrEqual(2 * plan.peakPerSecond - 1e-6);
    }),
  );
});
