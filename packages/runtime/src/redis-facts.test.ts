import { expect, test } from 'vitest';
import { redisFactsOf, worstOf } from './redis-facts.ts';

const replication = (lines: readonly string[]) =>
  ['# Replication', 'role:master', 'master_repl_offset:5000', ...lines, ''].join('\r\n');

test('the slowest connected replica is the one told', () => {
  const info = replication([
    'connected_slaves:2',
    'slave0:ip=10.0.0.2,port=6379,state=online,offset=4990,lag=0',
    'slave1:ip=10.0.0.3,port=6379,state=online,offset=1200,lag=7',
  ]);
  expect(redisFactsOf(info)).toMatchObject({ replicas: 2, replicaLagBytes: 3_800 });
});

test('without replicas there is no lag', () => {
  expect(redisFactsOf(replication(['connected_slaves:0']))).toMatchObject({ replicas: 0, replicaLagBytes: null });
});

test('memory and its limit are bytes', () => {
  expect(
    redisFactsOf('# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\nmaxmemory:2097152\r\n'),
  ).toMatchObject({
    memoryUsedBytes: 1_048_576,
    memoryMaxBytes: 2_097_152,
  });
});

test.each([
  ['aof_enabled:1\r\naof_last_write_status:ok\r\n', true],
  ['aof_enabled:1\r\naof_last_write_status:err\r\n', false],
  ['aof_enabled:0\r\naof_last_write_status:ok\r\n', false],
  ['', false],
])('%j: the append-only file is written: %s', (info, written) => {
  expect(redisFactsOf(info).aofLastWriteOk).toBe(written);
});

test('of several masters the worst is told', () => {
  const facts = { memoryUsedBytes: 10, memoryMaxBytes: 100, aofLastWriteOk: true, replicas: 2, replicaLagBytes: 5 };
  expect(
    worstOf([
      facts,
      { ...facts, memoryUsedBytes: 60, memoryMaxBytes: 80, replicas: 1 },
      { ...facts, aofLastWriteOk: false, replicas: 0, replicaLagBytes: null },
      { ...facts, replicaLagBytes: 9 },
    ]),
  ).toEqual({ memoryUsedBytes: 60, memoryMaxBytes: 80, aofLastWriteOk: false, replicas: 0, replicaLagBytes: 9 });
  expect(worstOf([])).toBeNull();
});
