import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { parseSettings } from '../../provider-settings.ts';
import { readHeader } from '../../signed-request.ts';
import { checkStaticToken } from '../../static-token.ts';
import { rejected } from '../../verification.ts';
import { subjectOf, xenditEvent } from './event.ts';
import { xenditSettings } from './settings.ts';

/**
 * Verifies Xendit's `x-callback-token`: the account's verification token as it
 * is, the same in every request. It proves nothing of the body, so the tier is
 * `none`, and what the body names is fetched before it is acted upon.
 * Source: docs.xendit.co/apidocs/payment-webhook-notification.
 */
export function createXenditVerifier(settings: unknown): Verifier {
  const { secrets } = parseSettings(xenditSettings, settings);
  return (request, receivedAt) => {
    const header = readHeader(request, 'x-callback-token');
    if (header.kind === 'missing') return rejected('signature_missing', 'the x-callback-token header is missing');
    if (header.kind === 'unusable') return rejected('signature_malformed', header.reason);
    const check = checkStaticToken(header.value, { secrets, receivedAt });
    if (check.kind === 'rejected') return check;

    const proven = { tier: 'none', keyId: check.keyId, transmissionId: null } as const;
    const reading = readJsonBody(request.body, xenditEvent);
    if (reading.kind === 'malformed') return { kind: 'malformed', ...proven, reason: reading.reason };
    const { id, type, created } = subjectOf(reading.value);
    // Anybody who has seen the token can send any id first; a moment of its own keeps a genuine
    // notification from being taken for a repetition of that. To fetch once too often is harmless.
    const eventId = `${id ?? 'event'}.${receivedAt.getTime()}`;
    const event = { eventId, type, occurredAt: created, livemode: null, apiVersion: null };
    return { kind: 'verified', ...proven, events: [{ ...event, providerAccount: reading.value.business_id ?? null }] };
  };
}
