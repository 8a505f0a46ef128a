import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAccessTokens } from './access-tokens.ts';
import { sandboxEnvironment } from './environment.ts';
import {
  certificateUrl,
  eventBody,
  sentAt,
  signedRequest,
  testEffects,
  transmissionId,
  webhookId,
} from './fixtures/deliveries.ts';
import {
  startPayPalStandIn,
  type PayPalStandIn,
  type StandInAnswer,
  type StandInRequest,
} from './fixtures/paypal-stand-in.ts';
import { createThrowawayAuthority, type ThrowawayAuthority } from '@penstock/local/throwaway-authority';
import { createPayPalVerifier } from './verify.ts';

const tokenPath = '/v1/oauth2/token';
const postbackPath = '/v1/notifications/verify-webhook-signature';
const clientSecret = 'EGnHDxD_qRPdaLdZz8iCr8N7';
const success = { status: 200, body: '{"verification_status":"SUCCESS"}' };
const failure = { status: 200, body: '{"verification_status":"FAILURE"}' };

let authority: ThrowawayAuthority;
let paypal: PayPalStandIn;
/** What the stand-in answers; each test states what differs from a PayPal that says SUCCESS. */
let answers: {
  token: () => StandInAnswer;
  postback: (request: StandInRequest) => StandInAnswer;
};
let asked: number;
let tokensGiven: number;

beforeAll(async () => {
  authority = await createThrowawayAuthority();
  paypal = await startPayPalStandIn((request) => {
    if (request.path === tokenPath) return answers.token();
    return request.path === postbackPath ? answers.postback(request) : undefined;
  });
});

afterAll(async () => paypal[Symbol.asyncDispose]());

beforeEach(() => {
  asked = paypal.requests.length;
  tokensGiven = 0;
  answers = { token: giveToken, postback: () => success };
});

function giveToken(): StandInAnswer {
  tokensGiven += 1;
  return {
    status: 200,
    body: JSON.stringify({ access_token: `token-${tokensGiven}`, token_type: 'Bearer', expires_in: 3_600 }),
  };
}

function requestsTo(path: string): readonly StandInRequest[] {
  return paypal.requests.slice(asked).filter((request) => request.path === path);
}

function verifier() {
  const settings = { webhookId, environment: 'sandbox', mode: 'postback', clientId: 'client', clientSecret };
  return createPayPalVerifier(settings, testEffects({ exchange: paypal.exchange }));
}

function secondsLater(seconds: number): Date {
  return new Date(sentAt.getTime() + seconds * 1_000);
}

describe('the question', () => {
  test('holds the body as the bytes that came, not written anew', async () => {
    const body = Buffer.from(
      `{ "id":"WH-1",\t"create_time":"2026-03-01T12:00:00Z","event_type" : "A.B",\r\n "resource":{"value":1.10,"big":12345678901234567890,"e":1E2,"a":"\\u00e9é","a":2} }\n`,
    );
    const request = signedRequest(authority, body);
    expect(await verifier()(request, sentAt)).toMatchObject({
      kind: 'verified',
      tier: 'partial',
      keyId: 'postback',
      transmissionId,
      events: [{ eventId: 'WH-1' }],
    });
    const [question] = requestsTo(postbackPath);
    expect(question?.body.endsWith(`,"webhook_event":${body.toString()}}`)).toBe(true);
    expect(JSON.parse(question?.body ?? '')).toMatchObject({
      auth_algo: 'SHA256withRSA',
      cert_url: certificateUrl,
      transmission_id: transmissionId,
      transmission_sig: request.headers['paypal-transmission-sig']?.[0],
      transmission_time: '2026-03-01T12:00:00Z',
      webhook_id: webhookId,
    });
    expect(question).toMatchObject({ method: 'POST', authorization: 'Bearer token-1' });
    expect(requestsTo(tokenPath)).toMatchObject([
      {
        method: 'POST',
        body: 'grant_type=client_credentials',
        authorization: `Basic ${Buffer.from(`client:${clientSecret}`).toString('base64')}`,
      },
    ]);
  });

  test.each([
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    [
      'a body that would write fields of the question',
      Buffer.from('{},"webhook_id":"ATTACKER","transmission_id":"other","x":{}'),
    ],
    ['a body that would end the question', Buffer.from('{}}')],
    ['text', Buffer.from('text')],
    ['a list', Buffer.from('[]')],
    ['null', Buffer.from('null')],
    ['nothing', Buffer.alloc(0)],
  ])('is never asked about %s, which PayPal cannot have signed', async (_, body) => {
    expect(await verifier()(signedRequest(authority, body), sentAt)).toMatchObject({
      kind: 'rejected',
      code: 'signature_mismatch',
    });
    expect(paypal.requests.length).toBe(asked);
  });
});

describe('the answer', () => {
  test('is not sought for a body over 1 MiB, which stays undecided', async () => {
    const body = eventBody({ summary: 'x'.repeat(1_048_576) });
    expect(await verifier()(signedRequest(authority, body), sentAt)).toMatchObject({ kind: 'undecided' });
    expect(paypal.requests.length).toBe(asked);
  });

  test('FAILURE is a mismatch', async () => {
    answers.postback = () => failure;
    expect(await verifier()(signedRequest(authority, eventBody()), sentAt)).toMatchObject({
      kind: 'rejected',
      code: 'signature_mismatch',
    });
  });

  test('SUCCESS does not excuse a stale delivery', async () => {
    expect(await verifier()(signedRequest(authority, eventBody()), secondsLater(262_801))).toMatchObject({
      code: 'signature_stale',
    });
  });

  test.each<StandInAnswer>([
    { status: 500, body: '' },
    { status: 503, body: '' },
    { status: 429, body: '{"name":"RATE_LIMIT_REACHED"}' },
    { status: 400, body: '{"name":"VALIDATION_ERROR"}' },
    { status: 201, body: '{"verification_status":"SUCCESS"}' },
    { status: 302, body: '{"verification_status":"FAILURE"}' },
    { status: 200, body: '' },
    { status: 200, body: '<html>' },
    { status: 200, body: '{"verification_status":"PENDING"}' },
    { status: 200, body: ' '.repeat(65_537) },
  ])('$status $body decides nothing', async (answer) => {
    answers.postback = () => answer;
    expect(await verifier()(signedRequest(authority, eventBody()), sentAt)).toMatchObject({
      kind: 'undecided',
    });
  });

  test.each<StandInAnswer>([
    { status: 401, body: '{"error":"invalid_client"}' },
    { status: 503, body: '{"access_token":"token","expires_in":3600}' },
    { status: 200, body: '{}' },
    { status: 200, body: '{"access_token":"two words","expires_in":1}' },
  ])('of $status $body to the token request decides nothing, and is not kept', async (answer) => {
    answers.token = () => answer;
    const verify = verifier();
    const verification = await verify(signedRequest(authority, eventBody()), sentAt);
    expect(verification).toMatchObject({ kind: 'undecided' });
    expect(JSON.stringify(verification)).not.toContain(clientSecret);
    answers.token = giveToken;
    expect(await verify(signedRequest(authority, eventBody()), sentAt)).toMatchObject({ kind: 'verified' });
  });

  test('that never comes, for PayPal is unreachable, decides nothing', async () => {
    const gone = await startPayPalStandIn(() => success);
    await gone[Symbol.asyncDispose]();
    const verify = createPayPalVerifier(
      { webhookId, environment: 'sandbox', clientId: 'client', clientSecret },
      testEffects({ exchange: gone.exchange }),
    );
    const verification = await verify(signedRequest(authority, eventBody()), sentAt);
    expect(verification).toMatchObject({ kind: 'undecided' });
    expect(JSON.stringify(verification)).not.toContain(clientSecret);
  });
});

describe('the token', () => {
  test('is fetched once for 50 deliveries at a time', async () => {
    const verify = verifier();
    const request = signedRequest(authority, eventBody());
    const verifications = await Promise.all(Array.from({ length: 50 }, async () => verify(request, sentAt)));
    expect(new Set(verifications.map(({ kind }) => kind))).toEqual(new Set(['verified']));
    expect(requestsTo(tokenPath)).toHaveLength(1);
    expect(requestsTo(postbackPath)).toHaveLength(50);
  });

  test('is used until a minute before it expires', async () => {
    const verify = verifier();
    for (const seconds of [0, 3_539]) await verify(signedRequest(authority, eventBody()), secondsLater(seconds));
    expect(requestsTo(tokenPath)).toHaveLength(1);
    await verify(signedRequest(authority, eventBody()), secondsLater(3_540));
    expect(requestsTo(tokenPath)).toHaveLength(2);
  });

  test('that PayPal refuses is renewed once, by whomever it was refused', async () => {
    answers.postback = ({ authorization }) =>
      authorization === 'Bearer token-1' ? { status: 401, body: '' } : success;
    const verify = verifier();
    const request = signedRequest(authority, eventBody());
    const verifications = await Promise.all(Array.from({ length: 10 }, async () => verify(request, sentAt)));
    expect(new Set(verifications.map(({ kind }) => kind))).toEqual(new Set(['verified']));
    expect(requestsTo(tokenPath)).toHaveLength(2);
  });

  test('that was refused late, after its renewal, is not renewed again', async () => {
    const tokens = createAccessTokens({
      environment: sandboxEnvironment,
      credentials: { clientId: 'client', clientSecret },
      effects: testEffects({ exchange: paypal.exchange }),
    });
    expect(await tokens.get(sentAt)).toBe('token-1');
    expect(await tokens.replace('token-1', sentAt)).toBe('token-2');
    expect(await tokens.replace('token-1', sentAt)).toBe('token-2');
    expect(requestsTo(tokenPath)).toHaveLength(2);
  });

  test('that PayPal refuses again decides nothing and is not tried a third time', async () => {
    answers.postback = () => ({ status: 401, body: '' });
    expect(await verifier()(signedRequest(authority, eventBody()), sentAt)).toMatchObject({
      kind: 'undecided',
    });
    expect(requestsTo(postbackPath).map(({ authorization }) => authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);
  });
});
