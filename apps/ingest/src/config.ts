import { integer, oneOf, optionalInteger, optionalText, readSettings, type Environment } from '@penstock/runtime/env';
import { proxySettings, sharedSettings } from '@penstock/runtime/shared-settings';

/** Every setting of ingest. */
export const ingestSettings = {
  ...sharedSettings,
  port: optionalInteger({
    name: 'PORT',
    about: 'public port, for webhooks',
    min: 0,
    max: 65_535,
    fallbackAbout: '8080, or a free one where that is taken',
  }),
  portShared: oneOf({
    name: 'PORT_SHARED',
    about: 'true lets several ingests listen on one PORT, for more cores than one; each has a HEALTH_PORT of its own',
    words: ['true', 'false'],
    fallback: 'false',
  }),
  healthPort: optionalInteger({
    name: 'HEALTH_PORT',
    about: 'private port, for health and metrics',
    min: 0,
    max: 65_535,
    fallbackAbout: '9080, or a free one where that is taken',
  }),
  bodyBytesMax: integer({
    name: 'BODY_BYTES_MAX',
    about: 'largest body accepted, in bytes',
    fallback: 10 * 1024 * 1024,
    min: 1_024,
    max: 64 * 1024 * 1024,
  }),
  bodyMs: integer({
    name: 'BODY_MS',
    about: 'how long a body may take to arrive, in milliseconds; less than SHUTDOWN_MS, so that one in hand can finish',
    fallback: 5_000,
    min: 100,
    max: 120_000,
  }),
  enqueueMs: integer({
    name: 'ENQUEUE_MS',
    about: 'how long the queue may take before the answer is 503, in milliseconds',
    fallback: 200,
    min: 10,
    max: 30_000,
  }),
  enqueueBytesMax: integer({
    name: 'ENQUEUE_BYTES_MAX',
    about: 'how much may wait for the queue before the rest is answered 503, in bytes',
    fallback: 64 * 1024 * 1024,
    min: 1_024,
    max: 1024 * 1024 * 1024,
  }),
  overflowRate: integer({
    name: 'OVERFLOW_RATE',
    about: 'events a second of one endpoint, or one account of it, that are not made to wait behind others',
    fallback: 100,
    min: 1,
    max: 1_000_000,
  }),
  overflowBurst: integer({
    name: 'OVERFLOW_BURST',
    about: 'how many of them may come at once',
    fallback: 1_000,
    min: 1,
    max: 10_000_000,
  }),
  spoolDir: optionalText({
    name: 'SPOOL_DIR',
    about:
      'folder that keeps deliveries while the queue is away, one for each ingest; without it the answer is 503 then',
  }),
  spoolBytesMax: integer({
    name: 'SPOOL_BYTES_MAX',
    about: 'how much the spool may hold before the answer is 503, in bytes',
    fallback: 256 * 1024 * 1024,
    min: 64 * 1024,
    max: 64 * 1024 * 1024 * 1024,
  }),
  connectionsMax: integer({
    name: 'CONNECTIONS_MAX',
    about: 'most connections at once; beyond it those go that have sent no request, or wait for their next',
    fallback: 4_096,
    min: 10,
    max: 100_000,
  }),
  requestsMax: integer({
    name: 'REQUESTS_MAX',
    about: 'most requests in hand at once; beyond it the one goes whose body has been arriving for the longest',
    fallback: 2_048,
    min: 1,
    max: 100_000,
  }),
  bodiesBytesMax: integer({
    name: 'BODIES_BYTES_MAX',
    about: 'how much their bodies may hold together, in bytes; beyond it the one goes that holds most',
    fallback: 128 * 1024 * 1024,
    min: 64 * 1024,
    max: 4 * 1024 * 1024 * 1024,
  }),
  loopDelayMsMax: integer({
    name: 'LOOP_DELAY_MS_MAX',
    about: 'how late the event loop may be before requests are turned away, in milliseconds',
    fallback: 500,
    min: 10,
    max: 60_000,
  }),
  queueMemoryPercentMax: integer({
    name: 'QUEUE_MEMORY_PERCENT_MAX',
    about: "how much of Redis' maxmemory may be used before requests are turned away, in percent",
    fallback: 90,
    min: 10,
    max: 100,
  }),
  refusalsPerMinute: integer({
    name: 'REFUSALS_PER_MINUTE',
    about:
      'refused requests of a client, none of whose was ever genuine, before it is not looked at; 0 for no such limit',
    fallback: 0,
    min: 0,
    max: 1_000_000,
  }),
  ...proxySettings,
  trustedRootsFile: optionalText({
    name: 'TRUSTED_ROOTS_FILE',
    about: "PEM certificates trusted beside the system's, for demonstrations; refused in production",
  }),
};

export type IngestConfig = ReturnType<typeof readIngestConfig>;

/** Throws ConfigurationError listing every problem. */
export function readIngestConfig(environment: Environment) {
  return readSettings(ingestSettings, environment);
}
