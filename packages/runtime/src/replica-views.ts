import type { Redis } from 'ioredis';
import * as z from 'zod';

/** What one sentinel says of a master and its replicas. */
export interface SentinelView {
  /** How many sentinels it knows of, itself among them. */
  readonly sentinels: number;
  readonly replicas: readonly { readonly name: string; readonly alive: boolean }[];
}

/** Asks one sentinel; null where it does not answer, or does not know the master. */
export async function askSentinel(sentinel: Redis, master: string): Promise<SentinelView | null> {
  try {
    const [itself, replicas] = await Promise.all([
      sentinel.call('SENTINEL', 'MASTER', master),
      sentinel.call('SENTINEL', 'REPLICAS', master),
    ]);
    return {
      sentinels: Number(recordSchema.parse(itself).get('num-other-sentinels') ?? 0) + 1,
      replicas: z
        .array(recordSchema)
        .parse(replicas)
        .map((replica) => ({ name: replica.get('name') ?? '', alive: isAlive(replica.get('flags') ?? '') })),
    };
  } catch {
    return null;
  }
}

/** A flat list of names and values. */
const recordSchema = z.array(z.string()).transform((flat) => {
  const record = new Map<string, string>();
  for (let index = 0; index + 1 < flat.length; index += 2) record.set(flat[index] ?? '', flat[index + 1] ?? '');
  return record;
});

/** What keeps a sentinel from making a replica the master. Source: Redis, sentinelSelectSlave. */
const gone = new Set(['s_down', 'o_down', 'disconnected']);

function isAlive(flags: string): boolean {
  return !flags.split(',').some((flag) => gone.has(flag));
}

/**
 * How many replicas could be made the master: those that any sentinel takes for
 * alive. Where less than a majority of the sentinels answers, others may be
 * choosing behind our back, and every replica that is known counts. Null where
 * none answers.
 */
export function replicasKnownToSentinels(views: readonly SentinelView[]): number | null {
  if (views.length === 0) return null;
  const isMajority = views.length * 2 > Math.max(...views.map(({ sentinels }) => sentinels));
  const replicas = views.flatMap((view) => view.replicas).filter(({ alive }) => alive || !isMajority);
  return new Set(replicas.map(({ name }) => name)).size;
}

/**
 * How many replicas of the master that answered CLUSTER NODES have not failed:
 * that a node has failed is what a majority of the masters says.
 * Source: Redis, CLUSTER NODES.
 */
export function replicasInCluster(nodes: string): number {
  const lines = nodes.split('\n').map((line) => {
    const [id = '', , flags = '', masterId = ''] = line.split(' ');
    return { id, flags: flags.split(','), masterId };
  });
  const itself = lines.find(({ flags }) => flags.includes('myself'));
  return lines.filter(
    ({ flags, masterId }) => flags.includes('slave') && !flags.includes('fail') && masterId === itself?.id,
  ).length;
}
