import * as z from 'zod';
import type { Random } from './random.ts';

/**
 * JSON with some of its values, keys or order changed, and still JSON; what is
 * not JSON comes back as it is.
 */
export function mutateJson(bytes: Buffer, random: Random): Buffer {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return bytes;
  }
  if (random.below(200) === 0) return Buffer.from(nested(random));
  for (let count = 1 + random.below(3); count > 0; count -= 1) value = changeSomewhere(value, random);
  return Buffer.from(JSON.stringify(value) ?? 'null');
}

/** How deep a change is made at most: bodies are a dozen levels deep. */
const DEPTH_MAX = 16;

function changeSomewhere(value: unknown, random: Random, depth = 0): unknown {
  if (depth >= DEPTH_MAX || random.below(6) === 0) return odd(value, random);
  if (Array.isArray(value)) {
    const list: readonly unknown[] = value;
    if (list.length === 0) return [odd(null, random)];
    const at = random.below(list.length);
    return list.map((item, position) => (position === at ? changeSomewhere(item, random, depth + 1) : item));
  }
  const parsed = record.safeParse(value);
  if (!parsed.success) return odd(value, random);
  const entries = Object.entries(parsed.data);
  if (entries.length === 0) return { unexpected: odd(null, random) };
  const at = random.below(entries.length);
  return random.pick([replaceAt, replaceAt, replaceAt, replaceAt, renameAt, removeAt, reverse])(entries, {
    at,
    random,
    depth,
  });
}

const record = z.record(z.string(), z.unknown());

type Entries = readonly (readonly [string, unknown])[];
interface Place {
  readonly at: number;
  readonly random: Random;
  readonly depth: number;
}

function replaceAt(entries: Entries, { at, random, depth }: Place): unknown {
  return Object.fromEntries(
    entries.map(([key, inner], position) => [key, position === at ? changeSomewhere(inner, random, depth + 1) : inner]),
  );
}

function renameAt(entries: Entries, { at, random }: Place): unknown {
  return Object.fromEntries(
    entries.map(([key, inner], position) => [
      position === at ? random.pick([`${key}_`, key.toUpperCase(), '__proto__', 'constructor', 'toString', '']) : key,
      inner,
    ]),
  );
}

function removeAt(entries: Entries, { at }: Place): unknown {
  return Object.fromEntries(entries.filter((_, position) => position !== at));
}

function reverse(entries: Entries): unknown {
  return Object.fromEntries(entries.toReversed());
}

/** Something else than what was there, of another type or at the edge of its own. */
function odd(value: unknown, random: Random): unknown {
  if (typeof value === 'string' && random.below(2) === 0) {
    return random.pick([
      `${value}x`,
      value.toUpperCase(),
      value.slice(1),
      ` ${value}`,
      `${value}\u0000`,
      value.repeat(1 + random.below(50)),
    ]);
  }
  if (typeof value === 'number' && random.below(2) === 0)
    return random.pick([-value, value + 0.5, value * 1e9, value + 1, Number.MAX_SAFE_INTEGER, 1e308]);
  return random.pick<unknown>([
    null,
    true,
    false,
    0,
    -1,
    1.5,
    2 ** 53,
    '',
    '0',
    'not a date',
    '2026-13-45T99:99:99Z',
    '12.345678901234567890',
    '-1.00',
    '\ud800',
    'x'.repeat(300),
    [],
    [[]],
    {},
    { id: { id: {} } },
  ]);
}

function nested(random: Random): string {
  const depth = 1 + random.below(20_000);
  return random.pick([
    `${'['.repeat(depth)}${']'.repeat(depth)}`,
    '['.repeat(depth),
    `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
  ]);
}
