import type { Tier } from './verification.ts';

/** An event that may have to be asked about before it is acted upon. */
export interface UnconfirmedEvent {
  readonly eventId: string;
  readonly type: string;
  readonly tier: Tier;
  readonly providerAccount: string | null;
  readonly receivedAt: Date;
  readonly body: Buffer;
}

/** What the provider's API made of an event. */
export type Confirmation =
  /** The bytes of the API's answer, and where they came from: a URL without secrets. */
  | { readonly kind: 'confirmed'; readonly answer: Buffer; readonly source: string }
  /** The API knows no such event, or says that it is another. The reason repeats no value of the body. */
  | { readonly kind: 'denied'; readonly reason: string };

/**
 * Asks the provider about the event at hand. Rejects with ServiceAwayError
 * where its API cannot answer now, with TransientError where it refuses to.
 */
export type AskProvider = (at: Date) => Promise<Confirmation>;

/**
 * How an event is asked about; null where its signature proves all that will
 * be acted upon, or nothing of it will be. Throws PermanentError
 * `malformed_event` where it cannot be read.
 */
export type Confirmer = (event: UnconfirmedEvent) => AskProvider | null;
