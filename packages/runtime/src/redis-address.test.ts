import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '@penstock/local/testing';
import { readRedisAddress } from './redis-address.ts';

test.each([
  ['redis://127.0.0.1:7000', { kind: 'single', node: { host: '127.0.0.1', port: 7000 }, db: 0, login: {}, tls: null }],
  ['redis://redis/3', { kind: 'single', node: { host: 'redis', port: 6379 }, db: 3, login: {}, tls: null }],
  ['redis://:s%40cret@[::1]:7000', { node: { host: '::1', port: 7000 }, login: { password: 's@cret' } }],
  ['rediss://penstock:pw@redis', { tls: {}, login: { username: 'penstock', password: 'pw' } }],
  [
    'redis+cluster://pw@a:1,b',
    {
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 6379 },
      ],
    },
  ],
  [
    'rediss+sentinel://u:p@a,b:5/queue?db=2&sentinelPassword=x&servername=redis.internal',
    {
      kind: 'sentinel',
      sentinels: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 5 },
      ],
      sentinelLogin: { password: 'x' },
      login: { username: 'u', password: 'p' },
      master: 'queue',
      db: 2,
      tls: { servername: 'redis.internal' },
    },
  ],
])('%s', (url, expected) => {
  expect(readRedisAddress(url)).toMatchObject(expected);
});

test.each([
  ['redis://a,b', 'REDIS_URL names several hosts: write redis+cluster:// or redis+sentinel:// in place of redis://'],
  ['redis+cluster://a,b/3', 'REDIS_URL names a database, and a cluster has only the one'],
  ['redis+sentinel://a,b', 'REDIS_URL must name the master that the sentinels watch'],
  ['redis://a?ca=/etc/ca.pem', 'REDIS_URL says ca, and that takes rediss:// in place of redis://'],
  ['rediss://a?ca=/absent/ca.pem', 'REDIS_URL names a file by ca= that cannot be read: /absent/ca.pem (ENOENT)'],
  ['rediss://a?cert=/etc/c.pem', 'REDIS_URL needs cert= and key= together'],
  ['redis://a?tls=yes', 'REDIS_URL does not know tls= here; it knows ca, cert, key, servername'],
  ['redis://a/first', 'REDIS_URL must name its database by a number'],
  ['redis://a:0', 'REDIS_URL must name hosts as name:port'],
  ['redis://u:hunter2%@a', 'REDIS_URL holds a % that begins no percent-encoded character'],
])('%s is refused: %s', (url, reason) => {
  expect(() => readRedisAddress(url)).toThrow(reason);
  expect(() => readRedisAddress(url)).not.toThrow('hunter2');
});

test('TLS is done with the files that it names', async () => {
  await using folder = await temporaryDirectory();
  const files = ['ca', 'cert', 'key'].map((name) => {
    const file = join(folder.path, `${name}.pem`);
    writeFileSync(file, `the ${name}`);
    return `${name}=${file}`;
  });
  expect(readRedisAddress(`rediss://redis?${files.join('&')}`).tls).toEqual({
    ca: 'the ca',
    cert: 'the cert',
    key: 'the key',
  });
});
