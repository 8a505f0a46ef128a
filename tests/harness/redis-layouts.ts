import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import * as z from 'zod';
import type { LocalServer } from '@penstock/local/local-service';
import { freePort } from '@penstock/local/ports';
import { redisProcessId } from '@penstock/local/redis-ping';
import { findRedisServer, startRedisServer } from '@penstock/local/redis-server';
import { runServer } from '@penstock/local/run-server';
import { until } from './until.ts';

/** A server that can be killed, and started again where it was. */
export interface LayoutNode {
  readonly port: number;
  readonly kill: () => Promise<void>;
  readonly restart: () => Promise<void>;
  /** SIGSTOP and SIGCONT: its connections stay, and nothing answers. */
  readonly signal: (name: 'SIGSTOP' | 'SIGCONT') => void;
  /** Asks it something over a connection of its own. */
  readonly ask: <Answer>(question: (redis: Redis) => Promise<Answer>) => Promise<Answer>;
}

interface Layout extends AsyncDisposable {
  /** For REDIS_URL. */
  readonly url: string;
  readonly nodes: readonly LayoutNode[];
}

const masters = 3;

/**
 * A cluster of three masters on loopback, and so many replicas of each behind
 * them among the nodes; where a master is away, the others go on with what is
 * theirs.
 */
export async function startRedisCluster(
  dir: string,
  { replicas = 0 }: { readonly replicas?: number } = {},
): Promise<Layout> {
  await using resources = new AsyncDisposableStack();
  const nodes: LayoutNode[] = [];
  for (let index = 0; index < masters * (1 + replicas); index += 1) {
    const busPort = await freePort();
    const extraArgs = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)];
    extraArgs.push('--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no');
    const node = await startNode(join(dir, `node-${index}`), { extraArgs, resources });
    nodes.push(node);
    const [from, to] = [Math.ceil((16_384 * index) / masters), Math.ceil((16_384 * (index + 1)) / masters) - 1];
    await node.ask(async (redis) => {
      await redis.cluster('SET-CONFIG-EPOCH', index + 1);
      if (index < masters) await redis.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
      if (index > 0) await redis.call('CLUSTER', 'MEET', '127.0.0.1', nodes[0]?.port ?? 0, await busPortOf(nodes[0]));
    });
  }
  await until(async () => (await Promise.all(nodes.map((node) => isWhole(node, nodes.length)))).every(Boolean), {
    what: 'the cluster',
  });
  for (const [index, replica] of nodes.entries()) {
    const master = nodes[index % masters];
    if (index < masters || master === undefined) continue;
    const id = await master.ask((redis) => redis.call('CLUSTER', 'MYID'));
    await replica.ask((redis) => redis.call('CLUSTER', 'REPLICATE', String(id)));
    await until(
      async () => (await replica.ask((redis) => redis.info('replication'))).includes('master_link_status:up'),
      {
        what: 'the replica to follow its master',
      },
    );
  }
  return layout(`redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`, { nodes, resources });
}

interface SentinelLayout extends Layout {
  /** The node that the sentinels call the master. */
  readonly master: () => Promise<LayoutNode>;
  /**
   * Has a replica take the place of the master, which runs on; resolves once
   * the master is its replica. In between, with the replica promoted and
   * nobody told, the sentinels are held up until `meanwhile` has happened.
   */
  readonly failOver: (meanwhile: () => Promise<void>) => Promise<void>;
}

/** A master named "queue" with replicas, watched by three sentinels that replace it within seconds. */
export async function startRedisWithSentinels(dir: string, replicas = 2): Promise<SentinelLayout> {
  await using resources = new AsyncDisposableStack();
  const master = await startNode(join(dir, 'node-0'), { extraArgs: [], resources });
  const nodes = [master];
  for (let index = 1; index <= replicas; index += 1) {
    const extraArgs = ['--replicaof', `127.0.0.1 ${master.port}`];
    nodes.push(await startNode(join(dir, `node-${index}`), { extraArgs, resources }));
  }
  const sentinels = await Promise.all(
    [0, 1, 2].map(async (index) => resources.use(await startSentinel(join(dir, `sentinel-${index}`), master.port))),
  );
  await until(
    async () => {
      const views = await Promise.all(sentinels.map(({ url }) => ask(url, (redis) => redis.info('sentinel'))));
      return views.every((view) => view.includes(`slaves=${replicas},sentinels=3`));
    },
    { what: 'the sentinels to know each other and the replicas' },
  );
  const [first] = sentinels;
  const askSentinel = <Answer>(question: (redis: Redis) => Promise<Answer>) => ask(first?.url ?? '', question);
  const currentMaster = async (): Promise<LayoutNode> => {
    const [, port] = z
      .tuple([z.string(), z.coerce.number()])
      .parse(await askSentinel((redis) => redis.call('SENTINEL', 'get-master-addr-by-name', 'queue')));
    const found = nodes.find((node) => node.port === port);
    if (found === undefined) throw new Error(`The sentinels name a master that is not theirs, at port ${port}.`);
    return found;
  };
  const url = `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/queue`;
  return {
    ...layout(url, { nodes, resources }),
    master: currentMaster,
    failOver: async (meanwhile) => {
      const former = await currentMaster();
      const others = nodes.filter((node) => node !== former);
      await askSentinel((redis) => redis.call('SENTINEL', 'FAILOVER', 'queue'));
      await until(async () => !(await Promise.all(others.map(isReplica))).every(Boolean), {
        what: 'a replica to be promoted',
        everyMs: 1,
      });
      for (const { pid } of sentinels) process.kill(pid, 'SIGSTOP');
      try {
        await meanwhile();
      } finally {
        for (const { pid } of sentinels) process.kill(pid, 'SIGCONT');
      }
      await until(() => isReplica(former), { what: 'the former master to be a replica' });
    },
  };
}

/** Whether it follows another; it may be cut off from it. */
export async function isReplica(node: LayoutNode): Promise<boolean> {
  const role = await node.ask((redis) => redis.call('ROLE'));
  return Array.isArray(role) && role[0] === 'slave';
}

function layout(
  url: string,
  { nodes, resources }: { readonly nodes: readonly LayoutNode[]; readonly resources: AsyncDisposableStack },
): Layout {
  const kept = resources.move();
  return { url, nodes, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function startNode(
  dir: string,
  { extraArgs, resources }: { readonly extraArgs: readonly string[]; readonly resources: AsyncDisposableStack },
): Promise<LayoutNode> {
  let server = await startRedisServer({ dir, extraArgs });
  const { port, url } = server;
  resources.defer(() => server.stop());
  return {
    port,
    kill: () => server.kill(),
    restart: async () => {
      server = await startRedisServer({ dir, port, extraArgs });
    },
    signal: (name) => process.kill(server.pid, name),
    ask: (question) => ask(url, question),
  };
}

async function startSentinel(dir: string, masterPort: number): Promise<LocalServer> {
  const command = findRedisServer();
  if (command === null) throw new Error('There is no redis-server on PATH.');
  mkdirSync(dir, { recursive: true });
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  // It writes into its own configuration what it learns.
  const file = join(dir, 'sentinel.conf');
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${dir}`,
    `sentinel monitor queue 127.0.0.1 ${masterPort} 2`,
    // Less, and a busy machine makes them replace a master that only waits for its turn.
    'sentinel down-after-milliseconds queue 3000',
    'sentinel failover-timeout queue 6000',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return runServer({
    name: 'Sentinel',
    url,
    port,
    command,
    args: [file, '--sentinel'],
    logFile: `${dir}.log`,
    recordFile: `${dir}.server.json`,
    mark: `127.0.0.1:${port}`,
    readyWithinMs: 15_000,
    probe: async (pid) => {
      if ((await redisProcessId(url)) !== pid) throw new Error(`Somebody else answers at ${url}.`);
    },
    stopSteps: [
      { signal: 'SIGTERM', waitMs: 5_000 },
      { signal: 'SIGKILL', waitMs: 2_000 },
    ],
  });
}

async function busPortOf(node: LayoutNode | undefined): Promise<number> {
  const [, port] = (await node?.ask((redis) => redis.config('GET', 'cluster-port'))) ?? [];
  return Number(port);
}

async function isWhole(node: LayoutNode, known: number): Promise<boolean> {
  const info = await node.ask((redis) => redis.cluster('INFO'));
  return ['cluster_state:ok', `cluster_size:${masters}`, `cluster_known_nodes:${known}`].every((line) =>
    info.includes(`${line}\r\n`),
  );
}

async function ask<Answer>(url: string, question: (redis: Redis) => Promise<Answer>): Promise<Answer> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, commandTimeout: 5_000 });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}
