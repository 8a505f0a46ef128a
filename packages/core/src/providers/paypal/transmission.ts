import { readHeader, type RequestHead } from '../../signed-request.ts';
import type { Rejection } from '../../verification.ts';
import { readDateTime } from './date-time.ts';

/**
 * What the signature headers of one delivery say, none of it proven yet.
 * Source: PayPal's openapi notifications_webhooks_v1.json, verify_webhook_signature.
 */
export interface Transmission {
  readonly id: string;
  /** As sent: the signature covers this text, not the moment it stands for. */
  readonly timeText: string;
  readonly time: Date;
  /** Canonical base64. */
  readonly signature: string;
}

export type AuthAlgorithm = 'SHA256withRSA' | 'HmacSHA256';

/**
 * Reads the headers every signed delivery carries. Rejects what cannot be one:
 * `signature_missing`, or `signature_malformed` naming the header at fault.
 */
export function readTransmission(
  request: RequestHead,
  algorithm: AuthAlgorithm,
): { readonly kind: 'read'; readonly transmission: Transmission } | Rejection {
  const id = readForm(request, {
    name: 'paypal-transmission-id',
    form: 'a transmission id',
    matches: (text) => TRANSMISSION_ID.test(text),
  });
  if (id.kind === 'rejected') return id;
  const timeText = readForm(request, {
    name: 'paypal-transmission-time',
    form: 'an RFC 3339 date-time',
    matches: (text) => readDateTime(text) !== null,
  });
  if (timeText.kind === 'rejected') return timeText;
  const signature = readForm(request, {
    name: 'paypal-transmission-sig',
    form: `base64 of at most ${SIGNATURE_CHARACTERS_MAX} characters`,
    matches: isSignature,
  });
  if (signature.kind === 'rejected') return signature;
  const sentAlgorithm = readForm(request, {
    name: 'paypal-auth-algo',
    form: algorithm,
    matches: (text) => text === algorithm,
  });
  if (sentAlgorithm.kind === 'rejected') return sentAlgorithm;
  const transmission = {
    id: id.value,
    timeText: timeText.value,
    time: new Date(timeText.value),
    signature: signature.value,
  };
  return { kind: 'read', transmission };
}

/** Reads the address of the signing certificate as sent; certificates.ts decides whether it may be fetched. */
export function readCertificateAddress(
  request: RequestHead,
): { readonly kind: 'read'; readonly value: string } | Rejection {
  return readForm(request, {
    name: 'paypal-cert-url',
    form: `a URL of at most ${CERTIFICATE_URL_CHARACTERS_MAX} characters`,
    matches: (text) => text.length <= CERTIFICATE_URL_CHARACTERS_MAX,
  });
}

/** Not all digits, as PayPal documents; and nothing that needs quoting in a log, a URL or a queue. */
const TRANSMISSION_ID = /^(?!\d+$)[\w-]{1,50}$/;

/** PayPal's limit on transmission_sig; a 2048-bit signature is 344 characters. */
const SIGNATURE_CHARACTERS_MAX = 500;

/** PayPal's limit on cert_url. */
const CERTIFICATE_URL_CHARACTERS_MAX = 500;

/** Strict: Node's decoder skips what it does not know, so one signature would have many spellings. */
function isSignature(text: string): boolean {
  return text.length <= SIGNATURE_CHARACTERS_MAX && Buffer.from(text, 'base64').toString('base64') === text;
}

interface HeaderForm {
  readonly name: string;
  readonly form: string;
  readonly matches: (text: string) => boolean;
}

function readForm(
  request: RequestHead,
  { name, form, matches }: HeaderForm,
): { readonly kind: 'read'; readonly value: string } | Rejection {
  const reading = readHeader(request, name);
  switch (reading.kind) {
    case 'missing':
      return { kind: 'rejected', code: 'signature_missing', reason: `the ${name} header is missing` };
    case 'unusable':
      return { kind: 'rejected', code: 'signature_malformed', reason: reading.reason };
    case 'one':
      if (matches(reading.value)) return { kind: 'read', value: reading.value };
      return { kind: 'rejected', code: 'signature_malformed', reason: `the ${name} header is not ${form}` };
    default:
      return reading satisfies never;
  }
}
