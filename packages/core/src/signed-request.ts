/**
 * A request as the provider sent it: the exact bytes of its body and its
 * header lines, unmerged. Nothing here has been trusted or decoded yet.
 */
export interface SignedRequest extends RequestHead {
  readonly body: Buffer;
}

/** What is known of it before its body has come. */
export interface RequestHead {
  readonly method: string;
  /** Lower-case name to every value received under it, in order of arrival. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
  /** What follows the `?` of the URL, without it; empty where there is none. */
  readonly query: string;
}

/** What reading a header that must be there exactly once can find. */
export type HeaderReading =
  | { readonly kind: 'one'; readonly value: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unusable'; readonly reason: string };

/**
 * Signature headers are a few hundred bytes (PayPal's, the longest, is 344
 * characters of base64); Stripe's grows by 68 a secret being rolled.
 */
const HEADER_CHARACTERS_MAX = 4096;

/**
 * Reads a header that must be present exactly once, in printable ASCII.
 * Two values are refused rather than joined: which one was signed is anyone's guess.
 */
export function readHeader(request: RequestHead, name: string): HeaderReading {
  const values = request.headers[name];
  const [value] = values ?? [];
  if (values === undefined || value === undefined || value === '') return { kind: 'missing' };
  if (values.length > 1) return { kind: 'unusable', reason: `the ${name} header was sent ${values.length} times` };
  if (value.length > HEADER_CHARACTERS_MAX)
    return { kind: 'unusable', reason: `the ${name} header is longer than ${HEADER_CHARACTERS_MAX} characters` };
  if (!/^[\x20-\x7e]+$/.test(value))
    return { kind: 'unusable', reason: `the ${name} header holds characters outside printable ASCII` };
  return { kind: 'one', value };
}
