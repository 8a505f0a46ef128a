import { randomBytes } from 'node:crypto';
import { readPayloadKeys, type PayloadKeys } from '@penstock/core/payload-keys';
import { forwardedHeaders, networkList } from './client-address.ts';
import { integer, list, oneOf, optionalInteger, optionalText, requiredText, text, type Setting } from './env.ts';
import { SHARDS_MAX } from './queue-shards.ts';

const payloadKeys: Setting<PayloadKeys | undefined> = {
  ...optionalText({
    name: 'PAYLOAD_KEYS',
    about:
      'seals bodies and messages in the ledger, the queue and the spool: id:base64,id:base64, the active key first',
    secret: true,
  }),
  read: (raw) => (raw === undefined ? { value: undefined } : readPayloadKeys(raw, () => randomBytes(12))),
};

/** Where the queue is, and how bodies lie in it; see queueLocation. */
export const queueSettings = {
  redisUrl: optionalText({
    name: 'REDIS_URL',
    about: 'Redis that holds the queue; REDIS_URL or QUEUE_DATABASE_URL is needed',
    secret: true,
    pattern: /^rediss?(\+cluster|\+sentinel)?:\/\/\S+$/,
    expects: 'a redis:// or rediss:// URL, or one of a cluster or of sentinels: redis+cluster://, redis+sentinel://',
  }),
  queueDatabaseUrl: optionalText({
    name: 'QUEUE_DATABASE_URL',
    about: 'PostgreSQL that holds the queue where there is no Redis',
    secret: true,
    pattern: /^postgres(ql)?:\/\/\S+$/,
    expects: 'a postgres:// URL',
  }),
  queueName: text({
    name: 'QUEUE_NAME',
    about: "the queue's name",
    fallback: 'webhooks',
    pattern: /^[a-z][a-z0-9-]{0,62}$/,
    expects: '1 to 63 lower-case letters, digits and hyphens',
  }),
  queueReplicas: optionalInteger({
    name: 'QUEUE_REPLICAS',
    about:
      "Redis's replicas that must have an event before it is acknowledged, at least; with sentinels or a cluster all that are up must",
    min: 0,
    max: 5,
    fallbackAbout: '1 with sentinels or a cluster, else 0',
  }),
  queueShards: integer({
    name: 'QUEUE_SHARDS',
    about: 'queues that events are spread over, for a cluster of Redis; the same in every process',
    fallback: 1,
    min: 1,
    max: SHARDS_MAX,
  }),
  payloadKeys,
};

/** Settings that mean the same in every process. */
export const sharedSettings = {
  environment: text({
    name: 'NODE_ENV',
    about: 'production switches on every start-up refusal',
    fallback: 'development',
  }),
  commit: text({
    name: 'GIT_COMMIT',
    about: 'commit that runs, as penstock_build_info tells it',
    fallback: 'unknown',
    pattern: /^[\w.-]{1,64}$/,
    expects: '1 to 64 letters, digits, dots and hyphens',
  }),
  logLevel: oneOf({
    name: 'LOG_LEVEL',
    about: 'least severe level logged',
    words: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    fallback: 'info',
  }),
  maskKey: optionalText({
    name: 'MASK_KEY',
    about: 'makes the tokens that stand for e-mail addresses and telephone numbers; the same in every process',
    secret: true,
    pattern: /^.{16,}$/,
    expects: 'at least 16 characters',
  }),
  configFile: text({
    name: 'PENSTOCK_CONFIG',
    about: 'path of the configuration file',
    fallback: 'penstock.config.ts',
  }),
  ...queueSettings,
  host: text({ name: 'HOST', about: 'address to listen on; 0.0.0.0 for every interface', fallback: '127.0.0.1' }),
  metricsPeers: list({
    name: 'METRICS_PEERS',
    about: "other processes' private ports, http://host:port with commas between; /metrics/all tells theirs as well",
    pattern: /^http:\/\/[^\s/?#@]+$/,
    expects: 'http://host:port, with commas between',
    most: 32,
  }),
  shutdownMs: integer({
    name: 'SHUTDOWN_MS',
    about: 'how long a stopping process may finish what it has in hand, in milliseconds',
    fallback: 8_000,
    min: 100,
    max: 600_000,
  }),
};

/** The ledger's PostgreSQL; never given to ingest. */
export const databaseSettings = {
  databaseUrl: requiredText({
    name: 'DATABASE_URL',
    about: 'PostgreSQL that holds the ledger',
    secret: true,
    pattern: /^postgres(ql)?:\/\/\S+$/,
    expects: 'a postgres:// URL',
  }),
  databasePoolMax: integer({
    name: 'DATABASE_POOL_MAX',
    about: 'most connections of this process to the ledger',
    fallback: 10,
    // The sweeper and the retention each hold one while they work with another.
    min: 3,
    max: 200,
  }),
};

/** Where proxies stand between a process and its clients. */
export const proxySettings = {
  trustedProxies: networkList({
    name: 'TRUSTED_PROXIES',
    about: "addresses and networks of proxies that are believed what they say of their client's address",
  }),
  forwardedHeader: oneOf({
    name: 'FORWARDED_HEADER',
    about: 'the header in which they say it',
    words: forwardedHeaders,
    fallback: 'x-forwarded-for',
  }),
};

/** What else the service level is made of. */
export const prometheusSettings = {
  prometheusUrl: optionalText({
    name: 'PROMETHEUS_URL',
    about: 'Prometheus that knows how fast ingest has answered',
    pattern: /^https?:\/\/\S+$/,
    expects: 'an http:// or https:// URL',
  }),
};

/** The pace of replays: what a plan reckons with, and what the workers keep to. */
export const replaySettings = {
  replayPerSecond: integer({
    name: 'REPLAY_PER_SECOND',
    about: 'most events a second that a replay gives back to the workers, all of them together',
    fallback: 50,
    min: 1,
    max: 1_000,
  }),
};
