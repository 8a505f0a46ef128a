import type { Provider } from '@penstock/core/provider';
import type { SignedRequest } from '@penstock/core/signed-request';
import type { Random } from './random.ts';
import type { VerifiedEvent } from '@penstock/core/verification';

/** How a provider is fuzzed: what it sends, how it signs, and how far its signature reaches. */
export interface FuzzTarget {
  readonly provider: Provider;
  readonly settings: Readonly<Record<string, unknown>>;
  /** The same with another secret: no genuine request is accepted under them. */
  readonly otherSettings: Readonly<Record<string, unknown>>;
  readonly bodies: readonly [Buffer, ...Buffer[]];
  readonly sign: (body: Buffer) => SignedRequest;
  /** What is translated: one of the bodies with its JSON changed, where absent. */
  readonly stored?: (random: Random) => Buffer;
  /**
   * Whether an event of an accepted request is one that the genuine request
   * proves: of its very body, unless the signature reaches less far.
   */
  readonly proves: (
    genuine: SignedRequest,
    accepted: { readonly body: Buffer; readonly event: VerifiedEvent },
  ) => boolean;
  /** Answers of the provider's API, where events are fetched. */
  readonly answers: readonly Buffer[];
}

/** The moment at which everything is signed and received. */
export const fuzzedAt: Date = new Date('2026-03-01T12:00:00Z');

export function requestOf(
  headers: Readonly<Record<string, string | readonly string[]>>,
  body: Buffer,
  query = '',
): SignedRequest {
  return {
    method: 'POST',
    query,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), typeof value === 'string' ? [value] : value]),
    ),
    body,
  };
}

/** The signature is over the body. */
export function sameBody(genuine: SignedRequest, { body }: { readonly body: Buffer }): boolean {
  return body.equals(genuine.body);
}

/** Nothing is signed, so that nothing of the event may be acted upon. */
export function nothingSaid(provider: Provider): FuzzTarget['proves'] {
  return (_genuine, { body, event }) => provider.translate(event.body ?? body).length === 0;
}
