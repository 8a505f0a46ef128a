import { ConfigurationError } from '@penstock/core/failure';
import { integer, oneOf, optionalInteger, optionalText, readSettings, type Environment } from '@penstock/runtime/env';
import { databaseSettings, replaySettings, sharedSettings } from '@penstock/runtime/shared-settings';

/** Every setting of a worker. */
export const workerSettings = {
  ...sharedSettings,
  ...databaseSettings,
  ...replaySettings,
  healthPort: optionalInteger({
    name: 'HEALTH_PORT',
    about: 'private port, for health and metrics',
    min: 0,
    max: 65_535,
    fallbackAbout: '9081, or a free one where that is taken',
  }),
  concurrency: integer({ name: 'CONCURRENCY', about: 'events in hand at once', fallback: 1_024, min: 1, max: 4_000 }),
  forwardConcurrency: integer({
    name: 'FORWARD_CONCURRENCY',
    about: 'messages being sent to destinations at once; 0 leaves that to other workers',
    fallback: 16,
    min: 0,
    max: 1_000,
  }),
  replayWaitingMax: integer({
    name: 'REPLAY_WAITING_MAX',
    about: 'a replay moves nothing while more events than this wait in the queue',
    fallback: 100,
    min: 0,
    max: 1_000_000,
  }),
  lockMs: integer({
    name: 'LOCK_MS',
    about: "how long a worker may be silent before its events are another's, in milliseconds",
    fallback: 30_000,
    min: 500,
    max: 600_000,
  }),
  handlerMs: integer({
    name: 'HANDLER_MS',
    about: 'how long a handler may take, in milliseconds',
    fallback: 10_000,
    min: 10,
    max: 600_000,
  }),
  crashesMax: integer({
    name: 'CRASHES_MAX',
    about: 'how many workers an event may end, with nothing else in hand, before it is dead',
    fallback: 3,
    min: 1,
    max: 1_000,
  }),
  memoryMbMax: optionalInteger({
    name: 'MEMORY_MB_MAX',
    about: 'how much memory the worker may hold before it stops cleanly and ends with code 75, in MiB',
    min: 128,
    max: 1_048_576,
    fallbackAbout: "2,048, or four fifths of the container's limit where that is less",
  }),
  fetchMs: integer({
    name: 'FETCH_MS',
    about: 'how often conflicts are looked at that are to be fetched from the provider, in milliseconds',
    fallback: 5_000,
    min: 100,
    max: 3_600_000,
  }),
  fetchGraceMs: integer({
    name: 'FETCH_GRACE_MS',
    about: 'how long a conflict stands before it is fetched by itself, in milliseconds',
    fallback: 60_000,
    min: 0,
    max: 86_400_000,
  }),
  fetchAutomatically: oneOf({
    name: 'FETCH_AUTOMATICALLY',
    about: 'which conflicts are fetched by themselves: missing payments, all, or none but those asked for',
    words: ['missing', 'all', 'none'],
    fallback: 'missing',
  }),
  canaryUrl: optionalText({
    name: 'CANARY_URL',
    about: 'public address of the endpoint canary; this worker sends an event of our own there every minute',
    pattern: /^https?:\/\/\S+$/,
    expects: 'an http:// or https:// URL',
  }),
  canarySecret: optionalText({
    name: 'CANARY_SECRET',
    about: "the endpoint canary's signing secret; needed with CANARY_URL",
    secret: true,
  }),
  sweepMs: integer({
    name: 'SWEEP_MS',
    about: 'how often ledger and queue are compared, in milliseconds',
    fallback: 30_000,
    min: 100,
    max: 3_600_000,
  }),
  sweepGraceMs: integer({
    name: 'SWEEP_GRACE_MS',
    about: 'how long a stored event may rest before the sweeper looks for its job, in milliseconds',
    fallback: 60_000,
    min: 100,
    max: 86_400_000,
  }),
  eventRetentionDays: integer({
    name: 'EVENT_RETENTION_DAYS',
    about: 'how long the bytes of finished events, and what is written beside them, are kept, in days; 0: for ever',
    fallback: 400,
    min: 0,
    max: 36_500,
  }),
};

/** Deliveries go by months a week back: a month that has just ended is still written to. */
const RETENTION_DAYS_MIN = 35;

export type WorkerConfig = ReturnType<typeof readWorkerConfig>;

/** Throws ConfigurationError listing every problem. */
export function readWorkerConfig(environment: Environment) {
  const config = readSettings(workerSettings, environment);
  if (config.eventRetentionDays > 0 && config.eventRetentionDays < RETENTION_DAYS_MIN)
    throw new ConfigurationError([`EVENT_RETENTION_DAYS must be 0, or at least ${RETENTION_DAYS_MIN}`]);
  return config;
}
