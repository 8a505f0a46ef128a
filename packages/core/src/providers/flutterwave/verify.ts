import * as z from 'zod';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { parseSettings } from '../../provider-settings.ts';
import type { RequestHead } from '../../signed-request.ts';
import { checkStaticToken, tokenInHeader } from '../../static-token.ts';
import type { Rejection } from '../../verification.ts';
import { statedTimeIfReadable } from '../envelope-fields.ts';
import { flutterwaveSettings } from './settings.ts';

/**
 * Verifies the `verif-hash` of Flutterwave's v3: the secret hash of the
 * dashboard as it is, the same in every request. It proves nothing of the body,
 * so the tier is `none`, and the transaction is fetched before it is acted upon,
 * as Flutterwave asks for. Source: developer.flutterwave.com, v3.0.0, webhooks.
 */
export function createFlutterwaveVerifier(settings: unknown): Verifier {
  const { secrets } = parseSettings(flutterwaveSettings, settings);
  const verify: Verifier = (request, receivedAt) => {
    const reading = readToken(request);
    if (reading.kind === 'rejected') return reading;
    const check = checkStaticToken(reading.token, { secrets, receivedAt });
    if (check.kind === 'rejected') return check;

    const proven = { tier: 'none', keyId: check.keyId, transmissionId: null } as const;
    const body = readJsonBody(request.body, flutterwaveEvent);
    if (body.kind === 'malformed') return { kind: 'malformed', ...proven, reason: body.reason };
    const { event: type, data } = body.value;
    // Anybody who has seen the hash can send any id first; a moment of its own keeps a genuine
    // notification from being taken for a repetition of that. To fetch once too often is harmless.
    const eventId = `${data.id}.${receivedAt.getTime()}`;
    const event = { eventId, type, occurredAt: data.created_at };
    return {
      kind: 'verified',
      ...proven,
      events: [{ ...event, livemode: null, apiVersion: null, providerAccount: null }],
    };
  };
  return Object.assign(verify, { refuse });
}

const readToken = (head: RequestHead) => tokenInHeader(head, 'verif-hash');

function refuse(head: RequestHead): Rejection | null {
  const reading = readToken(head);
  return reading.kind === 'rejected' ? reading : null;
}

/** A v3 notification; the id is the transaction's. */
export const flutterwaveEvent = z.object({
  event: z.string().regex(/^[\w.-]{1,128}$/),
  data: z.object({ id: z.int().nonnegative(), created_at: statedTimeIfReadable }),
});
