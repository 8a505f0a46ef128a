import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { now, type ConformanceContext } from './conformance-case.ts';

/** Beyond this, every seventh byte: the event is a few KB at most. */
const EVERY_BYTE_MAX = 4_096;

/** The guarantees about what is signed. */
export function describeBody({ given, verify, signed }: ConformanceContext): void {
  const { provider, body, sign, secret, covers = 'body', many, eventIdAt } = given;

  describe(`${provider.id}'s body`, () => {
    if (covers === 'body') {
      it('is not accepted with any one of its bytes changed', async () => {
        const step = body.length <= EVERY_BYTE_MAX ? 1 : 7;
        for (let at = 0; at < body.length; at += step) {
          const changed = Buffer.from(body);
          changed.writeUInt8(body.readUInt8(at) ^ (1 << (at % 8)), at);
          expect((await verify({ ...signed(), body: changed })).kind, `byte ${at}`).not.toBe('verified');
        }
      });

      it('is not accepted cut short, grown, or with any one of its bits flipped', async () => {
        for (const changed of [body.subarray(1), body.subarray(0, -1), Buffer.concat([body, body]), Buffer.alloc(0)])
          expect((await verify({ ...signed(), body: changed })).kind).not.toBe('verified');
        await fc.assert(
          fc.asyncProperty(fc.nat({ max: body.length * 8 - 1 }), async (bit) => {
            expect((await verify({ ...signed(), body: withFlippedBit(body, bit) })).kind).not.toBe('verified');
          }),
          { numRuns: 100 },
        );
      });

      it('is refused once it was parsed and written again', async () => {
        for (const written of rewritten(body)) {
          expect(written.equals(body)).toBe(false);
          expect(await verify({ ...signed(), body: written })).toMatchObject({
            kind: 'rejected',
            code: 'signature_mismatch',
          });
        }
      });
    }

    const held = many === null ? 'one event' : 'as many events as it holds, in their order';
    it(`is ${held}`, async () => {
      const request = many === null ? signed() : sign(many.body, { secret, at: now });
      const verification = await verify(request);
      const events = verification.kind === 'verified' ? verification.events : [];
      expect(events.map(({ eventId }) => eventId)).toEqual(
        many === null ? [expect.toSatisfy(() => true)] : many.eventIds,
      );
      if (many === null) return;
      const bodies = new Set(events.map((event) => event.body?.toString('utf8')));
      expect(bodies.size).toBe(many.eventIds.length);
      expect(bodies.has(undefined)).toBe(false);
    });

    if (eventIdAt !== null) {
      it(`without its event id is ${eventIdAt.without}`, async () => {
        for (const value of [undefined, null, '', { id: 1 }, 'two words', 'x'.repeat(300)]) {
          const nameless = replaced(body, { path: eventIdAt.path, value });
          const verification = await verify(sign(nameless, { secret, at: now }));
          const odd = value !== undefined && value !== null;
          expect(odd ? ['malformed', eventIdAt.without] : [eventIdAt.without]).toContain(verification.kind);
          if (verification.kind === 'verified') expect(verification.events[0]?.eventId).toBeNull();
        }
      });
    }
  });
}

/** The same JSON with a space more, indented, and with its keys the other way round. */
function rewritten(body: Buffer): readonly Buffer[] {
  const value: unknown = JSON.parse(body.toString('utf8'));
  const record = z.record(z.string(), z.unknown()).safeParse(value);
  const reversed = record.success ? Object.fromEntries(Object.entries(record.data).toReversed()) : value;
  return [
    Buffer.concat([body, Buffer.from(' ')]),
    Buffer.from(JSON.stringify(value, null, 3)),
    Buffer.from(`${JSON.stringify(reversed)} `),
  ];
}

function replaced(
  body: Buffer,
  { path, value }: { readonly path: readonly string[]; readonly value: unknown },
): Buffer {
  const walk = (inner: unknown, [key, ...rest]: readonly string[]): unknown => {
    if (key === undefined) return value;
    if (Array.isArray(inner)) return inner.map((item, at) => (String(at) === key ? walk(item, rest) : item));
    const record = z.record(z.string(), z.unknown()).parse(inner);
    return { ...record, [key]: walk(record[key], rest) };
  };
  return Buffer.from(JSON.stringify(walk(JSON.parse(body.toString('utf8')), path)));
}

function withFlippedBit(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return flipped;
}
