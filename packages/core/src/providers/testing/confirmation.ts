import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Confirmation, UnconfirmedEvent } from '../../confirmation.ts';
import type { PaymentFact } from '../../payment-event.ts';
import type { Provider, ProviderEffects } from '../../provider.ts';
import { startPayPalStandIn, type PayPalStandIn, type StandInAnswer } from '../paypal/fixtures/paypal-stand-in.ts';

/** What a provider whose events are fetched brings to the suite. */
export interface ConfirmationCase {
  readonly provider: Provider;
  /** What asking takes, but for `apiOrigin`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The setting that holds the credential. */
  readonly credential: string;
  /** An event that has to be asked about, and one that says nothing to ask about. */
  readonly event: UnconfirmedEvent;
  readonly silent: UnconfirmedEvent;
  /** What is asked for: the path with its query, and the authorization. */
  readonly asks: { readonly path: string; readonly authorization: string };
  /** What the API answers about it, about another thing, and what the first says. */
  readonly answer: unknown;
  readonly otherAnswer: unknown;
  readonly facts: readonly PaymentFact[];
}

const at = new Date('2026-03-01T12:00:00Z');

/** The guarantees of fetch-to-confirm, over real HTTP. One call in each such provider's confirm.test.ts. */
export function confirmsTo(given: ConfirmationCase): void {
  const { provider, event } = given;
  let api: PayPalStandIn;
  let answer: StandInAnswer | undefined;

  const effects = (): ProviderEffects => ({ exchange: api.exchange, trustedRoots: [], production: false });
  const open = (more: Readonly<Record<string, unknown>> = {}) =>
    provider.confirmation?.createConfirmer({ ...given.settings, apiOrigin: api.origin, ...more }, effects()) ?? null;
  const ask = async (asked: UnconfirmedEvent = event): Promise<Confirmation | null> => open()?.(asked)?.(at) ?? null;
  const answering = (value: unknown): StandInAnswer => ({ status: 200, body: JSON.stringify(value) });

  describe(`${provider.id} is asked`, () => {
    beforeAll(async () => {
      api = await startPayPalStandIn(() => answer);
    });
    afterAll(async () => api[Symbol.asyncDispose]());
    beforeEach(() => {
      answer = answering(given.answer);
    });

    it('with its credential, for what the event names, and its answer is what the facts are', async () => {
      const confirmation = await ask();
      expect(confirmation).toMatchObject({ kind: 'confirmed', source: `${api.origin}${given.asks.path}` });
      expect(api.requests.at(-1)).toMatchObject({ method: 'GET', ...given.asks });
      const told = confirmation?.kind === 'confirmed' ? confirmation.answer : Buffer.alloc(0);
      expect(provider.confirmation?.translate(event.body, told)).toEqual(given.facts);
    });

    it('about nothing where the event says nothing to act upon', async () => {
      const before = api.requests.length;
      expect(await ask(given.silent)).toBeNull();
      expect(api.requests.length).toBe(before);
    });

    it('and what it does not know, or tells of another thing, is denied', async () => {
      answer = undefined;
      expect(await ask()).toMatchObject({ kind: 'denied' });
      answer = answering(given.otherAnswer);
      expect(await ask()).toMatchObject({ kind: 'denied' });
      answer = { status: 200, body: '<html>' };
      expect(await ask()).toMatchObject({ kind: 'denied' });
    });

    it('and its being away is told apart from its refusal', async () => {
      for (const status of [429, 500, 503]) {
        answer = { status, body: '' };
        await expect(ask()).rejects.toMatchObject({ code: 'provider_away' });
      }
      for (const status of [401, 403]) {
        answer = { status, body: '' };
        await expect(ask()).rejects.toMatchObject({ code: 'provider_refused_us' });
      }
      answer = { status: 302, body: '' };
      await expect(ask()).rejects.toMatchObject({ code: 'provider_answer_unexpected' });
    });

    it('and an answer of another shape is a permanent failure that repeats nothing of it', () => {
      for (const odd of ['null', '[]', '{}', '{"id":{}}', '"text"', '{']) {
        try {
          expect(provider.confirmation?.translate(event.body, Buffer.from(odd))).toEqual([]);
        } catch (error) {
          expect(error).toMatchObject({ name: 'PermanentError' });
        }
      }
    });

    it('with settings that can work, or not at all', () => {
      const wrong = { ...given.settings, [given.credential]: 'two words' };
      expect(() => open(wrong)).toThrow(
        expect.objectContaining({ name: 'ConfigurationError', message: expect.not.stringContaining('two words') }),
      );
      expect(() => open({ apiOrigin: 'https://elsewhere.example' })).toThrow(/loopback|127\.0\.0\.1/);
      expect(() =>
        provider.confirmation?.createConfirmer(
          { ...given.settings, apiOrigin: api.origin },
          { ...effects(), production: true },
        ),
      ).toThrow(/refused in production/);
    });
  });
}
