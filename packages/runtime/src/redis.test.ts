import { expect, test } from 'vitest';
import { freePort } from '@penstock/local/ports';
import { connectProducer } from './redis.ts';

test('a connection for adding fails at once while Redis is away', async () => {
  const redis = connectProducer(`redis://127.0.0.1:${await freePort()}`);
  try {
    const started = performance.now();
    await expect(redis.ping()).rejects.toThrow();
    expect(performance.now() - started).toBeLessThan(1_000);
  } finally {
    redis.disconnect();
  }
});
