import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import { parseSettings } from '../../provider-settings.ts';
import type { RequestHead } from '../../signed-request.ts';
import { checkStaticToken, tokenInHeader } from '../../static-token.ts';
import type { Rejection } from '../../verification.ts';
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
  const verify: Verifier = (request, receivedAt) => {
    const reading = readToken(request);
    if (reading.kind === 'rejected') return reading;
    const check = checkStaticToken(reading.token, { secrets, receivedAt });
    if (check.kind === 'rejected') return check;

    const proven = { tier: 'none', keyId: check.keyId, transmissionId: null } as const;
    const body = readJsonBody(request.body, xenditEvent);
    if (body.kind === 'malformed') return { kind: 'malformed', ...proven, reason: body.reason };
    const { id, type, created } = subjectOf(body.value);
    // Anybody who has seen the token can send any id first; a moment of its own keeps a genuine
    // notification from being taken for a repetition of that. To fetch once too often is harmless.
    const eventId = `${id ?? 'event'}.${receivedAt.getTime()}`;
    const event = { eventId, type, occurredAt: created, livemode: null, apiVersion: null };
    return { kind: 'verified', ...proven, events: [{ ...event, providerAccount: body.value.business_id ?? null }] };
  };
  return Object.assign(verify, { refuse });
}

const readToken = (head: RequestHead) => tokenInHeader(head, 'x-callback-token');

function refuse(head: RequestHead): Rejection | null {
  const reading = readToken(head);
  return reading.kind === 'rejected' ? reading : null;
}
