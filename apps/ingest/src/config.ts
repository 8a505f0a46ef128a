import { integer, optionalInteger, optionalText, readSettings, type Environment } from '@penstock/runtime/env';
import { sharedSettings } from '@penstock/runtime/shared-settings';

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
