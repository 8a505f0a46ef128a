import { decodeBody, encodeBody, type Delivery } from './delivery.ts';
import type { PayloadKeys } from './payload-keys.ts';
import { openPayload, sealPayload, sealingKeyOf, type SealedPlace } from './sealed-payload.ts';

/** A delivery as the queue and the spool hold it where there are keys: all of it readable but its body. */
type SealedDelivery = Omit<Delivery, 'body'> & {
  readonly body: { readonly encoding: 'sealed'; readonly data: string };
};

/** What is given to the queue or the spool: the delivery, its body sealed where there are keys. */
export function sealDelivery(delivery: Delivery, keys: PayloadKeys | null): Delivery | SealedDelivery {
  if (keys === null) return delivery;
  const sealed = sealPayload(keys, decodeBody(delivery.body), placeOf(delivery));
  return { ...delivery, body: { encoding: 'sealed', data: sealed.toString('base64') } };
}

/**
 * What came out of the queue or the spool, with its body open where it was
 * sealed; parseDelivery still has to read it. Throws PermanentError
 * `payload_key_unknown` or `payload_tampered`.
 */
export function openDelivery(data: unknown, keys: PayloadKeys | null): unknown {
  if (!isSealedDelivery(data)) return data;
  return { ...data, body: encodeBody(openPayload(keys, Buffer.from(data.body.data, 'base64'), placeOf(data))) };
}

/** The same; where it does not open it stays sealed, and is then no delivery to parseDelivery. */
export function openWherePossible(data: unknown, keys: PayloadKeys | null): unknown {
  try {
    return openDelivery(data, keys);
  } catch {
    return data;
  }
}

/** The id of the key that its body is sealed with; null where it lies plain. Throws PermanentError `payload_tampered`. */
export function keyOfDelivery(data: unknown): string | null {
  return isSealedDelivery(data) ? sealingKeyOf(Buffer.from(data.body.data, 'base64')) : null;
}

function placeOf(delivery: Pick<Delivery, 'account' | 'eventId' | 'bodySha256'>): SealedPlace {
  return { kept: 'queue', row: [delivery.account, delivery.eventId, delivery.bodySha256] };
}

type Sealed = Pick<SealedDelivery, 'account' | 'eventId' | 'bodySha256' | 'body'>;

function isSealedDelivery(data: unknown): data is Sealed {
  if (!isRecord(data) || !isRecord(data['body'])) return false;
  const { body, account, eventId, bodySha256 } = data;
  return (
    body['encoding'] === 'sealed' &&
    [body['data'], account, eventId, bodySha256].every((field) => typeof field === 'string')
  );
}

function isRecord(data: unknown): data is Readonly<Record<string, unknown>> {
  return typeof data === 'object' && data !== null;
}
