import { Client } from 'pg';
import { expect, inject, test } from 'vitest';
import { askServer } from './ask-server.ts';

test('the server tells whether a session is at work, waits for us, waits amid a transaction, or is gone', async () => {
  const server = { connectionString: inject('postgresUrl') };
  const client = new Client(server);
  client.on('error', () => undefined);
  await client.connect();
  const processId = (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0;
  expect(await askServer(server, processId)).toBe('waiting_for_us');
  await client.query('begin');
  expect(await askServer(server, processId)).toBe('waiting_for_us');
  const asleep = client.query('select pg_sleep(60)').catch((error: unknown) => error);
  await expect.poll(() => askServer(server, processId)).toBe('working');
  const other = new Client(server);
  await other.connect();
  await other.query('select pg_terminate_backend($1)', [processId]);
  await asleep;
  await other.end();
  await expect.poll(() => askServer(server, processId)).toBe('gone');
});

test('a server that is not there, or lets nobody in, tells nothing', async () => {
  const { port } = new URL(inject('postgresUrl'));
  expect(await askServer({ host: '127.0.0.1', port: 1 }, 1)).toBe('unknown');
  expect(await askServer({ host: '127.0.0.1', port: Number(port), database: 'no such database' }, 1)).toBe('unknown');
});
