import type { Provider } from '../../provider.ts';
import type { SignedRequest } from '../../signed-request.ts';
import type { Rejection, Tier, Verification } from '../../verification.ts';

/** What a provider brings to the conformance suite: how it signs, and one event of its own. */
export interface ConformanceCase {
  readonly provider: Provider;
  readonly tier: Tier;
  /** Settings under this one secret, or the two of a rotation. */
  readonly settingsWith: (
    secrets: readonly (string | { readonly value: string; readonly notAfter: string })[],
  ) => Record<string, unknown>;
  readonly secret: string;
  readonly otherSecret: string;
  /** An event as the provider renders one. */
  readonly body: Buffer;
  /** Signs a body at a time, as the provider does. */
  readonly sign: (body: Buffer, options: { readonly secret: string; readonly at: Date }) => SignedRequest;
  /**
   * What the signature is over; `body` where absent. `fields` is for a
   * signature that stands in the body beside the few fields it covers, and
   * switches off exactly what cannot hold there: that every flipped bit and
   * every re-written body is refused, and that an unreadable body can be
   * signed at all (it is rejected instead of malformed). A provider that says
   * `fields` owes its own tests that no covered field can be changed and that
   * nothing else is acted upon.
   */
  readonly covers?: 'body' | 'fields';
  /** The header that holds the signature, lower case; null where it is in the body. */
  readonly signatureHeader: string | null;
  /** Other webhooks of this provider have it in the body: a head without one may still be genuine. */
  readonly elsewhereInBody?: true;
  /** How the signature is written; null where the signature's header holds none of its own. */
  readonly encoding: 'hex' | 'base64' | null;
  /**
   * How a header carries signatures under several secrets: joins the values
   * that each secret alone would have. Null where it may carry one: then a
   * second one is refused.
   */
  readonly several: ((values: readonly string[]) => readonly string[]) | null;
  /** A request that carries several events, and their ids; null where one request is one event. */
  readonly many: { readonly body: Buffer; readonly eventIds: readonly (string | null)[] } | null;
  /**
   * Where the body names the event, and what a body without it is: malformed,
   * or still an event, named by its hash. Null where the body never names it.
   */
  readonly eventIdAt: { readonly path: readonly string[]; readonly without: 'malformed' | 'verified' } | null;
  /** How far off the signed time may be; null where no time is signed. */
  readonly windowSeconds: number | null;
  readonly expected: {
    readonly eventId: string | null;
    readonly type: string;
    readonly occurredAt: Date | null;
    readonly providerAccount: string | null;
  };
}

/** The moment at which every request of the suite is signed. */
export const now: Date = new Date('2026-03-01T12:00:00Z');

/** What the suite's parts share. */
export interface ConformanceContext {
  readonly given: ConformanceCase;
  /** Under the one secret of the case, unless others are given. */
  readonly verify: (request: SignedRequest, at?: Date) => Promise<Verification>;
  readonly signed: () => SignedRequest;
  /** What its head alone is refused with; null where the body is asked for. */
  readonly refuse: (request: SignedRequest) => Rejection | null;
}
