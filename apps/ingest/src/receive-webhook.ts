import type { IncomingMessage } from 'node:http';
import type { Delivery } from '@penstock/core/delivery';
import type { QueueStanding, ReceiveOutcome } from '@penstock/core/outcome';
import type { Provider, Verifier } from '@penstock/core/provider';
import type { RateLimit } from '@penstock/core/rate-limit';
import type { RateLimiter } from '@penstock/runtime/rate-limit';
import type { RequestHead, SignedRequest } from '@penstock/core/signed-request';
import { refuseUnstorable } from '@penstock/core/storable-events';
import type { BodyRoom } from './body-room.ts';
import { toDeliveries } from './deliveries.ts';
import { enqueueDeliveries } from './enqueue-deliveries.ts';
import { readBody } from './read-body.ts';

/** An endpoint that is open: its secrets are known and its verifier built. */
export interface OpenEndpoint {
  readonly name: string;
  readonly account: string;
  readonly provider: Provider;
  readonly verify: Verifier;
  /** Answers the provider's GET that asks who listens here; null where it asks nothing of the kind. */
  readonly answerChallenge: ((query: URLSearchParams) => string | null) | null;
  /** How many of its genuine requests are taken; null where all are. */
  readonly limit: RateLimit | null;
}

/** What receiving needs of the world. */
export interface ReceiveWorld {
  readonly endpoints: ReadonlyMap<string, OpenEndpoint>;
  /** Of those endpoints that have a limit, by name. */
  readonly rateLimiters: ReadonlyMap<string, RateLimiter>;
  readonly enqueue: (deliveries: readonly Delivery[]) => Promise<readonly QueueStanding[]>;
  readonly now: () => Date;
  readonly newId: () => string;
  readonly stopping: AbortSignal;
  readonly bodies: BodyRoom;
  readonly limits: { readonly bodyBytesMax: number; readonly bodyMs: number; readonly enqueueMs: number };
}

/** What is known of a request before its body is read. */
export interface IncomingWebhook {
  readonly endpointName: string;
  readonly requestId: string;
  /** The trace that it belongs to, the caller's or a new one (W3C Trace Context). */
  readonly traceparent: string;
  readonly request: IncomingMessage;
}

/**
 * One webhook, from the wire to the queue: limit, verify the exact bytes (where
 * the head has no signature to verify, without them), enqueue durably, and only then call it accepted. What a request contains
 * decides the outcome and never throws.
 */
export async function receiveWebhook(incoming: IncomingWebhook, world: ReceiveWorld): Promise<ReceiveOutcome> {
  const { request } = incoming;
  const endpoint = world.endpoints.get(incoming.endpointName);
  if (endpoint === undefined) return { kind: 'unknown_endpoint' };
  if (request.method === 'GET' && endpoint.answerChallenge !== null) {
    const answer = endpoint.answerChallenge(new URLSearchParams(queryOf(request.url)));
    return answer === null ? { kind: 'method_not_allowed' } : { kind: 'challenged', answer };
  }
  if (request.method !== 'POST') return { kind: 'method_not_allowed' };
  if (world.stopping.aborted) return { kind: 'stopping' };

  const { mediaType } = endpoint.provider;
  const contentType = request.headers['content-type'] ?? null;
  if (mediaType !== null && mediaTypeOf(contentType) !== mediaType)
    return { kind: 'unsupported_media_type', expected: mediaType };

  const limiter = world.rateLimiters.get(endpoint.name);
  const spent = limiter?.held() ?? null;
  if (spent !== null) return { kind: 'rate_limited', quota: spent };

  const head: RequestHead = { method: 'POST', headers: request.headersDistinct, query: queryOf(request.url) };
  // No body makes a signature of none. One that would be too large is told so all the same.
  const isTooLarge = Number(request.headers['content-length'] ?? 0) > world.limits.bodyBytesMax;
  const refusal = isTooLarge ? null : endpoint.verify.refuse?.(head);
  if (refusal !== null && refusal !== undefined) return refusal;

  using place = world.bodies.enter();
  const body = await readBody(request, world.limits, place);
  if (body.kind !== 'body') return body;

  const receivedAt = world.now();
  const signed: SignedRequest = { ...head, body: body.bytes };
  const verification = refuseUnstorable(await endpoint.verify(signed, receivedAt));
  if (verification.kind === 'rejected' || verification.kind === 'undecided') return verification;

  // Of genuine requests alone: a forger must not be able to spend what is a provider's.
  const quota = (await limiter?.take()) ?? null;
  if (quota !== null && quota.waitMs > 0) return { kind: 'rate_limited', quota };

  const deliveries = toDeliveries({
    endpoint,
    verification,
    body: body.bytes,
    receivedAt,
    contentType,
    requestId: incoming.requestId,
    traceparent: incoming.traceparent,
    newId: world.newId,
  });
  const standings = await enqueueDeliveries(deliveries, world);
  if (standings === 'unavailable') return { kind: 'queue_unavailable' };

  if (verification.kind === 'malformed') return verification;
  // The headers that prove this request have proven another body before: a
  // forgery's mark. Without such headers a second body under one id is the
  // provider's own doing, and the worker finds out what it is.
  if (standings.includes('contested') && verification.transmissionId !== null) return { kind: 'contested' };
  return {
    kind: 'accepted',
    keyId: verification.keyId,
    quota,
    events: deliveries.map((delivery, position) => ({
      eventId: delivery.eventId,
      type: delivery.type,
      occurredAt: delivery.occurredAt,
      standing: standings[position] ?? 'queued',
    })),
  };
}

function mediaTypeOf(contentType: string | null): string | undefined {
  return contentType?.split(';')[0]?.trim().toLowerCase();
}

function queryOf(url: string | undefined): string {
  const mark = url?.indexOf('?') ?? -1;
  return mark === -1 ? '' : (url?.slice(mark + 1) ?? '');
}
