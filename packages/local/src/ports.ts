import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Returns a port of 127.0.0.1 that nothing listens on. Another process may take it before the caller does. */
export async function freePort(): Promise<number> {
  const port = await listenOnce(0);
  if (port === null) {
    throw new Error('No free port on 127.0.0.1: every one the system offers is taken.');
  }
  return port;
}

/** Below what systems give to outgoing connections (Linux from 32,768, others from 49,152), above what services are known by. */
const LASTING = { from: 15_000, to: 32_000 } as const;

/**
 * Returns a port of 127.0.0.1 that nothing listens on and that no outgoing
 * connection is given: for a server that is ended and started again on it.
 */
export async function lastingPort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = await listenOnce(randomInt(LASTING.from, LASTING.to));
    if (port !== null) return port;
  }
  throw new Error(`No free port on 127.0.0.1 was found between ${LASTING.from} and ${LASTING.to}.`);
}

/** Returns the preferred port when it is free, else any free one; `moved` tells which, so that the caller can say so. */
export async function portOrFree(preferred: number): Promise<{ port: number; moved: boolean }> {
  const port = await listenOnce(preferred);
  return port === null ? { port: await freePort(), moved: true } : { port, moved: false };
}

function listenOnce(port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      if ('code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES')) resolve(null);
      else reject(error);
    });
    server.listen({ host: '127.0.0.1', port }, () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('The listener has no port.'));
        else resolve(address.port);
      });
    });
  });
}
