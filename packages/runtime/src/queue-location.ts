import { ConfigurationError } from '@penstock/core/failure';

/** Where the queue lives: Redis in production, PostgreSQL on one machine. */
export type QueueLocation =
  | { readonly backend: 'redis'; readonly url: string; readonly name: string }
  | { readonly backend: 'postgres'; readonly url: string; readonly name: string };

/** Names exactly one queue. Throws ConfigurationError where none or two are given. */
export function queueLocation(settings: {
  readonly redisUrl: string | undefined;
  readonly queueDatabaseUrl: string | undefined;
  readonly queueName: string;
}): QueueLocation {
  const { redisUrl, queueDatabaseUrl, queueName: name } = settings;
  if (redisUrl !== undefined && queueDatabaseUrl !== undefined)
    throw new ConfigurationError([
      'REDIS_URL and QUEUE_DATABASE_URL are both set; the queue can live in one place only',
    ]);
  if (redisUrl !== undefined) return { backend: 'redis', url: redisUrl, name };
  if (queueDatabaseUrl !== undefined) return { backend: 'postgres', url: queueDatabaseUrl, name };
  throw new ConfigurationError([
    'REDIS_URL is missing (Redis that holds the queue), and so is QUEUE_DATABASE_URL, which may stand in for it',
  ]);
}
