import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, test } from 'vitest';
import { providers } from './registry.ts';
import { stripeEventTypes } from './stripe/documented-types.ts';

test("Stripe's event types are those that its own package lists", () => {
  const main = createRequire(import.meta.url).resolve('stripe');
  const declared = readFileSync(
    path.join(main.slice(0, main.lastIndexOf(`${path.sep}cjs`)), 'esm/resources/Events.d.ts'),
    'utf8',
  );
  const [, union = ''] = /type Type = (?<union>[^;]+);/.exec(declared) ?? [];
  expect([...stripeEventTypes].sort()).toEqual(
    union
      .split(' | ')
      .map((type) => type.slice(1, -1))
      .sort(),
  );
});

test('every provider lists its event types once each, and few enough to be told apart', () => {
  for (const { id, eventTypes } of Object.values(providers)) {
    const types = eventTypes ?? [];
    expect({ id, repeated: types.filter((type, index) => types.indexOf(type) !== index) }).toEqual({
      id,
      repeated: [],
    });
    expect({ id, few: types.length <= 400 }).toEqual({ id, few: true });
  }
});
