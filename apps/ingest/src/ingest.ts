import { readFileSync } from 'node:fs';
import { getRequestListener, RequestError } from '@hono/node-server';
import { ConfigurationError, TransientError } from '@penstock/core/failure';
import {
  hideReferences,
  loadConfiguration,
  resolveSettings,
  type LoadedConfiguration,
} from '@penstock/runtime/configuration-file';
import { readSettings, type Environment } from '@penstock/runtime/env';
import { serveHealth, type ReadinessCheck } from '@penstock/runtime/health';
import { providerEffects, type AroundExchange } from '@penstock/runtime/http-exchange';
import type { ProcessScope } from '@penstock/runtime/lifecycle';
import { reportErrorsTo } from '@penstock/runtime/error-reports';
import { createLogger } from '@penstock/runtime/logger';
import { maskKeyOf } from '@penstock/runtime/mask-key';
import { createMetrics } from '@penstock/runtime/metrics';
import { invalidRequestProblem, serveHttp } from '@penstock/runtime/serve-http';
import { openTelemetry } from '@penstock/runtime/telemetry';
import { newTraceparent } from '@penstock/runtime/trace-context';
import type { SpoolState } from '@penstock/runtime/spool/spool';
import { version } from '@penstock/runtime/version';
import { queueLocation, type QueueLocation } from '@penstock/runtime/queue-location';
import { ForgetfulQueueError } from '@penstock/runtime/durable-redis';
import { queueSettings } from '@penstock/runtime/shared-settings';
import { refuseWhereEventsCouldBeLost } from '@penstock/runtime/refuse-forgetful-queue';
import { addByShard } from '@penstock/runtime/queue-shards';
import { openWebhookQueue, type WebhookQueue } from '@penstock/runtime/webhook-queue';
import { openAdmission, type Admission } from './admission.ts';
import { createIngestApp, type IngestWorld } from './app.ts';
import { createBodyRoom } from './body-room.ts';
import { boundedEnqueue } from './bounded-enqueue.ts';
import { ingestSettings, readIngestConfig, type IngestConfig } from './config.ts';
import { enqueueTogether } from './enqueue-together.ts';
import { createIngestEvents, type IngestEvents } from './events.ts';
import { chooseLanes } from './overflow.ts';
import { gate } from './gate.ts';
import { openRateLimits, rateLimitProblems } from './rate-limits.ts';
import type { OpenEndpoint, ReceiveWorld } from './receive-webhook.ts';
import { spoolDeliveries, type SpooledEnqueue } from './spool-deliveries.ts';

/** What ingest takes from its process; tests give their own. */
export interface IngestProcess {
  readonly environment: Environment;
  readonly now: () => Date;
  readonly newId: () => string;
  /** Called with each request's deliveries once they are queued and before the answer. */
  readonly afterEnqueue?: () => void;
}

/** Starts ingest: settings, endpoints, queue, private port, public port. */
export async function ingest(given: IngestProcess, scope: ProcessScope): Promise<void> {
  const { config, openEndpoints, location } = await prepare(given.environment);
  scope.setShutdownMs(config.shutdownMs);
  const logger = createLogger({ name: 'ingest', level: config.logLevel, maskKey: maskKeyOf(config) });
  const metrics = createMetrics({ process: 'ingest', version, commit: config.commit, environment: config.environment });
  const tracing = scope.resources.use(
    await openTelemetry({ environment: given.environment, process: 'ingest', version }),
  );
  const events = createIngestEvents({ logger, metrics, tracing, queueName: location.name });
  const endpoints = openEndpoints(events.asking);

  const queue = scope.resources.use(openWebhookQueue(location));
  await refuseWhereEventsCouldBeLost(queue, {
    production: config.environment === 'production',
    mayBeAway: config.spoolDir !== undefined,
    warn: events.notDurable,
  });
  scope.resources.defer(events.tellRest);
  const admission = scope.resources.use(openAdmission(config, queue));
  const { enqueue, spool } = await openEnqueue(given, { config, queue, admission, events, scope });
  const rateLimits = scope.resources.use(
    openRateLimits([...endpoints.values()], { location, onUnanswered: events.rateLimitUnanswered }),
  );
  const bodies = createBodyRoom({ requestsMax: config.requestsMax, bytesMax: config.bodiesBytesMax });

  const health = scope.resources.use(
    await serveHealth({
      host: config.host,
      port: config.healthPort,
      fallbackPort: 9080,
      registry: metrics.registry,
      peers: { urls: config.metricsPeers, up: metrics.peerUp },
      stopping: scope.stopping,
      beforeScrape: async () => {
        if (spool !== null) events.spoolState(spool.state(), given.now());
        events.inHand({ ...bodies.held(), pressure: admission.pressure() });
      },
      checks: [queueCheck(queue, spool)],
    }),
  );

  const world: IngestWorld = {
    endpoints,
    rateLimiters: rateLimits.limiters,
    enqueue,
    bodies,
    clientOf: admission.clientOf,
    clients: admission.clients,
    now: given.now,
    newId: given.newId,
    stopping: scope.stopping,
    limits: config,
  };
  const listener = getRequestListener(createIngestApp(world, events).fetch, {
    errorHandler: (error) => {
      // Neither a request nor the app's own fault: nobody else tells of it.
      if (!(error instanceof RequestError))
        events.unexpected({ requestId: given.newId(), traceparent: newTraceparent(), error });
      return refuseAddress(error);
    },
  });
  const guarded = gate(listener, {
    judge: (request) => admission.judge(request, { spool: spool !== null }),
    newId: given.newId,
    turnedAway: ({ request, ...turned }) =>
      events.turnedAway({ ...turned, method: request.method ?? '', client: admission.clientOf(request) }),
  });
  const listening = scope.resources.use(
    await serveHttp(guarded, {
      host: config.host,
      port: config.port,
      fallbackPort: 8080,
      shared: config.portShared === 'true',
      requestMs: config.bodyMs + 5_000,
      connectionsMax: config.connectionsMax,
      onConnectionEnded: events.connectionEnded,
    }),
  );
  scope.stopping.addEventListener('abort', events.stopping);
  events.listening({
    url: `http://${config.host}:${listening.port}/webhooks/`,
    healthUrl: `http://${config.host}:${health.port}`,
    endpoints: [...endpoints.keys()],
    moved: listening.moved || health.moved,
  });
}

/** How deliveries get to the queue: each in its lane, so many at once; and by way of a spool, where there is one. */
async function openEnqueue(
  given: IngestProcess,
  parts: {
    readonly config: IngestConfig;
    readonly queue: WebhookQueue;
    readonly admission: Admission;
    readonly events: IngestEvents;
    readonly scope: ProcessScope;
  },
): Promise<{ readonly enqueue: ReceiveWorld['enqueue']; readonly spool: SpooledEnqueue | null }> {
  const { config, queue, admission, events, scope } = parts;
  const laneOf = chooseLanes({
    ratePerSecond: config.overflowRate,
    burst: config.overflowBurst,
    clock: () => performance.now(),
  });
  // A shard whose master is away must not hold up what goes to the others.
  const shards = queue.location.backend === 'redis' ? (queue.location.shards ?? 1) : 1;
  const add = addByShard(Array.from({ length: shards }, () => enqueueTogether(queue.add)));
  const enqueue = boundedEnqueue(async (deliveries) => {
    if (admission.queueIsFull()) throw new TransientError('queue_unavailable', 'Redis is nearly full');
    const lane = laneOf(deliveries);
    if (lane === 'overflow') events.overflowed(deliveries);
    const standings = await events.enqueueing(deliveries, (traced) => add(traced, { lane }));
    given.afterEnqueue?.();
    return standings;
  }, config.enqueueBytesMax);
  if (config.spoolDir === undefined) return { enqueue, spool: null };
  const { spoolDir: dir, spoolBytesMax: bytesMax, enqueueMs, payloadKeys } = config;
  const spool = scope.resources.use(await spoolDeliveries({ dir, bytesMax, payloadKeys, enqueueMs, enqueue, events }));
  return { enqueue: spool.enqueue, spool };
}

/** A queue that is away is borne while the spool has room; one that answers and would forget is not. */
function queueCheck(queue: WebhookQueue, spool: SpooledEnqueue | null): ReadinessCheck {
  return {
    name: queue.location.backend,
    check: queue.assertReady,
    bears: (problem) => spool !== null && hasRoom(spool.state()) && !(problem instanceof ForgetfulQueueError),
  };
}

function hasRoom({ bytes, bytesMax }: SpoolState): boolean {
  return bytes < bytesMax;
}

interface Prepared {
  readonly config: IngestConfig;
  readonly openEndpoints: OpenEndpoints;
  readonly location: QueueLocation;
}

/** Builds every endpoint's verifier, each request of which to its provider is made within the given. */
type OpenEndpoints = (around: AroundExchange) => ReadonlyMap<string, OpenEndpoint>;

/** Everything an operator can get wrong, in one go: one error lists the problems of settings, endpoints and queue. */
async function prepare(environment: Environment): Promise<Prepared> {
  const problems = new Set<string>();
  const gather = async <Value>(read: () => Value | Promise<Value>): Promise<Value | undefined> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      for (const problem of error.problems) problems.add(problem);
      return undefined;
    }
  };
  const { environment: mode, configFile, trustedRootsFile } = ingestSettings;
  const config = await gather(() => readIngestConfig(environment));
  // Built once to find what is wrong with them, while there is nothing yet to tell of their requests.
  const prepared = await gather(async () => {
    const settings = readSettings({ environment: mode, configFile, trustedRootsFile }, environment);
    const configuration = await loadConfiguration(settings.configFile);
    hideReferences(configuration, environment);
    reportErrorsTo(configuration.reportError);
    const openEndpoints: OpenEndpoints = (around) => openEach(configuration, settings, { environment, around });
    const endpoints = openEndpoints((_request, send) => send());
    return { openEndpoints, endpoints };
  });
  const location = await gather(() => queueLocation(readSettings(queueSettings, environment)));
  if (config === undefined || prepared === undefined || location === undefined)
    throw new ConfigurationError([...problems]);
  if (config.portShared === 'true' && config.port === undefined)
    throw new ConfigurationError(['PORT_SHARED needs PORT: whoever shares a port has to name it']);
  const unlimited = rateLimitProblems([...prepared.endpoints.values()], location);
  if (unlimited.length > 0) throw new ConfigurationError(unlimited);
  return { config, openEndpoints: prepared.openEndpoints, location };
}

/** All problems of all endpoints make one error. */
function openEach(
  configuration: LoadedConfiguration<unknown>,
  config: Pick<IngestConfig, 'environment' | 'trustedRootsFile'>,
  { environment, around }: { readonly environment: Environment; readonly around: AroundExchange },
): ReadonlyMap<string, OpenEndpoint> {
  const production = config.environment === 'production';
  const problems: string[] = [];
  if (production && config.trustedRootsFile !== undefined)
    problems.push('TRUSTED_ROOTS_FILE is for demonstrations and is refused in production');
  const extraRoots = readRoots(config.trustedRootsFile, problems);
  const effects = providerEffects({ production, extraRoots, retriesMax: 0, around });
  const open = new Map<string, OpenEndpoint>();
  for (const endpoint of configuration.endpoints.values()) {
    const resolved = resolveSettings(endpoint, environment);
    problems.push(...resolved.problems);
    if (resolved.problems.length > 0) continue;
    try {
      const verify = endpoint.provider.createVerifier(resolved.settings, effects);
      const answerChallenge = endpoint.provider.createChallengeResponder?.(resolved.settings) ?? null;
      const { name, account, provider, rateLimit: limit } = endpoint;
      open.set(name, { name, account, provider, verify, answerChallenge, limit });
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      problems.push(...error.problems.map((problem) => `endpoint ${endpoint.name}: ${problem}`));
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return open;
}

function readRoots(file: string | undefined, problems: string[]): readonly string[] {
  if (file === undefined) return [];
  try {
    return [readFileSync(file, 'utf8')];
  } catch {
    problems.push(`TRUSTED_ROOTS_FILE: ${file} cannot be read`);
    return [];
  }
}

/** A request whose host or target is no address never reaches the app. */
function refuseAddress(error: unknown): Response {
  const status = error instanceof RequestError ? 400 : 500;
  return new Response(invalidRequestProblem(status), {
    status,
    headers: { 'content-type': 'application/problem+json', connection: 'close' },
  });
}
