/**
 * How much of a request its signature proves.
 *
 * - `full`: body and time are signed (Stripe).
 * - `body`: the body is signed, its time is not.
 * - `partial`: part of the message is signed (PayPal offline: a CRC32 of the body).
 * - `none`: nothing is; the event must be fetched to be believed.
 */
export type Tier = 'full' | 'body' | 'partial' | 'none';

/** Why a request is not the provider's. Stable: part of the public contract. */
export type RejectionCode =
  | 'signature_missing'
  | 'signature_malformed'
  | 'signature_mismatch'
  | 'signature_stale'
  | 'certificate_untrusted';

/** One event that a verified request carries, with what its envelope says. */
export interface VerifiedEvent {
  /** The provider's id of the event; null where it has none (then the body's hash stands in). */
  readonly eventId: string | null;
  /** The provider's own name of the event's type, e.g. `charge.refunded`. */
  readonly type: string;
  /** When the provider says it happened; null where it does not say. */
  readonly occurredAt: Date | null;
  readonly livemode: boolean | null;
  readonly apiVersion: string | null;
  /** The connected or sub-account the event belongs to, where the provider names one. */
  readonly providerAccount: string | null;
  /**
   * The part of the request that is this event, where one request carries
   * several: JSON of its own. It is what is stored and compared, for the same
   * event may come again in other company. The whole body where absent.
   */
  readonly body?: Buffer;
}

/** What a proven body says of itself. The reason names paths, never values. */
export type EventsReading =
  | { readonly kind: 'events'; readonly events: readonly VerifiedEvent[] }
  | { readonly kind: 'malformed'; readonly reason: string };

/** What a verifier concludes about one request. */
export type Verification =
  | {
      readonly kind: 'verified';
      readonly tier: Tier;
      /** Which of the active secrets or certificates matched: a name safe to log. */
      readonly keyId: string;
      readonly events: readonly VerifiedEvent[];
      /** The provider's id of this delivery, bound for ever to one body hash. */
      readonly transmissionId: string | null;
    }
  /** The signature is genuine but the body is not this provider's event: kept, counted, answered 400. */
  | {
      readonly kind: 'malformed';
      readonly tier: Tier;
      readonly keyId: string;
      readonly transmissionId: string | null;
      readonly reason: string;
    }
  | Rejection
  /** Neither proven nor disproven now (PayPal unreachable): the provider is asked to send it again. */
  | { readonly kind: 'undecided'; readonly reason: string };

export interface Rejection {
  readonly kind: 'rejected';
  readonly code: RejectionCode;
  /** For people; quotes nothing of the request. */
  readonly reason: string;
}

export function rejected(code: RejectionCode, reason: string): Rejection {
  return { kind: 'rejected', code, reason };
}
