import { randomUUID } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { OpenMetricsContentType, Registry } from 'prom-client';
import { listen } from './listen.ts';
import { exposeMetrics } from './metrics/exposition.ts';
import { exposeFleet, type MetricsPeers } from './metrics/fleet.ts';
import { IDENTITY_HEADER } from './metrics/peers.ts';
import { within } from './within.ts';

/** One thing a process cannot work without. Throws with the reason when it does not hold. */
export interface ReadinessCheck {
  readonly name: string;
  readonly check: () => Promise<void>;
  /** Whether the process does its work for the time being although the check failed: it is ready, and says `degraded`. */
  readonly bears?: (problem: unknown) => boolean;
}

/** A check that hangs is a check that fails; probes commonly wait one to ten seconds. */
const CHECK_MS_MAX = 2_000;

/**
 * The private port of a process: `/health` (the event loop turns), `/ready`
 * (every dependency answers, or something stands in for it; 503 otherwise, with each check's latency) and
 * `/metrics` (Prometheus; `/metrics/all` with those of its peers, where it has any). Bound apart from the public port, which never shows them.
 */
export async function serveHealth(options: {
  readonly host: string;
  readonly port: number | undefined;
  readonly fallbackPort: number;
  readonly registry: Registry<OpenMetricsContentType>;
  readonly checks: readonly ReadinessCheck[];
  readonly stopping: AbortSignal;
  /** Refreshes gauges that are read rather than counted; a failure leaves them out. */
  readonly beforeScrape?: () => Promise<void>;
  readonly peers?: MetricsPeers;
}): Promise<{ readonly port: number; readonly moved: boolean } & AsyncDisposable> {
  const identity = randomUUID();
  const { peers } = options;
  const server = createServer((request, response) => {
    // Not as a URL: anything may stand here, and `//` is none.
    const path = request.url?.split('?')[0];
    if (path === '/health') return answer(response, 200, { status: 'alive' });
    if (path === '/ready') return void ready(response, options);
    const accept = request.headers.accept ?? '';
    if (path === '/metrics')
      return void metrics(response, {
        ...options,
        identity,
        expose: () => exposeMetrics(options.registry, accept),
      });
    if (path === '/metrics/all' && peers !== undefined && peers.urls.length > 0)
      return void metrics(response, {
        ...options,
        identity,
        expose: () =>
          exposeFleet({ registry: options.registry, peers, accept, port: request.socket.localPort ?? 0, identity }),
      });
    return answer(response, 404, { title: 'Not found', paths: ['/health', '/ready', '/metrics'] });
  });
  const { port, moved } = await listen(server, options);
  return { port, moved, [Symbol.asyncDispose]: () => close(server) };
}

interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  /** True where it is not, and the process works all the same. */
  readonly borne?: true;
  readonly latencyMs: number;
  readonly problem?: string;
}

async function ready(
  response: ServerResponse,
  options: { readonly checks: readonly ReadinessCheck[]; readonly stopping: AbortSignal },
): Promise<void> {
  const checks = await Promise.all(options.checks.map(runCheck));
  const status = statusOf(checks, options.stopping);
  answer(response, status === 'ready' || status === 'degraded' ? 200 : 503, { status, checks });
}

function statusOf(checks: readonly CheckResult[], stopping: AbortSignal) {
  if (stopping.aborted) return 'stopping';
  if (checks.every(({ ok }) => ok)) return 'ready';
  return checks.every(({ ok, borne }) => ok || borne === true) ? 'degraded' : 'not ready';
}

async function runCheck({ name, check, bears }: ReadinessCheck): Promise<CheckResult> {
  const started = performance.now();
  const elapsed = () => Math.round((performance.now() - started) * 100) / 100;
  try {
    await within(CHECK_MS_MAX, check());
    return { name, ok: true, latencyMs: elapsed() };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    const borne = bears?.(error) === true ? ({ borne: true } as const) : {};
    return { name, ok: false, ...borne, latencyMs: elapsed(), problem };
  }
}

async function metrics(
  response: ServerResponse,
  options: {
    readonly identity: string;
    readonly expose: () => Promise<{ readonly contentType: string; readonly text: string }>;
    readonly beforeScrape?: () => Promise<void>;
  },
): Promise<void> {
  // A queue that is down, or was never reached and lets calls hang, must not hide the metrics that say so.
  await within(CHECK_MS_MAX, options.beforeScrape?.() ?? Promise.resolve()).catch(() => undefined);
  const { contentType, text } = await options.expose();
  response.writeHead(200, { 'content-type': contentType, [IDENTITY_HEADER]: options.identity });
  response.end(text);
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
