import * as z from 'zod';
import { apiOriginSetting } from '../../api-settings.ts';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { parseSettings } from '../../provider-settings.ts';
import { rotatingSecrets } from '../../rotating-secrets.ts';
import type { RequestHead } from '../../signed-request.ts';
import { checkStaticToken, tokenInHeader } from '../../static-token.ts';
import { rejected, type Rejection } from '../../verification.ts';
import { stripeApiKey } from '../stripe/confirm.ts';
import { readStripeEvents } from '../stripe/event.ts';
import { unwrapped } from './envelope.ts';

/**
 * Verifies Stripe events that come by way of Amazon EventBridge or Azure Event
 * Grid. Neither carries Stripe's signature; the sender proves itself with a
 * token of yours, `authorization: Bearer <token>`, the same in every request.
 * That proves nothing of the event, so the tier is `none`, and the event is
 * fetched from Stripe by its id before it is acted upon.
 *
 * Source: docs.stripe.com/event-destinations/eventbridge and /eventgrid.
 */
export function createStripeCloudVerifier(settings: unknown): Verifier {
  const { secrets } = parseSettings(settingsSchema, settings);
  const verify: Verifier = (request, receivedAt) => {
    const bearer = readBearer(request);
    if (bearer.kind === 'rejected') return bearer;
    const check = checkStaticToken(bearer.token, { secrets, receivedAt });
    if (check.kind === 'rejected') return check;

    const proven = { tier: 'none', keyId: check.keyId, transmissionId: null } as const;
    const reading = readJsonBody(request.body, z.unknown());
    const event = reading.kind === 'json' ? unwrapped(reading.value) : null;
    if (event === null) return { kind: 'malformed', ...proven, reason: 'the body is no envelope of a Stripe event' };
    const events = readStripeEvents(event);
    return events.kind === 'malformed'
      ? { kind: 'malformed', ...proven, reason: events.reason }
      : { kind: 'verified', ...proven, events: events.events.map((told) => ({ ...told, body: event })) };
  };
  return Object.assign(verify, { refuse });
}

function readBearer(head: RequestHead): ReturnType<typeof tokenInHeader> {
  const header = tokenInHeader(head, 'authorization');
  if (header.kind === 'rejected') return header;
  const token = /^Bearer (?<token>[\x21-\x7e]+)$/.exec(header.token)?.groups?.['token'];
  if (token === undefined) return rejected('signature_malformed', 'the authorization header is not Bearer <token>');
  return { kind: 'token', token };
}

function refuse(head: RequestHead): Rejection | null {
  const bearer = readBearer(head);
  return bearer.kind === 'rejected' ? bearer : null;
}

const settingsSchema = z.strictObject({
  /** Tokens of yours, which the cloud is told to send. */
  secrets: rotatingSecrets,
  // The worker's: see confirm.ts.
  apiKey: stripeApiKey.optional(),
  apiOrigin: apiOriginSetting,
});
