import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { portOrFree } from './ports.ts';
import { findRedisServer, startRedisServer } from './redis-server.ts';
import { runsWithMark } from './server-record.ts';
import { startThenCrash, temporaryDirectory } from './testing.ts';

afterEach(() => vi.unstubAllEnvs());

// Where Redis comes in a container there is no server of ours to test; the closing line then counts these as skipped.
describe.runIf(findRedisServer() !== null)('a Redis of ours', () => {
  test('a Redis is durable and evicts nothing unless told otherwise', async () => {
    await using home = await temporaryDirectory();
    await using server = await startRedisServer({ dir: join(home.path, 'redis') });
    using client = connect(server.url);
    expect(await client.config('GET', 'append*', 'maxmemory-policy', 'save', 'bind')).toEqual(
      expect.arrayContaining([
        'appendonly',
        'yes',
        'appendfsync',
        'always',
        'maxmemory-policy',
        'noeviction',
        'save',
        '',
      ]),
    );
    expect(await setting(client, 'bind')).toBe('127.0.0.1');
  });

  test('a Redis that need not be durable writes nothing down, and takes further arguments', async () => {
    await using home = await temporaryDirectory();
    const extraArgs = ['--maxmemory', '50mb'];
    await using server = await startRedisServer({ dir: join(home.path, 'redis'), durable: false, extraArgs });
    using client = connect(server.url);
    expect(await setting(client, 'appendonly')).toBe('no');
    expect(await setting(client, 'maxmemory')).toBe(String(50 * 1024 * 1024));
  });

  test('an acknowledged write survives kill -9 and a start on the same directory and port', async () => {
    await using home = await temporaryDirectory();
    const dir = join(home.path, 'redis');
    const first = await startRedisServer({ dir });
    {
      using client = connect(first.url);
      for (let n = 0; n < 100; n += 1) await client.rpush('written', n);
    }
    await first.kill();
    await using second = await startRedisServer({ dir, port: first.port });
    expect(second.url).toBe(first.url);
    using client = connect(second.url);
    expect(await client.llen('written')).toBe(100);
  });

  test('stop leaves no process behind, frees the port, and may be called twice', async () => {
    await using home = await temporaryDirectory();
    const server = await startRedisServer({ dir: join(home.path, 'redis') });
    expect(runsWithMark(server.pid, `127.0.0.1:${server.port}`)).toBe(true);
    await server.stop();
    await server.stop();
    expect(runsWithMark(server.pid, `127.0.0.1:${server.port}`)).toBe(false);
    expect(await portOrFree(server.port)).toEqual({ port: server.port, moved: false });
  });

  test('a Redis whose owner has crashed is stopped, and its data taken over', async () => {
    await using home = await temporaryDirectory();
    const dir = join(home.path, 'redis');
    const left = await startThenCrash('startRedisServer', './redis-server.ts', { dir });
    {
      using client = connect(left.url);
      await client.set('left', 'behind');
    }
    await using server = await startRedisServer({ dir });
    expect(server.url).not.toBe(left.url);
    expect(runsWithMark(left.pid, 'redis')).toBe(false);
    using client = connect(server.url);
    expect(await client.get('left')).toBe('behind');
  });

  test('a Redis whose owner still runs is left alone, and the second start says who holds it', async () => {
    await using home = await temporaryDirectory();
    const dir = join(home.path, 'redis');
    await using server = await startRedisServer({ dir });
    await expect(startRedisServer({ dir })).rejects.toThrow(`already runs for process ${process.pid}`);
    using client = connect(server.url);
    expect(await client.ping()).toBe('PONG');
  });

  test('the Redis of somebody else on the same port does not pass for ours', async () => {
    await using home = await temporaryDirectory();
    await using other = await startRedisServer({ dir: join(home.path, 'other') });
    const starting = startRedisServer({ dir: join(home.path, 'ours'), port: other.port });
    await expect(starting).rejects.toThrow(/ended while starting \(exit code 1\)[\s\S]*Address already in use/);
  });
});

test('a server is looked for on PATH only, and redis before valkey', async () => {
  await using home = await temporaryDirectory();
  const [one, two] = [join(home.path, 'one'), join(home.path, 'two')];
  await mkdir(one);
  await mkdir(two);
  vi.stubEnv('PATH', [one, two].join(delimiter));
  expect(findRedisServer()).toBeNull();
  await expect(startRedisServer({ dir: join(home.path, 'redis') })).rejects.toThrow('on PATH. Install one of them.');

  await writeFile(join(one, 'redis-server'), 'not executable');
  expect(findRedisServer()).toBeNull();
  await symlink(process.execPath, join(one, 'valkey-server'));
  expect(findRedisServer()).toBe(join(one, 'valkey-server'));
  await writeFile(join(two, 'redis-server'), '');
  await chmod(join(two, 'redis-server'), 0o755);
  expect(findRedisServer()).toBe(join(two, 'redis-server'));
});

function connect(url: string): Redis & Disposable {
  const client = new Redis(url);
  return Object.assign(client, { [Symbol.dispose]: () => client.disconnect() });
}

async function setting(client: Redis, name: string): Promise<unknown> {
  const answer = await client.config('GET', name);
  return Array.isArray(answer) ? answer[1] : undefined;
}
