import type { Logger } from '@penstock/runtime/logger';
import type { Metrics } from '@penstock/runtime/metrics';
import { observeStatement } from '@penstock/runtime/observe-database';
import { readTraceparent, traceIdOf } from '@penstock/runtime/trace-context';
import { spanOfStatement } from '@penstock/runtime/trace-statement';
import type { OpenSpan, Tracing } from '@penstock/runtime/tracing';
import type { TimedStatement } from '@penstock/db/database';
import type { RequestIds } from './request.ts';

/** One request, as it is told when it is over. The query is left out: it may name what was searched for. */
export interface AnsweredRequest {
  readonly method: string;
  readonly path: string;
  readonly address: string;
  readonly requestId: string;
  readonly span: OpenSpan;
  readonly status: number;
  readonly durationMs: number;
}

export type ApiKeyOutcome = 'accepted' | 'unknown' | 'expired' | 'revoked' | 'limited';
export type LoginOutcome = 'granted' | 'refused' | 'limited';

/** The only place in the console that touches logger, metrics and spans: one function a business event. */
export function createConsoleEvents({
  logger,
  metrics,
  tracing,
}: {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}) {
  return {
    /** Answers a request within its span, which continues the caller's trace where it has one. */
    answering: <Result>(
      request: {
        readonly method: string;
        readonly path: string;
        readonly requestId: string;
        readonly traceparent: string | undefined;
      },
      work: (span: OpenSpan) => Promise<Result>,
    ): Promise<Result> => {
      const method = methodLabel(request.method);
      const route = routeLabel(request.path);
      return tracing.span(
        {
          name: `${method === 'other' ? 'HTTP' : method} ${route}`,
          kind: 'server',
          parent: readTraceparent(request.traceparent),
          attributes: {
            'http.request.method': method === 'other' ? '_OTHER' : method,
            'http.route': route,
            'url.scheme': 'http',
            'penstock.request.id': request.requestId,
          },
        },
        work,
      );
    },

    /** Every statement of the ledger's, whether or not it succeeded. */
    statementEnded: (statement: TimedStatement): void => {
      observeStatement(metrics, statement);
      if (statement.errorCode !== null || tracing.isRecording()) tracing.ended(spanOfStatement(statement));
    },

    /** Every request to the operators' port. An open board asks every few seconds, so mere looking is told at debug. */
    requestAnswered: ({ span, ...request }: AnsweredRequest): void => {
      const traceId = traceIdOf(span.traceparent);
      span.set({ 'http.response.status_code': request.status });
      if (request.status >= 500) span.fail(String(request.status));
      metrics.httpDuration.observe(
        {
          http_route: routeLabel(request.path),
          http_request_method: methodLabel(request.method),
          http_response_status_code: request.status,
          endpoint: '',
          provider: '',
        },
        request.durationMs / 1000,
        traceId,
      );
      const line = {
        ...request,
        traceId,
        path: request.path.slice(0, 300),
        durationMs: Math.round(request.durationMs * 100) / 100,
      };
      if (request.status >= 500) logger.warn(line, 'request answered');
      else if (request.method === 'GET' || request.method === 'HEAD') logger.debug(line, 'request answered');
      else logger.info(line, 'request answered');
    },

    /** Every password that was sent, and every one that was not looked at. */
    loginAttempted: (login: RequestIds & { readonly outcome: LoginOutcome; readonly address: string }): void => {
      metrics.consoleLogins.inc({ outcome: login.outcome });
      if (login.outcome === 'granted') logger.info(login, 'an operator logged in');
      else logger.warn(login, 'a login was refused');
    },

    /** Every key that was sent. */
    apiKeyJudged: (
      judged: RequestIds & { readonly outcome: ApiKeyOutcome; readonly keyId?: string; readonly address: string },
    ): void => {
      metrics.apiKeys.inc({ outcome: judged.outcome });
      if (judged.outcome === 'accepted') logger.debug(judged, 'a key was accepted');
      else logger.warn(judged, 'a key was refused');
    },

    apiKeyUseUnwritten: (failed: RequestIds & { readonly error: unknown }): void => {
      logger.warn(failed, 'when a key was used last could not be written');
    },

    requestFailed: (failed: RequestIds & { readonly error: unknown }): void => {
      logger.error(failed, 'a request failed');
    },

    configurationUnread: (error: unknown): void => {
      logger.warn({ error }, 'the configuration cannot be read; errors are told to this log alone');
    },

    queueAway: (error: unknown): void => {
      logger.warn({ error }, 'the queue does not answer; its pages will say so until it does');
    },

    databaseError: (error: Error): void => {
      logger.warn({ error }, 'an idle connection to the database broke');
    },

    listening: (facts: {
      readonly url: string;
      readonly healthUrl: string;
      readonly backend: string;
      readonly moved: boolean;
    }): void => {
      logger.info(facts, facts.moved ? 'listening, on a free port because the default was taken' : 'listening');
    },

    stopping: (): void => {
      logger.info('stopping: finishing the requests in hand');
    },
  };
}

export type ConsoleEvents = ReturnType<typeof createConsoleEvents>;

const exactRoutes = new Set([
  '/',
  '/login',
  '/logout',
  '/console.css',
  '/conflicts',
  '/keys',
  '/sla',
  '/dead',
  '/replays',
]);

/** Only our own routes become label values: anybody can ask for any path. */
function routeLabel(path: string): string {
  if (exactRoutes.has(path)) return path;
  if (path === '/queues' || path.startsWith('/queues/')) return '/queues';
  if (path === '/api' || path.startsWith('/api/')) return apiRouteLabel(path);
  if (path.startsWith('/dead/')) return '/dead/:event';
  if (path.startsWith('/replays/')) return '/replays/:id';
  return path.startsWith('/payments/') ? '/payments/:id' : 'other';
}

const apiLists = new Set([
  'openapi.json',
  'payments',
  'refunds',
  'disputes',
  'payouts',
  'events',
  'outbox',
  'collisions',
]);

/** `/api/payments/:id/timeline`: the list and the part are ours, what stands between is not. */
function apiRouteLabel(path: string): string {
  const [list, id, part, ...more] = path.split('/').slice(2);
  if (list === undefined) return '/api';
  if (!apiLists.has(list) || more.length > 0) return 'other';
  if (id === undefined) return `/api/${list}`;
  if (part === undefined) return `/api/${list}/:id`;
  return part === 'timeline' || part === 'payload' ? `/api/${list}/:id/${part}` : 'other';
}

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

function methodLabel(method: string): string {
  return knownMethods.has(method) ? method : 'other';
}
