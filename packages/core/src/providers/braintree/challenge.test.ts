import { describe, expect, test } from 'vitest';
import { createBraintreeChallengeResponder } from './challenge.ts';
import { otherSecret, secret } from './fixtures/sdk.ts';
import { signBraintreePayload } from './sign.ts';
import { createBraintreeVerifier } from './verify.ts';

describe('a challenge', () => {
  const answer = createBraintreeChallengeResponder({ secrets: [secret, otherSecret] });
  const ask = (query: string) => answer(new URLSearchParams(query));

  test('is answered with its signature under the first key pair', () => {
    const challenge = '20f9f8ed05f77439fe955c977e4c8a53';
    expect(ask(`bt_challenge=${challenge}`)).toBe(signBraintreePayload({ payload: challenge, secret }));
  });

  test.each([
    ['absent', ''],
    ['empty', 'bt_challenge='],
    ['too short', `bt_challenge=${'a'.repeat(19)}`],
    ['too long', `bt_challenge=${'a'.repeat(33)}`],
    ['in capitals', `bt_challenge=${'A'.repeat(20)}`],
    ['not hexadecimal', `bt_challenge=${'g'.repeat(20)}`],
    ['followed by a line', `bt_challenge=${'a'.repeat(20)}%0A`],
    ['asked twice', `bt_challenge=${'a'.repeat(20)}&bt_challenge=${'a'.repeat(20)}`],
  ])('that is %s is not answered', (_what, query) => {
    expect(ask(query)).toBeNull();
  });

  test.each(['', '\n'])('has an answer that proves no notification, with %j after it', (end) => {
    const challenge = 'abcdef0123456789abcdef01';
    const bt_signature = ask(`bt_challenge=${challenge}`) ?? '';
    const form = new URLSearchParams({ bt_signature, bt_payload: `${challenge}${end}` });
    const request = { method: 'POST', headers: {}, query: '', body: Buffer.from(form.toString()) };
    const verification = createBraintreeVerifier({ secrets: [secret] })(request, new Date());
    expect(verification).toMatchObject({ kind: 'rejected', code: 'signature_malformed' });
  });

  test('cannot be answered without a key pair', () => {
    expect(() => createBraintreeChallengeResponder({ secrets: [] })).toThrow(
      expect.objectContaining({ name: 'ConfigurationError' }),
    );
  });
});
