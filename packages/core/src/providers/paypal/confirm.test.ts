import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { UnconfirmedEvent } from '../../confirmation.ts';
import { ConfigurationError } from '../../failure.ts';
import { createPayPalConfirmer } from './confirm.ts';
import { eventBody, sentAt, testEffects } from './fixtures/deliveries.ts';
import { startPayPalStandIn, type PayPalStandIn, type StandInAnswer } from './fixtures/paypal-stand-in.ts';

const credentials = { clientId: 'client', clientSecret: 'secret' };
const eventId = 'WH-58D329510W468432D-8HN650336L201105X';
const event: UnconfirmedEvent = {
  eventId,
  type: 'PAYMENT.CAPTURE.COMPLETED',
  tier: 'partial',
  providerAccount: null,
  receivedAt: sentAt,
  body: eventBody(),
};

let api: PayPalStandIn;
let tokens: number;
let refused: Set<string>;
let answer: StandInAnswer;

beforeAll(async () => {
  api = await startPayPalStandIn(({ path, authorization }) => {
    if (path === '/v1/oauth2/token')
      return { status: 200, body: `{"access_token":"token-${(tokens += 1)}","expires_in":3600}` };
    return refused.has(authorization) ? { status: 401, body: '' } : answer;
  });
});
afterAll(async () => api[Symbol.asyncDispose]());
beforeEach(() => {
  tokens = 0;
  refused = new Set();
  answer = { status: 200, body: eventBody() };
});

function ask(given: Partial<UnconfirmedEvent> = {}) {
  return Promise.resolve(confirmer()?.({ ...event, ...given })?.(sentAt) ?? null);
}

function confirmer(settings: Record<string, unknown> = {}) {
  return createPayPalConfirmer(
    { environment: 'sandbox', ...credentials, ...settings },
    { ...testEffects(), exchange: api.exchange },
  );
}

describe('asking PayPal', () => {
  test('gives the bytes of its answer, and where they came from', async () => {
    expect(await ask()).toEqual({
      kind: 'confirmed',
      answer: eventBody(),
      source: `https://api-m.sandbox.paypal.com/v1/notifications/webhooks-events/${eventId}`,
    });
  });

  test.each([
    ['knows nothing', { status: 404, body: '' }],
    ['tells of another event', { status: 200, body: eventBody({ id: 'WH-OTHER' }) }],
    ['tells of another type', { status: 200, body: eventBody({ event_type: 'PAYMENT.CAPTURE.DENIED' }) }],
    ['says something else altogether', { status: 200, body: 'welcome' }],
  ])('denies the event where PayPal %s', async (_what, answered) => {
    answer = answered;
    expect(await ask()).toMatchObject({ kind: 'denied' });
  });

  test('a token that PayPal no longer takes is renewed once; credentials that it never takes are told', async () => {
    refused = new Set(['Bearer token-1']);
    expect(await ask()).toMatchObject({ kind: 'confirmed' });
    expect(tokens).toBe(2);
    refused = new Set(['Bearer token-3', 'Bearer token-4']);
    await expect(ask()).rejects.toMatchObject({ code: 'provider_refused_us' });
  });

  test.each([429, 500, 503])('%s is PayPal being away, not an answer', async (status) => {
    answer = { status, body: '' };
    await expect(ask()).rejects.toMatchObject({ code: 'provider_away' });
  });

  test('an event id cannot lead to another address', async () => {
    await ask({ eventId: 'WH-1/../../../v1/oauth2/token?' });
    expect(api.requests.at(-1)?.path).toBe(
      '/v1/notifications/webhooks-events/WH-1%2F..%2F..%2F..%2Fv1%2Foauth2%2Ftoken%3F',
    );
  });

  test('is not needed where the signature covers the body', async () => {
    expect(await ask({ tier: 'body' })).toBeNull();
  });
});

describe('settings', () => {
  const open = (settings: Record<string, unknown>) => () =>
    createPayPalConfirmer({ environment: 'sandbox', ...settings }, testEffects());

  test('without credentials are refused, unless the checksum is believed on purpose', () => {
    expect(open({})).toThrow(ConfigurationError);
    expect(open({ clientId: 'client' })).toThrow(/clientSecret are required/);
    expect(open({ confirm: 'never' })).not.toThrow();
    expect(open({ mode: 'demo-hmac' })).not.toThrow();
  });

  test('that are wrong are named, without a value', () => {
    expect(open({ ...credentials, confirm: 'sometimes' })).toThrow(/confirm must be always, money or never/);
    expect(open({ clientId: 'a b', clientSecret: 'hid den' })).toThrow(expect.not.stringContaining('hid den'));
  });
});
