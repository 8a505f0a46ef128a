import { expect, test } from 'vitest';
import { readHeader, type HeaderReading } from './signed-request.ts';

const unusable = (words: RegExp): unknown => ({ kind: 'unusable', reason: expect.stringMatching(words) });

test.each<{ what: string; values: readonly string[] | undefined; reading: unknown }>([
  { what: 'one value is read as it came', values: [' t=1, v1=~ '], reading: { kind: 'one', value: ' t=1, v1=~ ' } },
  {
    what: 'one of the greatest length is read',
    values: ['a'.repeat(4096)],
    reading: { kind: 'one', value: 'a'.repeat(4096) },
  },
  { what: 'no header is missing', values: undefined, reading: { kind: 'missing' } },
  { what: 'no value is missing', values: [], reading: { kind: 'missing' } },
  { what: 'an empty value is missing', values: [''], reading: { kind: 'missing' } },
  {
    what: 'two values are unusable, even where they are the same',
    values: ['a', 'a'],
    reading: unusable(/sent 2 times/),
  },
  { what: 'a longer one is unusable', values: ['a'.repeat(4097)], reading: unusable(/longer than 4096/) },
  { what: 'letters outside ASCII are unusable', values: ['é'], reading: unusable(/outside printable ASCII/) },
  { what: 'a tab is unusable', values: ['a\tb'], reading: unusable(/outside printable ASCII/) },
  { what: 'a line feed at the end is unusable', values: ['a\n'], reading: unusable(/outside printable ASCII/) },
])('$what', ({ values, reading }) => {
  expect(readHeader({ method: 'POST', headers: { 'x-signature': values }, query: '' }, 'x-signature')).toEqual(reading);
});

test('a reason names the header and never its value', () => {
  const readings: HeaderReading[] = [['secret', 'secret'], ['secret\n'], [`secret${'a'.repeat(5_000)}`]].map((values) =>
    readHeader({ method: 'POST', headers: { 'x-signature': values }, query: '' }, 'x-signature'),
  );
  for (const reading of readings) {
    expect(reading).toEqual(unusable(/^the x-signature header /));
    expect(JSON.stringify(reading)).not.toContain('secret');
  }
});
