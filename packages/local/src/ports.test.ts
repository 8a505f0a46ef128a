import { createServer } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { freePort, lastingPort, portOrFree } from './ports.ts';

test('a free port can be listened on', async () => {
  const port = await freePort();
  await using server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  expect(server.listening).toBe(true);
});

test('a lasting port can be listened on, and no connection is given it while nobody listens', async () => {
  const port = await lastingPort();
  await using server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  // The least that a system in use gives to outgoing connections (Linux, ip_local_port_range).
  expect(port).toBeLessThan(32_768);
});

test('a preferred port that is free is kept', async () => {
  const preferred = await freePort();
  expect(await portOrFree(preferred)).toEqual({ port: preferred, moved: false });
});

test('a preferred port that is taken is left to its holder, and the move is told', async () => {
  await using holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const address = holder.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  const { port, moved } = await portOrFree(address.port);
  expect(moved).toBe(true);
  expect(port).not.toBe(address.port);
});
