import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares in a time that depends on neither password: digests are of one length. */
export function createPasswordCheck(password: string): (candidate: string) => boolean {
  const expected = digestOf(password);
  return (candidate) => timingSafeEqual(expected, digestOf(candidate));
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
