import type { Quota } from './rate-limit.ts';
import type { RejectionCode } from './verification.ts';

/**
 * What becomes of one request at the gate. `respond.ts` alone maps it to HTTP.
 */
export type ReceiveOutcome =
  | {
      readonly kind: 'accepted';
      readonly keyId: string;
      readonly events: readonly QueuedEvent[];
      /** Null where the endpoint has no limit. */
      readonly quota: Quota | null;
    }
  /** The provider asked who listens here, and this proves it. */
  | { readonly kind: 'challenged'; readonly answer: string }
  /** Genuine but not an event: kept as a dead letter, answered 400. */
  | { readonly kind: 'malformed'; readonly keyId: string; readonly reason: string }
  | { readonly kind: 'rejected'; readonly code: RejectionCode; readonly reason: string }
  /** Another body came under an id already queued, on a signature that does not bind the body. */
  | { readonly kind: 'contested' }
  /** More of its endpoint's genuine requests came than its limit allows. */
  | { readonly kind: 'rate_limited'; readonly quota: Quota }
  | { readonly kind: 'unknown_endpoint' }
  | { readonly kind: 'method_not_allowed' }
  | { readonly kind: 'unsupported_media_type'; readonly expected: string }
  | { readonly kind: 'too_large'; readonly bytesMax: number }
  | { readonly kind: 'too_slow' }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'undecided'; readonly reason: string }
  | { readonly kind: 'queue_unavailable' }
  | TurnedAway
  | { readonly kind: 'stopping' }
  /** A fault of ours; the log says which. */
  | { readonly kind: 'unexpected' };

/** A request that was not let in, whatever it says: decided before its body is read, or while it is. */
export type TurnedAway =
  /** There is no room for it now; the provider keeps it. */
  | { readonly kind: 'overloaded'; readonly reason: OverloadReason }
  /** More header lines than any provider sends. */
  | { readonly kind: 'head_too_large' }
  | { readonly kind: 'address_too_long' }
  /** So many requests of this client were refused of late that the next is not looked at. */
  | { readonly kind: 'client_barred'; readonly retryAfterSeconds: number };

/**
 * - `event_loop`: the process answers late.
 * - `queue_memory`: Redis is nearly full.
 * - `requests`: as many requests as may be are in hand.
 * - `body_bytes`: their bodies hold as much memory as they may.
 */
export type OverloadReason = 'event_loop' | 'queue_memory' | 'requests' | 'body_bytes';

/** How one event of an accepted request stands in the queue. */
export interface QueuedEvent {
  readonly eventId: string;
  readonly type: string;
  /** The provider's own time of it; null where it names none. */
  readonly occurredAt: string | null;
  readonly standing: QueueStanding;
}

/**
 * - `queued`: this delivery is the one that will be processed.
 * - `already queued`: an earlier delivery of the event waits or is being processed.
 * - `already processed`: an earlier delivery was committed.
 * - `contested`: an earlier delivery under this id had another body; both reach the worker.
 */
export type QueueStanding = 'queued' | 'already queued' | 'already processed' | 'contested';

/** How the worker ended one delivery. Every delivery ends as one of these or is tried again. */
export type ProcessOutcome = 'processed' | 'ignored' | 'duplicate' | 'collision' | 'dead';
