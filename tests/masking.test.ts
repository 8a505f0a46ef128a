import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { maskFields, maskPayload } from '@penstock/core/masking/mask-fields';
import { maskJson, maskText, setMaskKey } from '@penstock/core/masking/mask-text';
import { toFailure } from '@penstock/core/failure';
import { createMetrics } from '@penstock/runtime/metrics';
import { randomOf } from './fuzz/random.ts';
import { cases, folded, type Seed } from './masking/personal-data.ts';
import { leavesOf, mapTexts, payloads } from './masking/payloads.ts';

const names = Object.keys(cases);

/** A payload with another way of writing personal data in each of its texts, and what was written. */
function seeded(value: unknown, number: number): { readonly value: unknown; readonly seeds: readonly Named[] } {
  const seeds: Named[] = [];
  const changed = mapTexts(value, (text) => {
    const position = seeds.length + number;
    const name = names[position % names.length] ?? '';
    const seed = cases[name]?.(randomOf(number, position)) ?? { text: '', secret: '' };
    seeds.push({ name, ...seed });
    // Alone, and among what was there.
    return position % 3 === 0 ? seed.text : `${text.slice(0, 60)} ${seed.text}`;
  });
  return { value: changed, seeds };
}

interface Named extends Seed {
  readonly name: string;
}

/** Which of these can still be read. */
function leaked(shown: string, seeds: readonly Named[]): readonly string[] {
  const text = folded(shown);
  return seeds.filter(({ secret }) => text.includes(secret)).map(({ name, text: written }) => `${name}: ${written}`);
}

// Every fourth, which has one or more of each event; the bench takes all.
const some = payloads.filter((_payload, position) => position % 4 === 0);

describe('personal data in every text of real payloads', () => {
  const all = some.map(({ value }, number) => seeded(value, number));

  test('there are payloads, texts and ways of writing enough to mean something', () => {
    expect(all.length).toBeGreaterThan(120);
    expect(all.flatMap(({ seeds }) => seeds).length).toBeGreaterThan(8_000);
    expect(names.length).toBeGreaterThan(45);
    // The oracle sees what is not masked.
    for (const { value, seeds } of all.slice(0, 20))
      expect(leaked(JSON.stringify(value), seeds)).toHaveLength(seeds.length);
  });

  test('is not readable in the preview of a payload', () => {
    expect(
      all.flatMap(({ value, seeds }) => leaked(JSON.stringify(maskPayload(JSON.stringify(value))), seeds)),
    ).toEqual([]);
  });

  test('is not readable in a log line that carries the payload, as an object or quoted twice over', () => {
    for (const { value, seeds } of all) {
      const quoted = JSON.stringify({ msg: `cannot read ${JSON.stringify({ body: JSON.stringify(value) })}` });
      expect(leaked(maskJson(quoted), seeds)).toEqual([]);
      expect(leaked(maskJson(JSON.stringify(maskFields({ payload: value }))), seeds)).toEqual([]);
    }
  });

  test('is not readable in a failure whose message quotes it', () => {
    for (const { seeds } of all)
      for (const seed of seeds.slice(0, 20)) {
        const { message, code } = toFailure(Object.assign(new Error(`no customer ${seed.text}`), { code: seed.text }));
        expect(leaked(`${message} ${code}`, [seed])).toEqual([]);
      }
  });

  test('is no label of a metric', async () => {
    const metrics = createMetrics({ process: 'test', version: '0', environment: 'test' });
    const seeds = all.flatMap((payload) => payload.seeds).slice(0, 300);
    for (const { text } of seeds)
      metrics.events.inc({
        endpoint: 'custom',
        provider: 'generic-hmac',
        type: metrics.typeLabel({ provider: 'generic-hmac', endpoint: 'custom', type: text }),
        outcome: metrics.keyLabel('stripe', text),
      });
    expect(leaked(await metrics.registry.metrics(), seeds)).toEqual([]);
  });
});

test('of the payloads as they are, nothing but addresses and telephone numbers is touched: no id, time, amount or URL', () => {
  const touched = payloads.flatMap(({ value }) => leavesOf(value)).filter(({ text }) => maskText(text) !== text);
  expect(touched.length).toBeGreaterThan(50);
  const personal = /(?:^|_)(?:email|phone|phone_number)$/;
  // Stripe's `created_by` is an address, GitHub's `payload` and the vectors' `body` quote one.
  const quoting = new Set(['created_by', 'payload', 'body']);
  expect(touched.filter(({ name }) => !personal.test(name) && !quoting.has(name))).toEqual([]);
});

test('ids, times, amounts, versions and hashes of every provider stay', () => {
  const harmless = [
    '2026-11-24T20:32:06.123Z',
    '2020-08-27',
    '24/11/2026 20:32:06 +0000',
    '1614265330',
    '1614265330123456',
    '12.424242424242424',
    '$1,234,567.89',
    '1.234.567,89 €',
    'evt_1NG8Du2eZvKYlo2CUI79vXWy',
    'pi_4242424242424242424242424',
    'WH-58D329510W468432D-8HN650336L201105X',
    '8535296650153317',
    '820982911946154508',
    '7f0f1e1c-2b0a-4d4e-8d32-4111111111111111',
    '41111111-1111-4111-8111-111111111111',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'sha256-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    '54.187.174.169, 54.187.205.235',
    '2001:db8::4242:4242',
    'https://pay.stripe.com/receipts/acct_1/ch_1/rcpt_1',
    'git@github.com:octo/hello.git',
    'penstock/0.1.0 (linux; x64) node/24.21.0',
    'whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH',
  ];
  for (const text of harmless) expect(maskText(text)).toBe(text);
});

test('a token is the same for one person, however it is written, and another under another key', () => {
  setMaskKey('the key of one installation');
  expect(maskText('Jane@Example.com')).toBe(maskText('jane@example.com'));
  expect(maskText('+44 20 7946 0958')).toBe(maskText('0044 20 7946 0958'));
  const token = maskText('jane@example.com');
  setMaskKey('the key of another');
  expect(maskText('jane@example.com')).not.toBe(token);
  expect(token).toMatch(/^email:[0-9a-f]{12}$/);
});

test('whatever the text, masking twice is masking once, and JSON stays JSON', () => {
  const piece = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('4242424242424242', '+442079460958', 'DE89370400440532013000', 'a@b.example', ' ', '\\', '"', '-'),
  );
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(' '));
  fc.assert(
    fc.property(text, (given) => {
      expect(maskText(maskText(given))).toBe(maskText(given));
    }),
    { numRuns: 1_000 },
  );
  const value = fc.array(fc.oneof(text, fc.constantFrom(4242424242424242, 5555555555554444, 17.5)));
  fc.assert(
    fc.property(value, (given) => {
      const masked: unknown = JSON.parse(maskJson(JSON.stringify(given)));
      expect(masked).toHaveLength(given.length);
    }),
    { numRuns: 1_000 },
  );
});

test('a text made to be slow is not: the time grows with its length', () => {
  for (const unit of ['4', '4 ', '@', 'a@', 'a.', '+1', '(0', '0-', 'DE89', '-', '\\u004', '\u200b4'])
    expect(typeof maskText(unit.repeat(20_000))).toBe('string');
});
