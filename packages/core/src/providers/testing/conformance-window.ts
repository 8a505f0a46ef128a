import { describe, expect, it } from 'vitest';
import { now, type ConformanceContext } from './conformance-case.ts';

/** The guarantees of a signed time. */
export function describeWindow({
  given,
  windowSeconds,
  verify,
}: Pick<ConformanceContext, 'given' | 'verify'> & {
  readonly windowSeconds: number;
}): void {
  const { body, secret, otherSecret, sign } = given;
  const shifted = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);

  describe(`${given.provider.id}'s window of ${windowSeconds} seconds`, () => {
    it('holds both ways, its ends included', async () => {
      for (const seconds of [-windowSeconds, windowSeconds]) {
        expect((await verify(sign(body, { secret, at: now }), shifted(seconds))).kind).toBe('verified');
      }
      for (const seconds of [-windowSeconds - 1, windowSeconds + 1]) {
        expect(await verify(sign(body, { secret, at: now }), shifted(seconds))).toMatchObject({
          kind: 'rejected',
          code: 'signature_stale',
        });
      }
    });

    it('is spoken of only to the holder of the secret', async () => {
      const forged = sign(body, { secret: otherSecret, at: now });
      expect(await verify(forged, shifted(windowSeconds * 10))).toMatchObject({
        kind: 'rejected',
        code: 'signature_mismatch',
      });
    });
  });
}
