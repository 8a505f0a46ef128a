import type { QueueStanding, ReceiveOutcome } from '@penstock/core/outcome';
import type { Provider } from '@penstock/core/provider';
import type { Quota } from '@penstock/core/rate-limit';
import { ADDRESS_CHARACTERS_MAX, HEADER_LINES_MAX } from './head-limits.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What an answer is told by in the log and in traces. */
export interface AnswerIds {
  readonly requestId: string;
  /** Undefined where the request was turned away before it had a trace. */
  readonly traceId: string | undefined;
}

/** How a provider wants to be answered, where it wants it otherwise. */
export type ProviderWishes = Pick<Provider, 'acknowledgement' | 'mismatchStatus'>;

/**
 * What each outcome is in HTTP: the only place that knows. Refusals are RFC
 * 9457 problem documents with a stable `code`; none says more about a secret
 * than that it did not match.
 */
export function respond(outcome: ReceiveOutcome, ids: AnswerIds, wishes: ProviderWishes = {}): Answer {
  switch (outcome.kind) {
    case 'accepted':
      return withQuota(
        wishes.acknowledgement === undefined
          ? json(200, acceptance(outcome.events), ids)
          : text(wishes.acknowledgement, ids),
        outcome.quota,
      );
    case 'rate_limited':
      return withQuota(
        problem({ status: 429, code: 'rate_limited', title: 'More came to this endpoint than its limit allows' }, ids),
        outcome.quota,
      );
    case 'challenged':
      return text({ status: 200, contentType: 'text/plain', body: outcome.answer }, ids);
    case 'malformed':
      return problem(
        {
          status: 400,
          code: 'event_malformed',
          title: 'The signature is genuine, but the body is not an event of this provider',
          detail: `${outcome.reason}. It was kept and can be inspected under this request id.`,
        },
        ids,
      );
    case 'rejected':
      return problem(
        {
          status: wishes.mismatchStatus ?? 401,
          code: outcome.code,
          title: 'The request was not proven to be from the provider',
          detail: outcome.reason,
        },
        ids,
      );
    case 'contested':
      return problem(
        {
          status: 409,
          code: 'event_contested',
          title: 'Another body was received under this event id',
          detail: 'The signature does not bind the body, so this one was put aside and recorded.',
        },
        ids,
      );
    case 'unknown_endpoint':
      return problem(
        {
          status: 404,
          code: 'endpoint_unknown',
          title: 'There is no such endpoint',
          detail: 'Webhooks are received at /webhooks/<endpoint>, with a name from penstock.config.ts.',
        },
        ids,
      );
    case 'method_not_allowed':
      return problem(
        { status: 405, code: 'method_not_allowed', title: 'Webhooks are sent by POST', headers: { allow: 'POST' } },
        ids,
      );
    case 'unsupported_media_type':
      return problem(
        {
          status: 415,
          code: 'media_type_unsupported',
          title: `This provider sends ${outcome.expected}`,
          headers: { accept: outcome.expected },
        },
        ids,
      );
    case 'too_large':
      // Not with `connection: close`: Node would reset the connection at once, and a sender still writing would never read
      // this. The rest is thrown away unread for half a second and at most 64 MiB (@hono/node-server), then cut off.
      return problem(
        { status: 413, code: 'body_too_large', title: `The body is larger than ${outcome.bytesMax} bytes` },
        ids,
      );
    case 'too_slow':
      return problem(
        {
          status: 408,
          code: 'body_too_slow',
          title: 'The request did not arrive in time',
          headers: { connection: 'close' },
        },
        ids,
      );
    case 'aborted':
      return problem(
        { status: 400, code: 'request_aborted', title: 'The request was broken off', headers: { connection: 'close' } },
        ids,
      );
    case 'undecided':
      return problem(
        {
          status: 503,
          code: 'verification_undecided',
          title: 'The request could be neither proven nor refused now',
          detail: outcome.reason,
          headers: { 'retry-after': '5' },
        },
        ids,
      );
    case 'queue_unavailable':
      return problem(
        {
          status: 503,
          code: 'queue_unavailable',
          title: 'The event could not be stored durably now',
          headers: { 'retry-after': '5' },
        },
        ids,
      );
    case 'overloaded':
      return problem(
        {
          status: 503,
          code: 'overloaded',
          title: 'There is no room for this request now',
          // What is full is not emptied within a second; what is late may be.
          headers: { 'retry-after': outcome.reason === 'queue_memory' ? '30' : '2' },
        },
        ids,
      );
    case 'head_too_large':
      return problem(
        { status: 431, code: 'head_too_large', title: `There are more than ${HEADER_LINES_MAX} header lines` },
        ids,
      );
    case 'address_too_long':
      return problem(
        {
          status: 414,
          code: 'address_too_long',
          title: `The address is longer than ${ADDRESS_CHARACTERS_MAX} characters`,
        },
        ids,
      );
    case 'client_barred':
      return problem(
        {
          status: 429,
          code: 'client_barred',
          title: 'Too many requests of this client were refused',
          headers: { 'retry-after': String(outcome.retryAfterSeconds) },
        },
        ids,
      );
    case 'unexpected':
      return problem(
        {
          status: 500,
          code: 'unexpected_error',
          title: 'Something failed here',
          detail: 'The log says what, under this request id.',
        },
        ids,
      );
    case 'stopping':
      return problem(
        {
          status: 503,
          code: 'stopping',
          title: 'This process is stopping',
          headers: { 'retry-after': '1', connection: 'close' },
        },
        ids,
      );
  }
}

function withQuota(answer: Answer, quota: Quota | null): Answer {
  return quota === null ? answer : { ...answer, headers: { ...answer.headers, ...rateLimitHeaders(quota) } };
}

/** One event answers flat; several answer as a list. */
function acceptance(events: Extract<ReceiveOutcome, { kind: 'accepted' }>['events']): unknown {
  const answers = events.map(({ eventId, standing }) => ({ id: eventId, ...standingAnswer(standing) }));
  return answers.length === 1 ? answers[0] : { events: answers };
}

function standingAnswer(standing: QueueStanding): {
  readonly status: 'accepted' | 'duplicate';
  readonly detail?: string;
} {
  switch (standing) {
    case 'queued':
      return { status: 'accepted' };
    case 'already queued':
    case 'already processed':
      return { status: 'duplicate', detail: standing };
    case 'contested':
      return { status: 'duplicate', detail: 'already queued' };
  }
}

function problem(
  details: {
    readonly status: number;
    readonly code: string;
    readonly title: string;
    readonly detail?: string;
    readonly headers?: Readonly<Record<string, string>>;
  },
  ids: AnswerIds,
): Answer {
  const { headers, ...members } = details;
  const body = { type: `urn:penstock:problem:${details.code}`, ...members, ...ids };
  return {
    status: details.status,
    headers: { 'content-type': 'application/problem+json', ...idHeaders(ids), ...headers },
    body: JSON.stringify(body),
  };
}

function json(status: number, body: unknown, ids: AnswerIds): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', ...idHeaders(ids) },
    body: JSON.stringify(body),
  };
}

/** An answer without a body has no type either. */
function text(
  answer: { readonly status: number; readonly contentType: string; readonly body: string },
  ids: AnswerIds,
): Answer {
  const type = answer.body === '' ? {} : { 'content-type': answer.contentType };
  return { status: answer.status, headers: { ...type, ...idHeaders(ids) }, body: answer.body };
}

function idHeaders({ requestId, traceId }: AnswerIds): Readonly<Record<string, string>> {
  return traceId === undefined ? { 'x-request-id': requestId } : { 'x-request-id': requestId, 'x-trace-id': traceId };
}
