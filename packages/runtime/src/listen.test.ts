import { createServer, type Server } from 'node:net';
import { expect, test } from 'vitest';
import { ConfigurationError } from '@penstock/core/failure';
import { listen } from './listen.ts';

const host = '127.0.0.1';

function aServer(): { readonly server: Server } & AsyncDisposable {
  const server = createServer();
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  return { server, [Symbol.asyncDispose]: close };
}

test('a port that was set is the port, and 0 is a free one', async () => {
  await using one = aServer();
  await using other = aServer();
  const { port, moved } = await listen(one.server, { host, port: 0, fallbackPort: 1 });
  expect({ free: port > 0, moved }).toEqual({ free: true, moved: false });
  await one[Symbol.asyncDispose]();
  expect(await listen(other.server, { host, port, fallbackPort: 1 })).toEqual({ port, moved: false });
});

test('a default port that is free is taken', async () => {
  await using one = aServer();
  await using other = aServer();
  const { port } = await listen(one.server, { host, port: 0, fallbackPort: 1 });
  await one[Symbol.asyncDispose]();
  expect(await listen(other.server, { host, port: undefined, fallbackPort: port })).toEqual({ port, moved: false });
});

test('a default port that is taken is left for a free one, and that is said', async () => {
  await using one = aServer();
  await using other = aServer();
  const { port } = await listen(one.server, { host, port: 0, fallbackPort: 1 });
  const moved = await listen(other.server, { host, port: undefined, fallbackPort: port });
  expect(moved.moved).toBe(true);
  expect(moved.port).not.toBe(port);
});

test("a port that was set and is taken is the operator's to mend", async () => {
  await using one = aServer();
  await using other = aServer();
  const { port } = await listen(one.server, { host, port: 0, fallbackPort: 1 });
  const listening = listen(other.server, { host, port, fallbackPort: 1 });
  await expect(listening).rejects.toBeInstanceOf(ConfigurationError);
  await expect(listening).rejects.toThrow(`port ${port} on 127.0.0.1 is taken by another process`);
});

test('a port that two say they share is both’s; with one that does not say so it is not', async () => {
  await using one = aServer();
  await using other = aServer();
  await using alone = aServer();
  const { port } = await listen(one.server, { host, port: 0, fallbackPort: 1, shared: true });
  expect(await listen(other.server, { host, port, fallbackPort: 1, shared: true })).toEqual({ port, moved: false });
  await expect(listen(alone.server, { host, port, fallbackPort: 1 })).rejects.toThrow('is taken by another process');
});

test("an address that is not this machine's is the operator's to mend", async () => {
  await using one = aServer();
  await expect(listen(one.server, { host: '192.0.2.1', port: 0, fallbackPort: 1 })).rejects.toThrow(
    'HOST 192.0.2.1 is not an address of this machine',
  );
});
