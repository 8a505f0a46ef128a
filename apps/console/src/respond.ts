import type { HttpBindings } from '@hono/node-server';
import type { ReplayError, ReplayErrorCode } from '@penstock/core/replay';
import type { Context } from 'hono';
import type { Scope } from './api/api-key.ts';
import { readRefusalDetails, type ReadRefusal } from './api/refusals.ts';
import { refusalPage, type Html } from './pages.ts';
import { wantsPage } from './request.ts';
import type { Session } from './sessions.ts';

/** What every handler of the console finds in its context. */
export interface ConsoleEnv {
  readonly Bindings: HttpBindings;
  readonly Variables: {
    readonly requestId: string;
    /** The client's: the connection's own, or what a trusted proxy says of it (TRUSTED_PROXIES). */
    readonly address: string;
    /** W3C trace id: the caller's, or one that begins here. */
    readonly traceId: string | undefined;
    /** Who is logged in; there below requireSession. */
    readonly session: Session;
    /** What may be read below `/api`; nothing before `authenticate` has said. */
    readonly scopes?: ReadonlySet<Scope>;
  };
}

export type Refusal =
  | ReadRefusal
  | { readonly kind: 'login_required' }
  | { readonly kind: 'password_wrong' }
  | { readonly kind: 'name_missing' }
  | { readonly kind: 'operator_required' }
  | { readonly kind: 'csrf_invalid' }
  | { readonly kind: 'facts_not_editable' }
  | { readonly kind: 'board_change_refused' }
  | { readonly kind: 'job_not_failed' }
  | { readonly kind: 'job_unreadable' }
  | { readonly kind: 'event_discarded' }
  | { readonly kind: 'replay_refused'; readonly error: ReplayError }
  | { readonly kind: 'login_limited'; readonly waitMs: number }
  | { readonly kind: 'origin_foreign' }
  | { readonly kind: 'body_too_large'; readonly bytesMax: number }
  | { readonly kind: 'parameter_invalid'; readonly problem: string }
  | { readonly kind: 'payment_unknown' }
  | {
      readonly kind: 'payment_ambiguous';
      readonly matches: readonly { readonly account: string; readonly id: string }[];
    }
  | { readonly kind: 'page_unknown' }
  | { readonly kind: 'queue_unavailable' }
  | { readonly kind: 'database_unavailable' }
  | { readonly kind: 'unexpected' };

export interface RefusalDetails {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 410 | 413 | 429 | 500 | 503;
  readonly code: string;
  readonly title: string;
  readonly detail?: string;
  readonly headers?: Record<string, string>;
  /** Members of the problem document beyond the usual ones. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/**
 * A refusal: a page for people, for the rest and for all of the API an RFC 9457
 * problem document, both with a stable `code` and the request's id. `ways` lead
 * from the page to what may have been meant.
 */
export function refuse(context: Context<ConsoleEnv>, refusal: Refusal, ways?: Html): Response | Promise<Response> {
  const { headers, members, ...details } = refusalDetails(refusal);
  if (wantsPage(context.req.header('accept')) && !context.req.path.startsWith('/api/')) {
    const { requestId } = context.var;
    const isLoggedIn = 'session' in context.var;
    return context.html(refusalPage({ ...details, requestId, isLoggedIn, ways }), details.status, headers);
  }
  const body = {
    type: `urn:penstock:problem:${details.code}`,
    ...details,
    ...members,
    requestId: context.var.requestId,
    traceId: context.var.traceId,
  };
  return context.body(JSON.stringify(body), details.status, { 'content-type': 'application/problem+json', ...headers });
}

/** What each refusal is in HTTP: the only place that knows. */
export function refusalDetails(refusal: Refusal): RefusalDetails {
  switch (refusal.kind) {
    case 'login_required':
      return {
        status: 401,
        code: 'login_required',
        title: 'Log in first',
        detail: 'Send the password to /login and the cookie it answers with to everything else.',
      };
    case 'password_wrong':
      return { status: 401, code: 'password_wrong', title: 'This is not the password' };
    case 'name_missing':
      return {
        status: 400,
        code: 'name_missing',
        title: 'Say who you are',
        detail: 'What an operator does stands in the audit under a name of 1 to 100 characters.',
      };
    case 'operator_required':
      return {
        status: 403,
        code: 'operator_required',
        title: 'This needs the operator role',
        detail: 'Log in with CONSOLE_OPERATOR_PASSWORD.',
      };
    case 'csrf_invalid':
      return {
        status: 403,
        code: 'csrf_invalid',
        title: "The request does not carry this session's token",
        detail: 'Load the page again and repeat it; scripts send the csrf field of a page, or x-csrf-token.',
      };
    case 'facts_not_editable':
      return {
        status: 405,
        code: 'facts_not_editable',
        title: 'Events are not edited',
        detail: 'An event is what the provider said; mend the handler or the translation, then replay.',
      };
    case 'board_change_refused':
      return {
        status: 405,
        code: 'board_change_refused',
        title: 'The board retries single failed jobs and changes nothing else',
        detail: 'For many, plan a replay at /replays; to give one up, discard it at /dead.',
      };
    case 'job_not_failed':
      return { status: 409, code: 'job_not_failed', title: 'Only failed jobs are retried' };
    case 'job_unreadable':
      return {
        status: 409,
        code: 'job_unreadable',
        title: 'This job is no delivery that this version understands',
        detail: 'It would fail again: run the version that made it.',
      };
    case 'event_discarded':
      return {
        status: 409,
        code: 'event_discarded',
        title: 'The event of this job is discarded',
        detail: 'A replay that asks for discarded events brings it back.',
      };
    case 'replay_refused':
      return {
        status: replayStatus[refusal.error.code],
        code: refusal.error.code,
        title: 'This cannot be done',
        detail: refusal.error.message,
      };
    case 'login_limited': {
      const seconds = Math.ceil(refusal.waitMs / 1000);
      return {
        status: 429,
        code: 'login_limited',
        title: 'Too many wrong passwords',
        detail: `No password is looked at for the next ${seconds} seconds.`,
        headers: { 'retry-after': String(seconds) },
      };
    }
    case 'origin_foreign':
      return {
        status: 403,
        code: 'origin_foreign',
        title: 'The request came from another site',
        detail: "What changes something must carry this console's own Origin.",
      };
    case 'body_too_large':
      return {
        status: 413,
        code: 'body_too_large',
        title: `The body is larger than ${refusal.bytesMax} bytes`,
        headers: { connection: 'close' },
      };
    case 'parameter_invalid':
      return {
        status: 400,
        code: 'parameter_invalid',
        title: 'The request cannot be understood',
        detail: refusal.problem,
      };
    case 'payment_unknown':
      return {
        status: 404,
        code: 'payment_unknown',
        title: 'No payment goes by this id',
        detail:
          'Every id that an event named leads to its payment: of the payment, an order, a charge, a capture, a refund, a dispute.',
      };
    case 'payment_ambiguous':
      return {
        status: 409,
        code: 'payment_ambiguous',
        title: 'Several payments go by this id',
        detail: 'Choose an account with ?account=, or one payment by its own id.',
        members: { matches: refusal.matches },
      };
    case 'page_unknown':
      return { status: 404, code: 'page_unknown', title: 'There is no such page' };
    case 'key_required':
    case 'key_unknown':
    case 'key_expired':
    case 'key_revoked':
    case 'key_limited':
    case 'scope_missing':
    case 'cursor_invalid':
    case 'event_unknown':
    case 'payload_gone':
    case 'read_only':
    case 'read_too_slow':
      return readRefusalDetails(refusal);
    case 'queue_unavailable':
      return {
        status: 503,
        code: 'queue_unavailable',
        title: 'The queue does not answer now',
        headers: { 'retry-after': '5' },
      };
    case 'database_unavailable':
      return {
        status: 503,
        code: 'database_unavailable',
        title: 'The database does not answer now',
        headers: { 'retry-after': '5' },
      };
    case 'unexpected':
      return {
        status: 500,
        code: 'unexpected_error',
        title: 'Something failed',
        detail: 'The log says what, under this request id.',
      };
  }
}

const replayStatus = {
  replay_unknown: 404,
  replay_expired: 409,
  replay_state_wrong: 409,
  replay_too_large: 400,
  replay_selects_nothing: 400,
  replay_needs_force: 400,
  replay_needs_handlers: 400,
  replay_handler_unknown: 400,
  facts_not_editable: 405,
  event_unknown: 404,
  event_ambiguous: 409,
  event_not_dead: 409,
  delivery_unknown: 404,
  delivery_not_dead: 409,
} as const satisfies Record<ReplayErrorCode, RefusalDetails['status']>;
