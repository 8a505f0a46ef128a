import * as z from 'zod';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { parseSettings } from '../../provider-settings.ts';
import { readHeader } from '../../signed-request.ts';
import { checkStaticToken } from '../../static-token.ts';
import { rejected } from '../../verification.ts';
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
  return (request, receivedAt) => {
    const header = readHeader(request, 'verif-hash');
    if (header.kind === 'missing') return rejected('signature_missing', 'the verif-hash header is missing');
    if (header.kind === 'unusable') return rejected('signature_malformed', header.reason);
    const check = checkStaticToken(header.value, { secrets, receivedAt });
    if (check.kind === 'rejected') return check;

    const proven = { tier: 'none', keyId: check.keyId, transmissionId: null } as const;
    const reading = readJsonBody(request.body, flutterwaveEvent);
    if (reading.kind === 'malformed') return { kind: 'malformed', ...proven, reason: reading.reason };
    const { event: type, data } = reading.value;
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
}

/** A v3 notification; the id is the transaction's. */
export const flutterwaveEvent = z.object({
  event: z.string().regex(/^[\w.-]{1,128}$/),
  data: z.object({ id: z.int().nonnegative(), created_at: statedTimeIfReadable }),
});
