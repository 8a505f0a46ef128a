import { expect, test } from 'vitest';
import { checkStaticToken } from './static-token.ts';

const receivedAt = new Date('2026-03-01T12:00:00Z');
const secret = { value: 'the-token', name: 'current', notBefore: null, notAfter: null };

test('a token is known by the name of the first active secret that it is', () => {
  const secrets = [{ ...secret, value: 'another', name: 'next' }, secret, { ...secret, name: 'again' }];
  expect(checkStaticToken('the-token', { secrets, receivedAt })).toEqual({ kind: 'known', keyId: 'current' });
});

test('a token is refused when it is no active secret, to the letter', () => {
  const retired = { ...secret, value: 'retired-token', notAfter: new Date(receivedAt.getTime() - 1) };
  for (const token of ['', 'the-toke', 'the-token ', 'The-token', 'retired-token'])
    expect(checkStaticToken(token, { secrets: [secret, retired], receivedAt })).toEqual({
      kind: 'rejected',
      code: 'signature_mismatch',
      reason: 'the token is not one of the active secrets',
    });
});
