import { Redis } from 'ioredis';

/** Succeeds when a Redis answers at the address; fails at the first error, with no retry. */
export async function pingRedis(url: string): Promise<void> {
  await withClient(url, (client) => client.ping());
}

/** Returns the process id of the Redis at the address, once it has loaded its data. */
export async function redisProcessId(url: string): Promise<number> {
  const info = await withClient(url, async (client) => {
    // INFO answers while the data is still being loaded, PING does not.
    await client.ping();
    return client.info('server');
  });
  return Number(/^process_id:(\d+)/m.exec(info)?.[1]);
}

async function withClient<T>(url: string, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
  });
  // ioredis reports a failed connection as an event as well; the rejected promise is enough.
  client.on('error', () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    client.disconnect();
  }
}
