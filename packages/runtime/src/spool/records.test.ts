import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRecords, toRecord } from './records.ts';

/** Payloads as the spool writes them: UTF-8, some empty, some that hold what looks like a record. */
const payload = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }).map((text) => Buffer.from(text, 'utf8')),
  fc.constant(Buffer.from(toRecord(Buffer.from('{"inner":1}')).toString('latin1'), 'utf8')),
);
const payloads = fc.array(payload, { minLength: 1, maxLength: 8 });

test('what was written is read, and nothing of it is damage', () => {
  fc.assert(
    fc.property(payloads, (written) => {
      const { records, damage } = readRecords(Buffer.concat(written.map(toRecord)));
      expect(records.map((record) => record.payload)).toEqual(written);
      expect(damage).toEqual([]);
    }),
  );
});

test('a segment cut off at any byte has every record that was whole, and invents none', () => {
  fc.assert(
    fc.property(payloads, fc.nat(), (written, cut) => {
      const bytes = Buffer.concat(written.map(toRecord));
      const kept = bytes.subarray(0, cut % (bytes.length + 1));
      const { records, damage } = readRecords(kept);
      const whole = wholeWithin(written, kept.length);
      expect(records.map((record) => record.payload)).toEqual(whole);
      expect(damage.every(({ to }) => to === kept.length)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('a byte changed anywhere costs the record it is in and no other, and invents none', () => {
  fc.assert(
    fc.property(payloads, fc.nat(), fc.integer({ min: 1, max: 255 }), (written, place, change) => {
      const bytes = Buffer.concat(written.map(toRecord));
      const at = place % bytes.length;
      bytes.writeUInt8(bytes.readUInt8(at) ^ change, at);
      const { records, damage } = readRecords(bytes);
      const hit = recordHolding(written, at);
      expect(records.map((record) => record.payload)).toEqual(written.filter((_, index) => index !== hit));
      expect(damage.length).toBeGreaterThan(0);
    }),
    { numRuns: 1_000 },
  );
});

test('any bytes whatever in front of, between and behind records are put aside, and the records read', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.uint8Array({ maxLength: 40 }), payload), { minLength: 1, maxLength: 5 }),
      fc.uint8Array({ maxLength: 40 }),
      (pieces, last) => {
        const bytes = Buffer.concat([...pieces.flatMap(([junk, each]) => [Buffer.from(junk), toRecord(each)]), last]);
        const { records, damage } = readRecords(bytes);
        expect(records.map((record) => record.payload)).toEqual(pieces.map(([, each]) => each));
        const junkBytes = pieces.reduce((sum, [junk]) => sum + junk.length, last.length);
        expect(damage.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(junkBytes);
      },
    ),
    { numRuns: 500 },
  );
});

function wholeWithin(written: readonly Buffer[], bytes: number): readonly Buffer[] {
  let end = 0;
  return written.filter((each) => (end += toRecord(each).length) <= bytes);
}

function recordHolding(written: readonly Buffer[], at: number): number {
  let end = 0;
  return written.findIndex((each) => (end += toRecord(each).length) > at);
}
