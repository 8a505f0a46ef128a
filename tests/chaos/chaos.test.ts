import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readOptions } from './options.ts';
import { plants } from './plants.ts';
import { faultKindsOf, planFaults } from './schedule.ts';

const root = path.join(import.meta.dirname, '../..');

describe('a schedule of faults', () => {
  const options = { seed: 7, minutes: 3, everyMs: 2_500, kinds: faultKindsOf('redis') };

  test('is the same for the same seed, and another for another', () => {
    expect(planFaults(options)).toEqual(planFaults(options));
    expect(planFaults({ ...options, seed: 8 })).not.toEqual(planFaults(options));
  });

  test('has every kind once before any comes again', () => {
    const { kinds } = options;
    const faults = planFaults(options);
    expect(faults.length).toBeGreaterThan(kinds.length);
    expect(new Set(faults.slice(0, kinds.length).map(({ kind }) => kind)).size).toBe(kinds.length);
  });

  test('has nothing for Redis where the queue lives in PostgreSQL', () => {
    expect(faultKindsOf('postgres').filter((kind) => kind.includes('redis'))).toEqual([]);
  });
});

test.each(plants)('the bug $name fits the product as it is', ({ edits }) => {
  for (const { file, from } of edits) expect(readFileSync(path.join(root, file), 'utf8').split(from)).toHaveLength(2);
});

test.each([
  [['--minutes', 'ten'], '--minutes must be a number from 0.1 to 1440'],
  [['--backend', 'kafka'], '--backend must be redis or postgres'],
  [['--faults', 'earthquake'], '--faults: there is no fault named earthquake'],
  [['--backend', 'postgres', '--faults', 'kill-redis'], '--faults: kill-redis needs a queue in Redis'],
  [['--plant', 'oak'], '--plant: there is no bug named oak'],
])('options %j are refused in words', (args, problem) => {
  expect(readOptions(args)).toEqual({ kind: 'problem', problem });
});
