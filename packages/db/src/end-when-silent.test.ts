import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Pool } from 'pg';
import { expect, inject, test } from 'vitest';
import { endWhenSilent, type SessionState } from './end-when-silent.ts';

test('a connection is ended once the server says that it waits for us, or knows it no more', async () => {
  for (const state of ['waiting_for_us', 'gone'] as const) {
    await using watched = await openWatched({ askMs: 50, silenceMs: 60_000, says: state });
    watched.hold();
    await expect(watched.ask('select 1')).rejects.toThrow('Connection terminated');
    expect(watched.asked()).toEqual([watched.processId]);
  }
});

test('with a silent connection those go that lie idle, for they came the same way', async () => {
  await using watched = await openWatched({ askMs: 50, silenceMs: 60_000, says: 'gone' });
  await watched.another();
  expect(watched.connections()).toBe(2);
  watched.hold();
  await expect(watched.ask('select 1')).rejects.toThrow('Connection terminated');
  await expect.poll(watched.connections).toBe(1);
});

test('a statement that the server works on is waited for, and asked about ever more seldom', async () => {
  await using watched = await openWatched({ askMs: 50, silenceMs: 60_000, says: 'working' });
  // After 50, 100, 200 and 400 ms; a machine that is busy asks later.
  await expect(watched.ask('select pg_sleep(0.7)')).resolves.toBeUndefined();
  expect(watched.asked().length).toBeGreaterThan(0);
  expect(watched.asked().length).toBeLessThan(5);
});

test('where the server cannot be asked, a silent connection is ended after its time', async () => {
  await using watched = await openWatched({ askMs: 50, silenceMs: 300, says: 'unknown' });
  watched.hold();
  await expect(watched.ask('select 1')).rejects.toThrow('Connection terminated');
  expect(watched.asked().length).toBeGreaterThan(0);
});

test('what the server works on is waited for beyond that time: its own limits end it', async () => {
  await using watched = await openWatched({ askMs: 50, silenceMs: 200, says: 'working' });
  await expect(watched.ask('select pg_sleep(0.7)')).resolves.toBeUndefined();
});

test('what is large is given the time to be sent before the server is asked about it', async () => {
  await using watched = await openWatched({ askMs: 50, silenceMs: 60_000, says: 'waiting_for_us' });
  watched.hold();
  // More than two seconds of the slowest link; the grace of one is over long before.
  const large = watched.ask(`select length('${'x'.repeat(625_000)}')`);
  setTimeout(watched.release, 1_500);
  await expect(large).resolves.toBeUndefined();
  expect(watched.asked()).toEqual([]);
});

test('an answer starts the time anew, and one that is asked nothing is left alone', async () => {
  await using watched = await openWatched({ askMs: 50, silenceMs: 200, says: 'unknown' });
  for (let statement = 0; statement < 8; statement += 1)
    await expect(watched.ask('select pg_sleep(0.07)')).resolves.toBeUndefined();
  const before = watched.asked().length;
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(watched.asked()).toHaveLength(before);
  await expect(watched.ask('select 1')).resolves.toBeUndefined();
});

/** A connection through a relay that can hold back what is sent; the server's word is made up, its answers are not. */
async function openWatched(given: { readonly askMs: number; readonly silenceMs: number; readonly says: SessionState }) {
  const sockets = new Set<Socket>();
  let held: (() => void)[] | null = null;
  const server = new URL(inject('postgresUrl'));
  const relay = createServer((near) => {
    const far = connect(Number(server.port), server.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    near.on('data', (piece) => (held === null ? far.write(piece) : held.push(() => far.write(piece))));
    far.on('data', (piece) => near.write(piece));
    far.on('close', () => near.destroy());
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const address = relay.address();
  const through = new URL(server);
  through.port = String(typeof address === 'object' ? address?.port : '');

  const asked: number[] = [];
  const pool = new Pool({ connectionString: through.href, max: 2 });
  pool.on('error', () => undefined);
  endWhenSilent(pool, {
    ...given,
    askServer: async (processId) => {
      asked.push(processId);
      return given.says;
    },
  });
  const client = await pool.connect();
  client.on('error', () => undefined);
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return {
    processId: rows[0]?.pid,
    ask: async (statement: string): Promise<void> => void (await client.query(statement)),
    asked: () => asked,
    /** One more, which is put back at once. */
    another: async (): Promise<void> => (await pool.connect()).release(),
    connections: () => pool.totalCount,
    hold: () => {
      held = [];
    },
    release: () => {
      for (const pass of held ?? []) pass();
      held = null;
    },
    [Symbol.asyncDispose]: async () => {
      client.release(true);
      await pool.end();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => relay.close(resolve));
    },
  };
}
