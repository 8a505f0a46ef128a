import { createHash, timingSafeEqual } from 'node:crypto';
import type { Role } from './sessions.ts';

/** Which role a password gives; null where it is none. Compares in a time that depends on no password: digests are of one length. */
export function createPasswordCheck(passwords: {
  readonly reader: string;
  readonly operator: string | undefined;
}): (candidate: string) => Role | null {
  const reader = digestOf(passwords.reader);
  const operator = passwords.operator === undefined ? null : digestOf(passwords.operator);
  return (candidate) => {
    const given = digestOf(candidate);
    const isOperator = operator !== null && timingSafeEqual(operator, given);
    const isReader = timingSafeEqual(reader, given);
    if (isOperator) return 'operator';
    return isReader ? 'reader' : null;
  };
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
