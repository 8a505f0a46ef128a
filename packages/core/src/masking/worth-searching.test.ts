import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { findCardNumbers } from './card-numbers.ts';
import { findEmails } from './emails.ts';
import { findIbans } from './ibans.ts';
import { findPhoneNumbers } from './phone-numbers.ts';
import { isWorthSearching } from './worth-searching.ts';

const personal = [
  '4242424242424242',
  '4242-4242-4242-4242',
  '424.242.424.242.424.2',
  '378282246310005',
  '-4222222222222',
  '422.222.222.222.2',
  '(212) 555-0123',
  '1 212.555.0123',
  '+49 30 901820',
  '0049 30 901 820',
  '00 1 (212) (555) 0123',
  '030 123 456',
  '030-12-34-56',
  '(030) 901 820',
  'DE89 3704 0044 0532 0130 00',
  'GB82WEST12345698765432',
  'jane@example.com',
];

const pieces = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...'0123456789') },
  { weight: 3, arbitrary: fc.constantFrom(...' .-_/()\t\n') },
  { weight: 1, arbitrary: fc.constantFrom(...'abGBDE:,"{}=') },
  { weight: 1, arbitrary: fc.constantFrom(...personal) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 9_999 }).map((number) => String(number).padStart(4, '0')) },
);

function found(text: string): number {
  return [findEmails, findIbans, findCardNumbers, findPhoneNumbers].reduce((sum, find) => sum + find(text).length, 0);
}

test('a text that is not worth searching holds nothing that the patterns find', () => {
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      const text = parts.join('');
      if (!isWorthSearching(text)) expect(found(text), text).toBe(0);
    }),
    { numRuns: 20_000 },
  );
});

test.each(personal)('%s is found, whatever stands around it', (text) => {
  for (const around of [text, `: ${text},`, `"${text}"`, `x ${text} x`]) {
    expect(found(around), around).toBeGreaterThan(0);
    expect(isWorthSearching(around), around).toBe(true);
  }
});

test.each([
  '{"level":"info","time":"2026-11-30T11:00:00.123Z","pid":12345,"client":"203.0.113.254","status":200,"durationMs":12.31}',
  '"requestId":"0c7b3e0e-3b8e-4a43-9d3c-6a1f0e1f4f20","traceId":"0c7b3e0e3b8e4a439d3c6a1f0e1f4f20"',
  'evt_1NG8Du2eZvKYlo2CUI79vXWy charge.succeeded',
  'evt_f36f966beac4000000000 at 192.168.100.200',
  '',
])('a usual line is not: %s', (text) => {
  expect(isWorthSearching(text)).toBe(false);
});

test('what is too long to look at is', () => {
  expect(isWorthSearching(`${'x'.repeat(16_384)} jane@example.com`)).toBe(true);
});

test.each(['\\u0040', '%40', '٤٢٤٢', 'ü'])('what may be written otherwise is: %s', (text) => {
  expect(isWorthSearching(text)).toBe(true);
});
