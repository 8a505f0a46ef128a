import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { identifier, statedTime, statedTimeIfReadable } from './envelope-fields.ts';

const noTimes = ['yesterday', '2026-03-01T11:59:58', '2026-03-01', '2026-02-30T00:00:00Z', 1_772_366_398, {}];

describe.each([
  ['a time', statedTime],
  ['a time that may be of another form', statedTimeIfReadable],
])('%s', (_what, time) => {
  const envelope = z.object({ at: time });

  test('is the moment it names in whatever zone', () => {
    for (const at of ['2026-03-01T11:59:58Z', '2026-03-01T12:59:58+01:00', '2026-03-01T11:59:58.000000Z'])
      expect(envelope.parse({ at })).toEqual({ at: new Date('2026-03-01T11:59:58Z') });
  });

  test('is null where the envelope has none', () => {
    for (const none of [{}, { at: null }, { at: undefined }]) expect(envelope.parse(none)).toEqual({ at: null });
  });
});

test('a time of another form, or without its zone, is refused', () => {
  for (const at of noTimes) expect(statedTime.safeParse(at).success).toBe(false);
});

test('where it only describes, a time of another form is none', () => {
  for (const at of noTimes) expect(statedTimeIfReadable.parse(at)).toBeNull();
});

test('an identifier is 1 to 255 printable ASCII characters without spaces', () => {
  for (const text of ['a', 'evt_1', '!~', 'x'.repeat(255)]) expect(identifier.parse(text)).toBe(text);
  for (const text of ['', 'two words', 'é', 'a\n', '\0', 'x'.repeat(256), 1, null])
    expect(identifier.safeParse(text).success).toBe(false);
});
