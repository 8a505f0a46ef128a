import type { Confirmer } from './confirmation.ts';
import type { RequestHead, SignedRequest } from './signed-request.ts';
import type { PaymentFact } from './payment-event.ts';
import type { ProviderSnapshots } from './snapshot.ts';
import type { Rejection, Verification } from './verification.ts';

/** One HTTP exchange with a provider's API. Redirects are never followed. */
export interface OutgoingRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly timeoutMs: number;
  /** The response is cut off with an error past this size. */
  readonly bodyBytesMax: number;
}

export interface IncomingResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What a verifier may do beyond computing; every effect comes in through here. */
export interface ProviderEffects {
  /** Rejects with TransientError on timeout, refused connection, redirect or an oversized response. */
  readonly exchange: (request: OutgoingRequest) => Promise<IncomingResponse>;
  /** PEM certificates a chain may end in. */
  readonly trustedRoots: readonly string[];
  /** True where demonstration modes must refuse to start. */
  readonly production: boolean;
}

/** Decides about one request. Never throws for anything the request contains. */
export interface Verifier {
  (request: SignedRequest, receivedAt: Date): Verification | Promise<Verification>;
  /**
   * What it would say whatever the body: that there is no signature, or nothing
   * that could be one. Null where the body is needed to tell; absent where the
   * signature is in the body.
   */
  readonly refuse?: (head: RequestHead) => Rejection | null;
}

/** An endpoint's settings as configured; a secret may be a reference that nobody has looked up. */
export type EndpointSettings = Readonly<Record<string, unknown>>;

/** Fetch-to-confirm: the event is believed for what the provider's API says of it. */
export interface ProviderConfirmation {
  /** The settings that fetching needs, by name: of an endpoint's secrets, a worker looks up these alone. */
  readonly settings: readonly string[];
  /**
   * Builds what asks, for one endpoint; null where nothing of it will ever be
   * asked. Throws ConfigurationError listing every problem of these settings.
   */
  readonly createConfirmer: (settings: unknown, effects: ProviderEffects) => Confirmer | null;
  /**
   * What the answer says about payments; takes the place of the provider's
   * `translate` for an event that was confirmed. Throws PermanentError
   * `malformed_event` on an answer that contradicts the documented shape.
   */
  readonly translate: (event: Buffer, answer: Buffer) => readonly PaymentFact[];
}

/** What an operator wants to know about a provider; docs/PROVIDERS.md is made of it. */
export interface ProviderDocumentation {
  readonly title: string;
  /** Header names, or where else the signature is. */
  readonly signatureIn: string;
  /** How far off the signed time may be, in words. */
  readonly window: string;
  /** How and for how long the provider repeats what was not acknowledged, with its source where it is not certain. */
  readonly retries: string;
  /** Which of its events say something about payments. */
  readonly covers: string;
  /** What to do in the provider's dashboard, step by step. */
  readonly setup: readonly string[];
  /** Where the scheme is documented or implemented by the provider itself. */
  readonly source: string;
}

/**
 * A payment provider: how its requests are verified and what its events mean.
 * One folder in providers/, one line in providers/registry.ts.
 */
export interface Provider {
  readonly id: string;
  /** The one media type its notifications come in; others are refused with 415. Null where it varies. */
  readonly mediaType: string | null;
  /**
   * The event types that metrics tell apart, as its documentation names them; what is not among them counts as
   * `other`. Null where the sender makes up its own names.
   */
  readonly eventTypes: readonly string[] | null;
  readonly documentation: ProviderDocumentation;
  /** How it wants an accepted request to be answered; 200 with the event's standing in JSON where absent. */
  readonly acknowledgement?: { readonly status: number; readonly contentType: string; readonly body: string };
  /** The status it wants for a signature that does not match; 401 where absent. */
  readonly mismatchStatus?: number;
  /** Builds what answers a GET that proves to the provider who listens here; null where that GET is no challenge. */
  readonly createChallengeResponder?: (settings: unknown) => (query: URLSearchParams) => string | null;
  /**
   * Builds the verifier of one endpoint. Throws ConfigurationError listing every
   * problem of the settings, before anything is served.
   */
  readonly createVerifier: (settings: unknown, effects: ProviderEffects) => Verifier;
  /**
   * What a verified event says about payments; an empty list where it says
   * nothing, and always where nothing of it is signed (tier `none`). Throws
   * PermanentError `malformed_event` on a body that contradicts the provider's
   * documented shape.
   */
  readonly translate: (body: Buffer, settings?: EndpointSettings) => readonly PaymentFact[];
  /** How the provider's API is asked about an event that its signature does not prove; absent where it proves enough. */
  readonly confirmation?: ProviderConfirmation;
  /** How the provider's API is asked how a payment stands; absent where Penstock cannot ask it. */
  readonly snapshots?: ProviderSnapshots;
  /**
   * Whether two different bodies under one event id state the same event, as
   * when a retry re-renders a delivery counter.
   */
  readonly statesSameEvent: (stored: Buffer, received: Buffer) => boolean;
}
