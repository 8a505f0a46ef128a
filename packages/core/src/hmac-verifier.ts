import type { Verifier } from './provider.ts';
import { matchingSecret, type HmacAlgorithm } from './hmac.ts';
import { secretsActiveAt, type RotatingSecret } from './rotating-secrets.ts';
import { readHeader, type RequestHead, type SignedRequest } from './signed-request.ts';
import { rejected, type EventsReading, type Rejection, type Tier, type Verification } from './verification.ts';

/** The signatures a request carries, and the time they cover where there is one. */
export type SignatureReading =
  | { readonly kind: 'signatures'; readonly signatures: readonly Buffer[]; readonly timestamp: string | null }
  | { readonly kind: 'missing'; readonly reason: string }
  | { readonly kind: 'malformed'; readonly reason: string };

/** What differs between providers that sign with an HMAC. */
export interface HmacScheme {
  readonly tier: Tier;
  readonly algorithm: HmacAlgorithm;
  readonly readSignatures: (head: RequestHead) => SignatureReading;
  /** The bytes that are signed, in order. */
  readonly signedParts: (request: SignedRequest, timestamp: string | null) => readonly (string | Buffer)[];
  /** The key that a secret stands for; its UTF-8 bytes where absent. */
  readonly keyOf?: (secret: string) => string | Buffer;
  /** How far the signed time may be from now, either way; null where no time is signed. */
  readonly window: { readonly toleranceSeconds: number; readonly secondsOf: (timestamp: string) => number } | null;
  /** What the body, once proven, says of itself. */
  readonly readEvents: (request: SignedRequest) => EventsReading;
}

/** A verifier of requests that such a scheme signs. */
export function hmacVerifier(scheme: HmacScheme, secrets: readonly RotatingSecret[]): Verifier {
  return Object.assign(
    (request: SignedRequest, receivedAt: Date) => verifyHmac(scheme, { secrets, request, receivedAt }),
    {
      refuse: (head: RequestHead) => {
        const reading = scheme.readSignatures(head);
        return reading.kind === 'signatures' ? null : refusalOf(reading);
      },
    },
  );
}

/** What a head without a signature is refused with. */
export function refusalOf(reading: { readonly kind: 'missing' | 'malformed'; readonly reason: string }): Rejection {
  return rejected(reading.kind === 'missing' ? 'signature_missing' : 'signature_malformed', reading.reason);
}

/**
 * Verifies a request by its HMAC: signature under any active secret, in
 * constant time, then the time, then the body. Never throws for anything the
 * request contains.
 */
export function verifyHmac(
  scheme: HmacScheme,
  context: { readonly secrets: readonly RotatingSecret[]; readonly request: SignedRequest; readonly receivedAt: Date },
): Verification {
  const reading = scheme.readSignatures(context.request);
  return reading.kind === 'signatures' ? verifySignatures(scheme, reading, context) : refusalOf(reading);
}

function verifySignatures(
  scheme: HmacScheme,
  reading: Extract<SignatureReading, { readonly kind: 'signatures' }>,
  { request, receivedAt, ...context }: Parameters<typeof verifyHmac>[1],
): Verification {
  const secrets = secretsActiveAt(context.secrets, receivedAt);
  const position = matchingSecret({
    algorithm: scheme.algorithm,
    secrets: secrets.map(({ value }) => scheme.keyOf?.(value) ?? value),
    parts: scheme.signedParts(request, reading.timestamp),
    signatures: reading.signatures,
  });
  const secret = secrets[position];
  if (secret === undefined)
    return rejected('signature_mismatch', 'no signature matches the request under any active secret');

  return verifyProven(scheme, { request, receivedAt, timestamp: reading.timestamp, keyId: secret.name });
}

/** What is left once a signature has matched: the time, then the body. */
export function verifyProven(
  scheme: Pick<HmacScheme, 'tier' | 'window' | 'readEvents'>,
  proof: {
    readonly request: SignedRequest;
    readonly receivedAt: Date;
    readonly timestamp: string | null;
    readonly keyId: string;
  },
): Verification {
  const { request, receivedAt, timestamp, keyId } = proof;
  if (scheme.window !== null && timestamp !== null) {
    const ageSeconds = receivedAt.getTime() / 1000 - scheme.window.secondsOf(timestamp);
    if (!(Math.abs(ageSeconds) <= scheme.window.toleranceSeconds)) {
      return rejected(
        'signature_stale',
        `the signature's time is outside the window of ${scheme.window.toleranceSeconds} seconds`,
      );
    }
  }

  const reading = scheme.readEvents(request);
  const proven = { tier: scheme.tier, keyId, transmissionId: null };
  switch (reading.kind) {
    case 'events':
      return { kind: 'verified', ...proven, events: reading.events };
    case 'malformed':
      return { kind: 'malformed', ...proven, reason: reading.reason };
  }
}

/** Bytes of a signature as text encodes them; null where the text is not exactly that. */
export function decodeSignature(text: string, encoding: 'hex' | 'base64', bytes: number): Buffer | null {
  switch (encoding) {
    case 'hex':
      return text.length === bytes * 2 && /^[0-9a-f]+$/i.test(text) ? Buffer.from(text, 'hex') : null;
    case 'base64': {
      // Buffer forgives what base64 does not allow; encoding it again does not.
      const decoded = Buffer.from(text, 'base64');
      return decoded.length === bytes && decoded.toString('base64') === text ? decoded : null;
    }
  }
}

/** One signature, alone in one header, behind an optional prefix such as `sha256=`. */
export function signatureInHeader(options: {
  readonly header: string;
  readonly prefix?: string;
  readonly encoding: 'hex' | 'base64';
  readonly bytes: number;
}): (head: RequestHead) => SignatureReading {
  const { header, prefix = '', encoding, bytes } = options;
  return (request) => {
    const reading = readHeader(request, header);
    if (reading.kind === 'missing') return { kind: 'missing', reason: `the ${header} header is missing` };
    if (reading.kind === 'unusable') return { kind: 'malformed', reason: reading.reason };
    const signature = reading.value.startsWith(prefix)
      ? decodeSignature(reading.value.slice(prefix.length), encoding, bytes)
      : null;
    if (signature === null)
      return { kind: 'malformed', reason: `the ${header} header is not ${prefix}<${bytes} bytes in ${encoding}>` };
    return { kind: 'signatures', signatures: [signature], timestamp: null };
  };
}
