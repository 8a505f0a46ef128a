import { statSync } from 'node:fs';
import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { portOrFree } from './ports.ts';
import { runsWithMark } from './server-record.ts';
import { startThenCrash, temporaryDirectory } from './testing.ts';

const isRoot = process.getuid?.() === 0;

let home: AsyncDisposable & { path: string };
let dataDir: string;
beforeAll(async () => {
  home = await temporaryDirectory();
  dataDir = join(home.path, 'postgres');
});
afterAll(() => home[Symbol.asyncDispose]());

test('the first start makes a database that answers, with the settings given', async () => {
  await using server = await startEmbeddedPostgres({ dataDir, settings: { max_connections: '33' } });
  expect(await ask(server.url, 'select current_database() as value')).toBe('penstock');
  expect(await ask(server.url, 'show server_encoding')).toBe('UTF8');
  expect(await ask(server.url, 'show max_connections')).toBe('33');
  expect(await ask(server.url, 'show listen_addresses')).toBe('127.0.0.1');
  expect(await ask(server.url, 'show fsync')).toBe('on');
});

test('nobody gets in without the password, which only its owner can read', async () => {
  await using server = await startEmbeddedPostgres({ dataDir });
  const url = new URL(server.url);
  url.password = 'guessed';
  await expect(ask(url.href, 'select 1')).rejects.toThrow('password authentication failed');
  expect((await stat(`${dataDir}.password`)).mode & 0o777).toBe(0o600);
});

test('a second start on the same directory finds the data of the first', async () => {
  {
    await using first = await startEmbeddedPostgres({ dataDir });
    await ask(first.url, "create table kept as select 'still here' as value");
  }
  await using second = await startEmbeddedPostgres({ dataDir });
  expect(await ask(second.url, 'select value from kept')).toBe('still here');
});

test('stop leaves no process behind, frees the port, and may be called twice', async () => {
  const server = await startEmbeddedPostgres({ dataDir });
  expect(runsWithMark(server.pid, dataDir)).toBe(true);
  // An open connection must not hold the stop up.
  const client = new Client({ connectionString: server.url });
  client.on('error', () => {});
  await client.connect();
  await server.stop();
  await server.stop();
  expect(await readFile(server.logFile, 'utf8')).not.toContain('received immediate shutdown request');
  expect(runsWithMark(server.pid, dataDir)).toBe(false);
  expect(await portOrFree(server.port)).toEqual({ port: server.port, moved: false });
});

test('a committed row survives the death of the server, five times over', async () => {
  for (let round = 0; round < 5; round += 1) {
    await using server = await startEmbeddedPostgres({ dataDir });
    await ask(server.url, 'create table if not exists deaths (round int)');
    await ask(server.url, `insert into deaths values (${round})`);
    await server.kill();
  }
  await using server = await startEmbeddedPostgres({ dataDir });
  expect(await ask(server.url, 'select count(*)::int as value from deaths')).toBe(5);
});

describe('a server whose owner', () => {
  test('has crashed is stopped, and its data taken over', async () => {
    const left = await startThenCrash('startEmbeddedPostgres', './embedded-postgres.ts', { dataDir });
    expect(runsWithMark(left.pid, dataDir)).toBe(true);
    await ask(left.url, 'create table left_behind as select 7 as value');

    const progress: string[] = [];
    await using server = await startEmbeddedPostgres({ dataDir, onProgress: (message) => progress.push(message) });
    expect(progress).toEqual(['Stopped the PostgreSQL that a crash had left running.']);
    expect(runsWithMark(left.pid, dataDir)).toBe(false);
    expect(await ask(server.url, 'select value from left_behind')).toBe(7);
  });

  test('still runs is left alone, and the second start says who holds it', async () => {
    await using server = await startEmbeddedPostgres({ dataDir });
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(`already runs for process ${process.pid}`);
    expect(await ask(server.url, 'select 1 as value')).toBe(1);
  });
});

test('a start that fails shows what the server said, and leaves no process', async () => {
  const starting = startEmbeddedPostgres({ dataDir, settings: { no_such_setting: '1' } });
  await expect(starting).rejects.toThrow('unrecognized configuration parameter "no_such_setting"');
  await using _next = await startEmbeddedPostgres({ dataDir });
});

describe.runIf(isRoot)('started by root', () => {
  test('the server runs as another user', async () => {
    await using server = await startEmbeddedPostgres({ dataDir });
    expect(statSync(`/proc/${server.pid}`).uid).toBeGreaterThan(0);
  });

  test('a directory closed to that user is named, with the setting to change', async () => {
    const closed = join(home.path, 'closed');
    await mkdir(closed);
    await chmod(closed, 0o700);
    const starting = startEmbeddedPostgres({ dataDir: join(closed, 'postgres') });
    await expect(starting).rejects.toThrow(new RegExp(`because ${closed} is closed to it. Set PENSTOCK_HOME`));
  });
});

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return Object.values(rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}
