import { decodeSignature } from '../../hmac-verifier.ts';
import { readHeader, type RequestHead } from '../../signed-request.ts';
import type { WebhookSignature } from './keys.ts';

/** The three headers, all of one family. */
export type HeadersReading =
  | {
      readonly kind: 'headers';
      readonly id: string;
      readonly timestamp: string;
      readonly signatures: readonly WebhookSignature[];
    }
  | { readonly kind: 'missing'; readonly reason: string }
  | { readonly kind: 'malformed'; readonly reason: string };

/**
 * Reads id, time and signatures from the `webhook-*` headers, or from Svix's
 * `svix-*` where there is no `webhook-signature`; never some of each.
 */
export function readWebhookHeaders(request: RequestHead): HeadersReading {
  const family = readHeader(request, 'webhook-signature').kind === 'missing' ? 'svix' : 'webhook';
  const signature = readHeader(request, `${family}-signature`);
  if (signature.kind === 'missing') return { kind: 'missing', reason: 'the webhook-signature header is missing' };
  if (signature.kind === 'unusable') return { kind: 'malformed', reason: signature.reason };
  const id = readHeader(request, `${family}-id`);
  const timestamp = readHeader(request, `${family}-timestamp`);
  if (id.kind === 'missing') return { kind: 'missing', reason: `the ${family}-id header is missing` };
  if (timestamp.kind === 'missing') return { kind: 'missing', reason: `the ${family}-timestamp header is missing` };
  if (id.kind === 'unusable') return { kind: 'malformed', reason: id.reason };
  if (timestamp.kind === 'unusable') return { kind: 'malformed', reason: timestamp.reason };
  if (!/^[\x21-\x7e]{1,255}$/.test(id.value))
    return { kind: 'malformed', reason: `the ${family}-id header is not 1 to 255 characters without spaces` };
  // Kept as sent: the signed string holds these very digits.
  if (!/^\d{1,12}$/.test(timestamp.value))
    return { kind: 'malformed', reason: `the ${family}-timestamp header is not a number of seconds` };
  const signatures = readSignatures(signature.value);
  if (signatures.length === 0)
    return { kind: 'malformed', reason: `the ${family}-signature header holds no v1 and no v1a signature` };
  if (signatures.length > SIGNATURES_MAX)
    return { kind: 'malformed', reason: `the ${family}-signature header holds more than ${SIGNATURES_MAX} signatures` };
  return { kind: 'headers', id: id.value, timestamp: timestamp.value, signatures };
}

/** A sender signs once for each key being rolled; each ed25519 check costs a stranger's request some 0.1 ms. */
const SIGNATURES_MAX = 16;

/** The `v1,<base64>` and `v1a,<base64>` among the elements; other versions are for others to read. */
function readSignatures(header: string): readonly WebhookSignature[] {
  return header.split(' ').flatMap((element): WebhookSignature[] => {
    const separator = element.indexOf(',');
    const version = element.slice(0, separator);
    const text = element.slice(separator + 1);
    if (version === 'v1') return signatureOf('hmac', decodeSignature(text, 'base64', 32));
    if (version === 'v1a') return signatureOf('ed25519', decodeSignature(text, 'base64', 64));
    return [];
  });
}

function signatureOf(kind: WebhookSignature['kind'], bytes: Buffer | null): WebhookSignature[] {
  return bytes === null ? [] : [{ kind, bytes }];
}
