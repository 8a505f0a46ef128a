import { createHash } from 'node:crypto';

/**
 * What tokens of personal data are made with: MASK_KEY, or a key derived from
 * the queue's address, which every process of an installation shares and nobody
 * else knows where it holds a password.
 */
export function maskKeyOf(settings: {
  readonly maskKey: string | undefined;
  readonly redisUrl: string | undefined;
  readonly queueDatabaseUrl: string | undefined;
}): string {
  const { maskKey, redisUrl, queueDatabaseUrl } = settings;
  return (
    maskKey ??
    createHash('sha256')
      .update(`penstock mask ${redisUrl ?? queueDatabaseUrl ?? ''}`)
      .digest('hex')
  );
}
