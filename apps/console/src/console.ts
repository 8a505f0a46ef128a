import { existsSync } from 'node:fs';
import { getRequestListener } from '@hono/node-server';
import { assertLimited, assertReachable, openDatabase } from '@penstock/db/database';
import { assertMigrated } from '@penstock/db/migrate';
import { ConfigurationError } from '@penstock/core/failure';
import { createClientAddress } from '@penstock/runtime/client-address';
import { loadConfiguration } from '@penstock/runtime/configuration-file';
import type { Environment } from '@penstock/runtime/env';
import { reportErrorsTo } from '@penstock/runtime/error-reports';
import { serveHealth } from '@penstock/runtime/health';
import type { ProcessScope } from '@penstock/runtime/lifecycle';
import { createLogger } from '@penstock/runtime/logger';
import { maskKeyOf } from '@penstock/runtime/mask-key';
import { createMetrics } from '@penstock/runtime/metrics';
import { observePool } from '@penstock/runtime/observe-database';
import { observeQueue } from '@penstock/runtime/observe-queue';
import { serveHttp } from '@penstock/runtime/serve-http';
import { openTelemetry } from '@penstock/runtime/telemetry';
import { version } from '@penstock/runtime/version';
import { queueLocation } from '@penstock/runtime/queue-location';
import { openOutboxQueue } from '@penstock/runtime/outbox-queue';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';
import { createConsoleApp } from './app.ts';
import { readConsoleConfig } from './config.ts';
import { createConsoleEvents, type ConsoleEvents } from './events.ts';
import { createKnownDevices } from './known-devices.ts';
import { createLoginLimiter } from './login-limiter.ts';
import { createPasswordCheck } from './password.ts';
import { createSessions } from './sessions.ts';

/** What the console takes from its process; tests give their own. */
export interface ConsoleProcess {
  readonly environment: Environment;
  readonly now: () => Date;
  readonly newId: () => string;
  /** A new session's secret: at least 256 random bits, fit for a cookie. */
  readonly newToken: () => string;
  readonly onListening?: (urls: { readonly url: string; readonly healthUrl: string }) => void;
}

/** Operators, their browsers' tabs and a few programs. */
const CONNECTIONS_MAX = 1_000;

/** Pages and forms; the largest request is a login. */
const REQUEST_MS_MAX = 15_000;

/** A page of a list takes milliseconds along an index; one that takes longer asked for too much. */
const READ_MS_MAX = 5_000;

/** In 15 minutes. A client with an old key sends many; whoever guesses at 256 bits gets nowhere. */
const WRONG_KEYS_MAX = 20;
const WRONG_KEYS_FREELY = 1_000;

/** Of all strangers in 15 minutes, before they have to wait: a handful of operators on a bad day. */
const WRONG_PASSWORDS_FREELY = 20;

/** Starts the console: settings, database, queue, private port, operators' port. */
export async function operatorsConsole(given: ConsoleProcess, scope: ProcessScope): Promise<void> {
  const config = readConsoleConfig(given.environment);
  scope.setShutdownMs(config.shutdownMs);
  const logger = createLogger({ name: 'console', level: config.logLevel, maskKey: maskKeyOf(config) });
  const metrics = createMetrics({
    process: 'console',
    version,
    commit: config.commit,
    environment: config.environment,
  });
  const tracing = scope.resources.use(
    await openTelemetry({ environment: given.environment, process: 'console', version }),
  );
  const events = createConsoleEvents({ logger, metrics, tracing });
  await openErrorReports(config.configFile, events);
  const location = queueLocation(config);

  const db = scope.resources.use(
    openDatabase({
      url: config.databaseUrl,
      poolMax: config.databasePoolMax,
      payloadKeys: config.payloadKeys,
      applicationName: 'penstock-console',
      onError: events.databaseError,
      onStatement: events.statementEnded,
    }),
  );
  await assertLimited(db);
  await assertMigrated(db);
  const reads = scope.resources.use(
    openDatabase({
      url: config.replicaUrl ?? config.databaseUrl,
      poolMax: config.databasePoolMax,
      payloadKeys: config.payloadKeys,
      applicationName: 'penstock-console-reads',
      onError: events.databaseError,
      onStatement: events.statementEnded,
      statementTimeoutMs: READ_MS_MAX,
    }),
  );
  const queue = scope.resources.use(openWebhookQueue(location));
  // A queue that is away is a reason to look at the console, not one to go without it.
  await queue.connected().catch(events.queueAway);
  const outbox = scope.resources.use(openOutboxQueue(location));

  const health = scope.resources.use(
    await serveHealth({
      host: config.host,
      port: config.healthPort,
      fallbackPort: 9082,
      registry: metrics.registry,
      peers: { urls: config.metricsPeers, up: metrics.peerUp },
      stopping: scope.stopping,
      beforeScrape: async () => {
        observePool(metrics, db.poolUse());
        await observeQueue(queue, metrics, given.now());
      },
      checks: [
        // It acknowledges nothing, so whether the queue is durable is not the console's to refuse.
        { name: location.backend, check: async () => void (await queue.counts()) },
        { name: 'database', check: () => assertReachable(db) },
        ...(config.replicaUrl === undefined ? [] : [{ name: 'replica', check: () => assertReachable(reads) }]),
        { name: 'migrations', check: () => assertMigrated(db) },
      ],
    }),
  );

  const { now, newId, newToken } = given;
  const lifetimeMs = config.sessionHours * 3_600_000;
  const app = createConsoleApp(
    {
      db,
      reads,
      queue,
      outbox,
      replayPerSecond: config.replayPerSecond,
      clientOf: createClientAddress({ trusted: config.trustedProxies, header: config.forwardedHeader }),
      prometheusUrl: config.prometheusUrl,
      newId,
      now,
      sessions: createSessions({ now, newToken, lifetimeMs, idleMs: config.sessionIdleMinutes * 60_000 }),
      limiter: createLoginLimiter({ now, attempts: config.loginAttempts, freely: WRONG_PASSWORDS_FREELY }),
      devices: createKnownDevices({ now, newToken }),
      keyLimiter: createLoginLimiter({ now, attempts: WRONG_KEYS_MAX, freely: WRONG_KEYS_FREELY }),
      roleOf: createPasswordCheck({ reader: config.password, operator: config.operatorPassword }),
      cookie: { maxAgeSeconds: lifetimeMs / 1000, alwaysSecure: config.environment === 'production' },
    },
    events,
  );
  const listening = scope.resources.use(
    await serveHttp(getRequestListener(app.fetch), {
      host: config.host,
      port: config.port,
      fallbackPort: 8081,
      requestMs: REQUEST_MS_MAX,
      connectionsMax: CONNECTIONS_MAX,
      onConnectionEnded: () => undefined,
    }),
  );
  scope.stopping.addEventListener('abort', events.stopping);
  const urls = { url: `http://${config.host}:${listening.port}/`, healthUrl: `http://${config.host}:${health.port}` };
  events.listening({ ...urls, backend: location.backend, moved: listening.moved || health.moved });
  given.onListening?.(urls);
}

/** `reportError` is all that the console wants of the configuration; whoever has to look in trouble can do without it. */
async function openErrorReports(file: string, events: ConsoleEvents): Promise<void> {
  if (!existsSync(file)) return;
  try {
    reportErrorsTo((await loadConfiguration(file)).reportError);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    events.configurationUnread(error);
  }
}
