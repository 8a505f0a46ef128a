import { createHash } from 'node:crypto';
import type { SignedRequest } from '../../signed-request.ts';

/** What a notification's form says, not yet believed. */
export type FormReading =
  | { readonly kind: 'form'; readonly signature: string; readonly payload: string }
  | { readonly kind: 'missing'; readonly reason: string }
  | { readonly kind: 'malformed'; readonly reason: string };

/** A pair is 60 to 80 characters; one comes for each key pair the merchant has. */
const SIGNATURE_CHARACTERS_MAX = 4_096;

/** A subscription with its twenty latest transactions is about 100 KB of XML. */
const PAYLOAD_CHARACTERS_MAX = 1_048_576;

/** What base64 is written in, in lines. Source: braintree webhook_notification_gateway.js parse. */
const base64Lines = /^[A-Za-z0-9+=/\n]*$/;

/** What Braintree's challenges look like. Source: braintree webhook_notification_gateway.js verify. */
export const challengePattern: RegExp = /^[a-f0-9]{20,32}$/;

/**
 * Reads `bt_signature` and `bt_payload` from a form, each exactly once. A
 * payload of a challenge's form is refused: the answer to a challenge is a
 * signature of it that anyone can ask for.
 */
export function readForm(body: SignedRequest['body']): FormReading {
  const fields = new URLSearchParams(body.toString('latin1'));
  const signatures = fields.getAll('bt_signature');
  const payloads = fields.getAll('bt_payload');
  if (signatures.length > 1 || payloads.length > 1)
    return { kind: 'malformed', reason: 'bt_signature or bt_payload was sent more than once' };
  const [signature = ''] = signatures;
  const [payload = ''] = payloads;
  if (signature === '') return { kind: 'missing', reason: 'the bt_signature field is missing' };
  if (payload === '') return { kind: 'missing', reason: 'the bt_payload field is missing' };
  if (signature.length > SIGNATURE_CHARACTERS_MAX)
    return { kind: 'malformed', reason: `bt_signature is longer than ${SIGNATURE_CHARACTERS_MAX} characters` };
  if (payload.length > PAYLOAD_CHARACTERS_MAX)
    return { kind: 'malformed', reason: `bt_payload is longer than ${PAYLOAD_CHARACTERS_MAX} characters` };
  if (!base64Lines.test(payload)) return { kind: 'malformed', reason: 'bt_payload is not lines of base64' };
  if (challengePattern.test(withoutLastNewline(payload)))
    return { kind: 'malformed', reason: 'bt_payload has the form of a challenge' };
  return { kind: 'form', signature, payload };
}

/**
 * The name of the event that a payload is: its hash. Of the form, only the
 * payload is signed, and a last newline may be lost on the way without harm to
 * the signature; neither that nor a field more makes another event of it.
 */
export function payloadSha256(payload: string): string {
  return createHash('sha256').update(withoutLastNewline(payload)).digest('hex');
}

function withoutLastNewline(payload: string): string {
  return payload.endsWith('\n') ? payload.slice(0, -1) : payload;
}
