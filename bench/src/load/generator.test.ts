import { createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { generateLoad } from './generator.ts';

/** Answers each request, which is a line, by what it says; each byte of it by itself. */
async function listen(
  answer: (line: string, socket: Socket) => string | null,
  { isClosed = false }: { readonly isClosed?: boolean } = {},
): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (isClosed) socket.destroy();
    socket.on('data', async (line) => {
      for (const byte of answer(String(line), socket) ?? '') {
        socket.write(byte);
        await nextTurn();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const accepted = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes';
const refused = 'HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n';
const requests = (count: number): readonly Buffer[] =>
  Array.from({ length: count }, (_, number) => Buffer.from(`${number}\n`));

test.each([{ kind: 'closed' }, { kind: 'open', perSecond: 500 }] as const)(
  'each request is sent once and each answer counted, however it is cut: pace $kind',
  async (pace) => {
    const seen: string[] = [];
    await using server = await listen((line) => {
      seen.push(line.trim());
      return Number(line) % 4 === 0 ? refused : accepted;
    });
    const result = await generateLoad({
      port: server.port,
      requests: requests(60),
      connections: 4,
      pace,
      milliseconds: 60_000,
    });
    expect(seen.toSorted((one, other) => Number(one) - Number(other))).toEqual(
      Array.from({ length: 60 }, (_, number) => String(number)),
    );
    expect(result).toMatchObject({ sent: 60, byStatus: { '200': 45, '401': 15 } });
  },
);

test('at a steady pace no request is sent before it is due, and a stall counts against all that it delayed', async () => {
  const sentAt: number[] = [];
  await using server = await listen(() => {
    sentAt.push(performance.now());
    return accepted;
  });
  const started = performance.now();
  const result = await generateLoad({
    port: server.port,
    requests: { at: (position) => (position === 5 ? stalled() : Buffer.from(`${position}\n`)) },
    connections: 4,
    pace: { kind: 'open', perSecond: 100 },
    milliseconds: 305,
  });
  expect(result.sent).toBe(31);
  for (const [number, at] of sentAt.entries()) expect(at - started).toBeGreaterThanOrEqual(number * 10 - 1);
  // 200 ms from the sixth on: those due meanwhile were late by what was left of it.
  expect(result.latency.max).toBeGreaterThanOrEqual(200);
  expect(result.latency.p50).toBeGreaterThanOrEqual(10);
});

test.each(['when it is asked', 'before it is asked'])(
  'a server that closes a connection %s fails the load, with words',
  async (when) => {
    await using server = await listen(
      (_line, socket) => {
        socket.destroy();
        return null;
      },
      { isClosed: when === 'before it is asked' },
    );
    const load = generateLoad({
      port: server.port,
      requests: requests(10),
      connections: 2,
      pace: { kind: 'closed' },
      milliseconds: 60_000,
    });
    await expect(load).rejects.toThrow(/closed the connection|ECONNRESET/);
  },
);

function stalled(): Buffer {
  const until = performance.now() + 200;
  while (performance.now() < until);
  return Buffer.from('late\n');
}
