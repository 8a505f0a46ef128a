import * as z from 'zod';
import { digestBytes, type HmacAlgorithm } from './hmac.ts';
import { signatureInHeader, hmacVerifier, type HmacScheme } from './hmac-verifier.ts';
import type { Verifier } from './provider.ts';
import { parseSettings } from './provider-settings.ts';
import { rotatingSecrets } from './rotating-secrets.ts';

/** How a provider that signs the body, and nothing else, does it. */
export interface SignedBodyScheme extends Pick<HmacScheme, 'readEvents'> {
  /** Lower case. */
  readonly header: string;
  /** What stands before the signature, such as `sha256=`. */
  readonly prefix?: string;
  /** SHA-256 where absent. */
  readonly algorithm?: HmacAlgorithm;
  readonly encoding: 'hex' | 'base64';
}

/**
 * The verifier of one HMAC over the raw body, alone in one header, keyed with
 * the secret as text. No time is signed: repetition is the ledger's to stop.
 * The settings are `secrets` alone; throws ConfigurationError with every problem.
 */
export function createSignedBodyVerifier(scheme: SignedBodyScheme, settings: unknown): Verifier {
  const { secrets } = parseSettings(settingsSchema, settings);
  const { header, prefix = '', algorithm = 'sha256', encoding, readEvents } = scheme;
  const hmac: HmacScheme = {
    tier: 'body',
    algorithm,
    readSignatures: signatureInHeader({ header, prefix, encoding, bytes: digestBytes[algorithm] }),
    signedParts: ({ body }) => [body],
    window: null,
    readEvents,
  };
  return hmacVerifier(hmac, secrets);
}

const settingsSchema = z.strictObject({ secrets: rotatingSecrets });
