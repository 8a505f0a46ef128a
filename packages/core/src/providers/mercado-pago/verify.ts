import { decodeSignature, verifyProven } from '../../hmac-verifier.ts';
import { matchingSecret } from '../../hmac.ts';
import type { Verifier } from '../../provider.ts';
import { parseSettings } from '../../provider-settings.ts';
import { secretsActiveAt } from '../../rotating-secrets.ts';
import { readHeader, type RequestHead } from '../../signed-request.ts';
import { rejected, type Rejection, type VerifiedEvent } from '../../verification.ts';
import { mercadoPagoSettings } from './settings.ts';

/**
 * Verifies Mercado Pago's `x-signature: ts=<time>,v1=<hex>`: HMAC-SHA256 over
 * `id:<data.id of the URL>;request-id:<x-request-id>;ts:<ts>;`, absent parts
 * left out. The id is tried as it came and in lower case: the documentation
 * says lower, the SDK leaves it. `ts` is seen in seconds and in milliseconds.
 *
 * The body is not signed, and nor is the `type` of the URL. The event id is
 * therefore made of what is signed, and of that type: whoever holds one genuine
 * delivery can send it with another type, but that is another event then and
 * keeps none from being taken. The body is only stored.
 *
 * Source: mercadopago (npm) dist/utils/webhook; unlike it, both bounds of the
 * window are checked always.
 */
export function createMercadoPagoVerifier(settings: unknown): Verifier {
  const { secrets, toleranceSeconds } = parseSettings(mercadoPagoSettings, settings);
  const verify: Verifier = (request, receivedAt) => {
    const reading = readSigned(request);
    if (reading.kind === 'rejected') return reading;
    const active = secretsActiveAt(secrets, receivedAt);
    const secret = active.find(({ value }) =>
      manifests(reading).some(
        (manifest) =>
          matchingSecret({
            algorithm: 'sha256',
            secrets: [value],
            parts: [manifest],
            signatures: [reading.signature],
          }) === 0,
      ),
    );
    if (secret === undefined)
      return rejected('signature_mismatch', 'the signature matches the request under no active secret');
    return verifyProven(
      {
        tier: 'partial',
        window: { toleranceSeconds, secondsOf },
        readEvents: () => ({ kind: 'events', events: [eventOf(reading)] }),
      },
      { request, receivedAt, timestamp: reading.timestamp, keyId: secret.name },
    );
  };
  return Object.assign(verify, { refuse });
}

function refuse(head: RequestHead): Rejection | null {
  const reading = readSigned(head);
  return reading.kind === 'rejected' ? reading : null;
}

/** Milliseconds from 1973 on are beyond every second until 5138. */
const MILLISECONDS_FROM = 100_000_000_000;

function secondsOf(timestamp: string): number {
  const value = Number(timestamp);
  return value >= MILLISECONDS_FROM ? value / 1_000 : value;
}

interface SignedReading {
  readonly kind: 'signed';
  readonly dataId: string;
  readonly type: string;
  readonly requestId: string;
  readonly timestamp: string;
  readonly signature: Buffer;
}

type Reading = SignedReading | Rejection;

function readSigned(request: RequestHead): Reading {
  const header = readHeader(request, 'x-signature');
  if (header.kind === 'missing') return rejected('signature_missing', 'the x-signature header is missing');
  if (header.kind === 'unusable') return malformed(header.reason);
  const requestId = readHeader(request, 'x-request-id');
  if (requestId.kind === 'unusable') return malformed(requestId.reason);

  const elements = header.value.split(',').map((element) => element.trim());
  const valuesOf = (start: string): string[] =>
    elements.filter((element) => element.startsWith(start)).map((element) => element.slice(start.length));
  const [timestamp = '', ...moreTimestamps] = valuesOf('ts=');
  const [hex = '', ...moreSignatures] = valuesOf('v1=');
  const signature = decodeSignature(hex, 'hex', 32);
  if (moreTimestamps.length + moreSignatures.length > 0 || !/^\d{1,15}$/.test(timestamp) || signature === null)
    return malformed('the x-signature header is not ts=<time>,v1=<hex>');

  const query = new URLSearchParams(request.query);
  const [dataId = '', ...moreIds] = query.getAll('data.id');
  const [type = 'unknown', ...moreTypes] = query.getAll('type');
  if (moreIds.length + moreTypes.length > 0 || !/^[A-Za-z0-9_-]{0,64}$/.test(dataId) || !/^[\w.-]{1,64}$/.test(type))
    return malformed('data.id or type of the URL is not one plain word');
  const id = requestId.kind === 'one' ? requestId.value : '';
  if (!/^[\w.-]{0,128}$/.test(id)) return malformed('the x-request-id header is not one plain word');
  return { kind: 'signed', dataId, type, requestId: id, timestamp, signature };
}

function malformed(reason: string): Reading {
  return rejected('signature_malformed', reason);
}

/** The strings that may have been signed. */
function manifests({ dataId, requestId, timestamp }: SignedReading): readonly string[] {
  const rest = `${requestId === '' ? '' : `request-id:${requestId};`}ts:${timestamp};`;
  return [...new Set([dataId, dataId.toLowerCase()])].map((id) => `${id === '' ? '' : `id:${id};`}${rest}`);
}

function eventOf({ dataId, type, requestId, timestamp }: SignedReading): VerifiedEvent {
  return {
    eventId: [type, dataId, requestId === '' ? timestamp : requestId].join('.'),
    type,
    occurredAt: new Date(secondsOf(timestamp) * 1_000),
    livemode: null,
    apiVersion: null,
    providerAccount: null,
  };
}

/** What an event id of ours names at Mercado Pago. */
export function dataIdOf(eventId: string): string {
  return eventId.split('.')[1] ?? '';
}
