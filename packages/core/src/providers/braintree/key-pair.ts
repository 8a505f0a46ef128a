import { createHash } from 'node:crypto';
import * as z from 'zod';
import { rotatingSecrets } from '../../rotating-secrets.ts';

/** One API key of a merchant: the name that signatures carry, and the key they are made with. */
export interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

const pairPattern = /^(?<publicKey>[\w-]+)\|(?<privateKey>[\w-]+)$/;

/** Key pairs as rotating secrets, each written `<public key>|<private key>`. */
export const settingsSchema = z.strictObject({
  secrets: rotatingSecrets.refine((secrets) => secrets.every(({ value }) => pairPattern.test(value)), {
    error: 'must be written <public key>|<private key>',
  }),
});

/** Reads what settingsSchema let through. */
export function keyPairOf(secret: string): KeyPair {
  const parts = pairPattern.exec(secret)?.groups ?? {};
  return { publicKey: parts['publicKey'] ?? '', privateKey: parts['privateKey'] ?? '' };
}

/** Braintree keys its HMACs with the SHA-1 of the private key. Source: braintree digest.js. */
export function signingKey({ privateKey }: KeyPair): Buffer {
  return createHash('sha1').update(privateKey).digest();
}
