import * as z from 'zod';
import { decodeSignature, refusalOf, verifyHmac, type HmacScheme, type SignatureReading } from '../../hmac-verifier.ts';
import { readJsonBody } from '../../json-body.ts';
import type { Verifier } from '../../provider.ts';
import type { RequestHead, SignedRequest } from '../../signed-request.ts';
import { checkStaticToken } from '../../static-token.ts';
import { rejected, type EventsReading, type Rejection, type Verification } from '../../verification.ts';
import { identifier } from '../envelope-fields.ts';
import { readMollieSettings, type MollieSettings } from './settings.ts';

/**
 * Verifies both kinds of Mollie's webhooks, told apart by the request.
 *
 * Next-gen: `X-Mollie-Signature: sha256=<hex>`, HMAC-SHA256 over the raw body.
 * For a day after a secret was changed the header comes twice, once for each
 * secret; any that matches is accepted. No time is signed.
 *
 * Classic: a form, `id=tr_…`, with no signature at all. The URL that Mollie is
 * given must carry a token (`?token=…`), which keeps strangers from making us
 * ask Mollie about payments. Nothing of the form is proven: the tier is `none`.
 *
 * Source: mollie-api-php src/Webhooks/SignatureValidator.php;
 * docs.mollie.com/reference/webhooks and /webhooks-new.
 */
export function createMollieVerifier(settings: unknown): Verifier {
  const known = readMollieSettings(settings);
  const { secrets } = known;
  const verify: Verifier = (request, receivedAt) =>
    isClassic(request)
      ? verifyClassic(known, { request, receivedAt })
      : verifyHmac(scheme, { secrets, request, receivedAt });
  const refuse = (head: RequestHead): Rejection | null => {
    const reading = isClassic(head) ? readToken(head, known) : readSignatures(head);
    if (reading.kind === 'rejected') return reading;
    return reading.kind === 'missing' || reading.kind === 'malformed' ? refusalOf(reading) : null;
  };
  return Object.assign(verify, { refuse });
}

const isClassic = ({ headers }: RequestHead): boolean => headers['x-mollie-signature'] === undefined;

const scheme: HmacScheme = {
  tier: 'body',
  algorithm: 'sha256',
  readSignatures,
  signedParts: ({ body }) => [body],
  window: null,
  readEvents: ({ body }) => readEvents(body),
};

/** Two while a secret is changed; more than this is not Mollie. */
const SIGNATURES_MAX = 4;

const malformed: SignatureReading = {
  kind: 'malformed',
  reason: 'the x-mollie-signature header is not sha256=<32 bytes in hex>',
};

/** The header may come twice, or be joined by a proxy into one. */
function readSignatures(request: RequestHead): SignatureReading {
  const values = (request.headers['x-mollie-signature'] ?? []).filter((value) => value !== '');
  if (values.length === 0) return { kind: 'missing', reason: 'the x-mollie-signature header is missing' };
  if (values.some((value) => value.length > 1_024)) return malformed;
  const parts = values.flatMap((value) => value.split(','));
  if (parts.length > SIGNATURES_MAX) return malformed;
  const signatures = parts.map((part) => decodeSignature(part.trim().replace(/^sha256=/, ''), 'hex', 32));
  const decoded = signatures.filter((signature) => signature !== null);
  return decoded.length < signatures.length ? malformed : { kind: 'signatures', signatures: decoded, timestamp: null };
}

const envelope = z.object({
  id: identifier,
  type: identifier,
  createdAt: z.iso.datetime({ offset: true }),
});

function readEvents(body: Buffer): EventsReading {
  const reading = readJsonBody(body, envelope);
  if (reading.kind === 'malformed') return reading;
  const { id, type, createdAt } = reading.value;
  const event = { eventId: id, type, occurredAt: new Date(createdAt) };
  return { kind: 'events', events: [{ ...event, livemode: null, apiVersion: null, providerAccount: null }] };
}

function readToken(
  { query }: RequestHead,
  { tokens }: MollieSettings,
): { readonly kind: 'token'; readonly token: string } | Rejection {
  const given = new URLSearchParams(query).getAll('token');
  const [token] = given;
  if (token === undefined || token === '' || tokens.length === 0)
    return rejected('signature_missing', 'there is neither an x-mollie-signature header nor a token in the URL');
  if (given.length > 1 || token.length > 512)
    return rejected('signature_malformed', 'the token stands in the URL more than once, or is too long');
  return { kind: 'token', token };
}

function verifyClassic(
  settings: MollieSettings,
  { request, receivedAt }: { readonly request: SignedRequest; readonly receivedAt: Date },
): Verification {
  const reading = readToken(request, settings);
  if (reading.kind === 'rejected') return reading;
  const check = checkStaticToken(reading.token, { secrets: settings.tokens, receivedAt });
  if (check.kind === 'rejected') return check;

  const proven = { tier: 'none', keyId: check.keyId, transmissionId: null } as const;
  const id = classicId(request.body);
  if (id === null) return { kind: 'malformed', ...proven, reason: 'the form does not name one id' };
  // The same form comes at every change of the payment, so only the moment tells two apart. To fetch
  // once too often is harmless; to take the second for a repetition of the first would lose it.
  const eventId = `${id}.${receivedAt.getTime()}`;
  const event = { eventId, type: classicType(id), occurredAt: null };
  return {
    kind: 'verified',
    ...proven,
    events: [{ ...event, livemode: null, apiVersion: null, providerAccount: null }],
  };
}

/** The id that a classic form names; null where it is no such form. */
export function classicId(body: Buffer): string | null {
  if (body.length > 1_024) return null;
  const ids = new URLSearchParams(body.toString('latin1')).getAll('id');
  const [id] = ids;
  return ids.length === 1 && id !== undefined && /^[a-z]{2,8}_[A-Za-z0-9_]{1,64}$/.test(id) ? id : null;
}

/** `payment` for `tr_…`; of the others Mollie's prefix is told. */
function classicType(id: string): string {
  const [prefix = ''] = id.split('_');
  return prefix === 'tr' ? 'payment' : `classic.${prefix}`;
}
