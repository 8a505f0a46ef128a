import { beforeAll, describe, expect, test } from 'vitest';
import type { Provider, ProviderEffects } from '@penstock/core/provider';
import { createThrowawayAuthority, type ThrowawayAuthority } from '@penstock/local/throwaway-authority';
import { certificateEffects } from './fuzz/effects.ts';
import { fuzz } from './fuzz/run.ts';
import type { FuzzTarget } from './fuzz/target.ts';
import { fuzzTargets } from './fuzz/targets.ts';

let authority: ThrowawayAuthority;
let targets: Readonly<Record<string, FuzzTarget>>;
let effects: ProviderEffects;
beforeAll(async () => {
  authority = await createThrowawayAuthority();
  targets = fuzzTargets(authority);
  effects = certificateEffects(authority);
});

test(
  'of 10,000 mutated requests and bodies none is taken for what it was, and none makes anything throw',
  { timeout: 300_000 },
  async () => {
    const { counts, violations } = await fuzz({ targets, effects, seed: 1, from: 0, count: 10_000 });
    expect(violations).toEqual([]);
    for (const [provider, tally] of counts) {
      expect(tally.genuine, provider).toBeGreaterThan(0);
      expect(tally.rejected, provider).toBeGreaterThan(50);
    }
  },
);

describe('the fuzzer sees', () => {
  const broken = async (breakIt: (stripe: Provider) => Provider) => {
    const { stripe } = targets;
    if (stripe === undefined) throw new Error('there is no stripe');
    const run = { effects, seed: 1, from: 0, count: 2_000 };
    const { violations } = await fuzz({
      ...run,
      targets: { stripe: { ...stripe, provider: breakIt(stripe.provider) } },
    });
    return violations.map(({ what }) => what);
  };

  test('a verifier that accepts whatever carries a signature', async () => {
    const found = await broken((stripe) => ({
      ...stripe,
      createVerifier: (settings, world) => {
        const verify = stripe.createVerifier(settings, world);
        return async (request, at) => {
          const verification = await verify(request, at);
          return verification.kind === 'rejected' && verification.code === 'signature_mismatch'
            ? { kind: 'verified', tier: 'full', keyId: 'x', transmissionId: null, events: [anEvent] }
            : verification;
        };
      },
    }));
    expect(found).toContainEqual(expect.stringMatching(/and yet accepted|not signed with/));
  });

  test('a verifier that refuses what is genuine, one that throws, and one that quotes the signature', async () => {
    expect(
      await broken((stripe) => ({
        ...stripe,
        createVerifier: () => () => ({ kind: 'rejected', code: 'signature_mismatch', reason: 'no' }),
      })),
    ).toContain('a genuine request was rejected');
    expect(
      await broken((stripe) => ({
        ...stripe,
        createVerifier: () => () => {
          throw new RangeError('too deep');
        },
      })),
    ).toContainEqual(expect.stringContaining('the verifier threw RangeError'));
    expect(
      await broken((stripe) => ({
        ...stripe,
        createVerifier: () => (request) => ({
          kind: 'rejected',
          code: 'signature_mismatch',
          reason: `this is wrong: ${request.headers['stripe-signature']?.[0] ?? ''}`,
        }),
      })),
    ).toContain('its reason quotes a signature');
  });

  test('a translation that throws, and one whose facts are none', async () => {
    expect(
      await broken((stripe) => ({
        ...stripe,
        translate: (body) => {
          if (body.includes('null')) throw new TypeError('of null');
          return [];
        },
      })),
    ).toContainEqual(expect.stringContaining('the translation threw TypeError'));
    expect(
      await broken((stripe) => ({
        ...stripe,
        translate: () => [{ kind: 'payment', occurredAtMs: -1, references: ['payment:p'] }],
      })),
    ).toContain('a fact is not of the canonical vocabulary');
  });
});

const anEvent = {
  eventId: 'evt_forged',
  type: 'charge.succeeded',
  occurredAt: null,
  livemode: null,
  apiVersion: null,
  providerAccount: null,
} as const;
