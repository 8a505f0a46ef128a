import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** What binds a signature to one delivery at one endpoint. */
export interface SignedParts {
  readonly transmissionId: string;
  /** RFC 3339 text, exactly as in the header. */
  readonly transmissionTime: string;
  readonly webhookId: string;
  readonly body: Buffer;
}

/**
 * The text PayPal signs. Of the body it holds only the CRC32, in unsigned decimal,
 * and anyone can make another body with the same CRC32: hence the tier `partial`.
 * Source: PayPal-Python-SDK notifications.py, proven by its published vectors.
 */
export function paypalMessage({ transmissionId, transmissionTime, webhookId, body }: SignedParts): string {
  return [transmissionId, transmissionTime, webhookId, crc32(body)].join('|');
}

/** The text a demonstration signs: PayPal's, with a SHA-256 of the body in place of its CRC32. */
export function demoMessage({ transmissionId, transmissionTime, webhookId, body }: SignedParts): string {
  return [transmissionId, transmissionTime, webhookId, createHash('sha256').update(body).digest('hex')].join('|');
}
