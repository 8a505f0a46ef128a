import type { LocalService } from './local-service.ts';
import { durableRedisArguments } from './redis-server.ts';

/** Starts Redis in a container; null when no container engine answers. */
export async function startRedisContainer(): Promise<LocalService | null> {
  // Loaded only here: importing it takes longer than starting a Redis does.
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import('testcontainers');
  try {
    await getContainerRuntimeClient();
  } catch {
    return null;
  }
  const container = await new GenericContainer('redis:8-alpine')
    .withCommand(['redis-server', ...durableRedisArguments])
    .withExposedPorts(6379)
    .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'))
    .start();
  const stop = async (): Promise<void> => {
    await container.stop();
  };
  const url = `redis://${container.getHost()}:${container.getMappedPort(6379)}`;
  return { url, stop, [Symbol.asyncDispose]: stop };
}
