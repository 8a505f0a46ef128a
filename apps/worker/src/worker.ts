import { hostname } from 'node:os';
import { providerNamed } from '@penstock/core/providers/registry';
import { assertLimited, assertReachable, openDatabase, type LedgerTransaction } from '@penstock/db/database';
import { databaseTime } from '@penstock/db/database-time';
import { countOpenConflicts } from '@penstock/db/find-conflicts';
import { openLedgerStore } from '@penstock/db/ledger-store';
import { openTogetherStore, type TogetherStore } from '@penstock/db/together-store';
import { assertMigrated } from '@penstock/db/migrate';
import { oldestUndelivered } from '@penstock/db/outbox-deliveries';
import { replicationOf } from '@penstock/db/replication';
import { hideReferences, loadConfiguration } from '@penstock/runtime/configuration-file';
import type { Environment } from '@penstock/runtime/env';
import { reportErrorsTo } from '@penstock/runtime/error-reports';
import { serveHealth } from '@penstock/runtime/health';
import type { ProcessScope } from '@penstock/runtime/lifecycle';
import { createLogger } from '@penstock/runtime/logger';
import { maskKeyOf } from '@penstock/runtime/mask-key';
import { createMetrics } from '@penstock/runtime/metrics';
import { observePool, observeReplicas } from '@penstock/runtime/observe-database';
import { observeQueue } from '@penstock/runtime/observe-queue';
import { openTelemetry } from '@penstock/runtime/telemetry';
import { version } from '@penstock/runtime/version';
import { queueLocation } from '@penstock/runtime/queue-location';
import { refuseWhereEventsCouldBeLost } from '@penstock/runtime/refuse-forgetful-queue';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';
import { readWorkerConfig } from './config.ts';
import { openDestinations } from './destinations.ts';
import { openWorkerEndpoints } from './endpoints.ts';
import { createWorkerEvents } from './events.ts';
import { KEEP_STORAGE_MS, keepStorage } from './keep-storage.ts';
import type { SuspectWorld } from './process-suspect.ts';
import type { ProcessStep } from './process-webhook.ts';
import { gatherKeyUses, KEY_USES_WRITE_MS } from './key-uses.ts';
import { realTime } from './real-time.ts';
import { repeat } from './repeat.ts';
import { startFetching } from './start-fetching.ts';
import { startCanary } from './start-canary.ts';
import { startForwarding } from './start-forwarding.ts';
import { startReplays } from './start-replays.ts';
import { sweep } from './sweep.ts';
import { usualMemoryMbMax, watchMemory } from './watch-memory.ts';
import { startWebhookWorker } from './webhook-worker.ts';

/** After sysexits.h's EX_TEMPFAIL: start it again. */
const EXIT_MEMORY = 75;

/** What a worker takes from its process; tests give their own. */
export interface WorkerProcess {
  readonly environment: Environment;
  readonly now: () => Date;
  readonly newId: () => string;
  readonly onStep?: (step: ProcessStep) => void;
  /** Called between a message's answer and its record. */
  readonly afterSend?: () => void;
  /** Called once a batch of a replay is in the queue and before the ledger says so. */
  readonly afterEnqueue?: () => void;
}

/** Starts a worker: settings, handlers, database, queue, private port, sweeper, intake. */
export async function worker(given: WorkerProcess, scope: ProcessScope): Promise<void> {
  const config = readWorkerConfig(given.environment);
  scope.setShutdownMs(config.shutdownMs);
  const logger = createLogger({ name: 'worker', level: config.logLevel, maskKey: maskKeyOf(config) });
  const metrics = createMetrics({ process: 'worker', version, commit: config.commit, environment: config.environment });
  const location = queueLocation(config);
  const tracing = scope.resources.use(
    await openTelemetry({ environment: given.environment, process: 'worker', version }),
  );
  const events = createWorkerEvents({ logger, metrics, tracing, queueName: location.name });
  const configuration = await loadConfiguration<LedgerTransaction>(config.configFile);
  const { handlers } = configuration;
  hideReferences(configuration, given.environment);
  reportErrorsTo(configuration.reportError);
  const endpoints = openWorkerEndpoints(configuration, {
    production: config.environment === 'production',
    environment: given.environment,
    events,
  });
  const destinations = openDestinations(configuration.destinations, given.environment);

  const db = scope.resources.use(
    openDatabase({
      url: config.databaseUrl,
      poolMax: config.databasePoolMax,
      payloadKeys: config.payloadKeys,
      applicationName: 'penstock-worker',
      namesStatements: true,
      longestStatementMs: Math.max(config.handlerMs, ...handlers.map(({ timeoutMs }) => timeoutMs ?? 0)),
      onError: events.queueError,
      onStatement: events.statementEnded,
    }),
  );
  await assertLimited(db);
  await assertMigrated(db);
  const queue = scope.resources.use(openWebhookQueue(location));
  await refuseWhereEventsCouldBeLost(queue, {
    production: config.environment === 'production',
    warn: events.notDurable,
  });

  const health = scope.resources.use(
    await serveHealth({
      host: config.host,
      port: config.healthPort,
      fallbackPort: 9081,
      registry: metrics.registry,
      peers: { urls: config.metricsPeers, up: metrics.peerUp },
      stopping: scope.stopping,
      beforeScrape: async () => {
        observePool(metrics, db.poolUse());
        await Promise.all([
          observeQueue(queue, metrics, given.now()),
          oldestUndelivered(db).then((oldest) => events.outboxAge(oldest, given.now())),
          replicationOf(db).then((replication) => observeReplicas(metrics, replication)),
          countOpenConflicts(db).then(events.conflictsOpen),
        ]);
      },
      checks: [
        { name: location.backend, check: queue.assertReady },
        { name: 'database', check: () => assertReachable(db) },
        { name: 'migrations', check: () => assertMigrated(db) },
      ],
    }),
  );

  const { now, newId } = given;
  const store = openLedgerStore(db);
  scope.resources.use(
    repeat({
      everyMs: config.sweepMs,
      onError: events.sweepFailed,
      task: async () => {
        const swept = await sweep({ store, queue, now, newId, graceMs: config.sweepGraceMs });
        if (swept !== null) events.swept(swept);
      },
    }),
  );

  scope.resources.use(
    repeat({
      everyMs: KEEP_STORAGE_MS,
      onError: events.storageFailed,
      task: async () =>
        events.storageKept(
          await keepStorage({
            db,
            now: () => databaseTime(db),
            retentionDays: config.eventRetentionDays,
            signal: scope.stopping,
          }),
        ),
    }),
  );

  await startReplays({ db, queue, handlers, newId, config, events, afterEnqueue: given.afterEnqueue }, scope);
  startFetching({ db, queue, configuration, config, environment: given.environment, now, newId, events }, scope);

  const keyUses = gatherKeyUses(db);
  scope.resources.defer(() => keyUses.write().catch(events.keyUsesFailed));
  scope.resources.use(repeat({ everyMs: KEY_USES_WRITE_MS, onError: events.keyUsesFailed, task: keyUses.write }));

  if (config.forwardConcurrency > 0)
    await startForwarding(
      {
        db,
        location,
        destinations,
        concurrency: config.forwardConcurrency,
        lockMs: config.lockMs,
        now,
        events,
        ...(given.afterSend === undefined ? {} : { afterSend: given.afterSend }),
      },
      scope,
    );

  const memoryMbMax = config.memoryMbMax ?? usualMemoryMbMax(process.constrainedMemory());
  scope.resources.use(
    watchMemory({
      bytesMax: memoryMbMax * 1024 ** 2,
      read: () => process.memoryUsage.rss(),
      onExceeded: (bytes) => {
        events.memoryExceeded({ bytes, memoryMbMax });
        scope.stop(EXIT_MEMORY);
      },
    }),
  );

  const world: SuspectWorld & { readonly together: TogetherStore } = {
    store,
    together: openTogetherStore(db),
    ...realTime,
    crashesMax: config.crashesMax,
    workerName: `${hostname()}:${process.pid}`,
    handlers: events.tracedHandlers(handlers),
    destinations: configuration.destinations,
    endpoints,
    provider: providerNamed,
    handlerMs: config.handlerMs,
    handlerLog: events.handlerLog,
    now,
    putBack: queue.recreate,
    ...(given.onStep === undefined ? {} : { onStep: given.onStep }),
  };
  const intake = scope.resources.use(
    startWebhookWorker({
      location,
      concurrency: config.concurrency,
      // Two transactions hold many events; sweeper and retention hold a connection each.
      aloneMax: Math.max(1, config.databasePoolMax - 4),
      lockMs: config.lockMs,
      world,
      events,
      keyUses,
    }),
  );
  await intake.ready();
  startCanary({ db, url: config.canaryUrl, secret: config.canarySecret, now, newId, events }, scope);
  scope.stopping.addEventListener('abort', events.stopping);
  events.started({
    healthUrl: `http://${config.host}:${health.port}`,
    backend: location.backend,
    concurrency: config.concurrency,
    handlers: handlers.map((handler) => handler.name),
  });
}
