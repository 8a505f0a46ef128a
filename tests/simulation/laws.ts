import { isDeepStrictEqual } from 'node:util';
import { parseDelivery, type Delivery } from '@penstock/core/delivery';
import { foldPayment } from '@penstock/core/payment';
import { providerNamed } from '@penstock/core/providers/registry';
import { HANDLERS } from './fleet.ts';
import type { MemoryJobs } from './memory-jobs.ts';
import type { MemoryRows, MemoryTables } from './memory-tables.ts';

/** What the laws are about. */
export interface Lawful {
  readonly tables: MemoryTables;
  readonly jobs: MemoryJobs;
  /** Acknowledged, and not gone with a queue that lost what only it knew. */
  readonly acknowledged: ReadonlyMap<string, Delivery>;
}

type LedgerRow = MemoryRows['ledger'];

/** Looks at a world after every step; returns which law is broken, and by what. */
export function createLaws(): (world: Lawful) => string | null {
  let states = new Map<string, LedgerRow['state']>();
  let ledgerSeen = -1;
  return (world) => {
    const lost = findLost(world);
    if (lost !== null) return lost;
    // What is committed changes in few of the steps.
    if (world.tables.commits() === ledgerSeen) return null;
    ledgerSeen = world.tables.commits();
    const { committed } = world.tables;
    for (const [key, row] of committed.ledger) {
      const broken = brokenByRow(row, committed) ?? regress(key, { from: states.get(key), to: row.state });
      if (broken !== null) return broken;
    }
    for (const key of states.keys()) if (!committed.ledger.has(key)) return `the ledger forgot ${key}`;
    states = new Map([...committed.ledger].map(([key, row]) => [key, row.state]));
    return brokenPayment(committed);
  };
}

/** No acknowledged event is lost: it is in the queue, in the ledger, or put aside as a collision. */
function findLost({ tables, jobs, acknowledged }: Lawful): string | null {
  const { ledger, collisions } = tables.committed;
  let queued: Set<string> | undefined;
  for (const [key, delivery] of acknowledged) {
    if (ledger.has(`${delivery.account} ${delivery.eventId}`)) continue;
    queued ??= new Set(jobs.all().map(({ data }) => bodyHashOf(data)));
    if (queued.has(delivery.bodySha256)) continue;
    if ([...collisions.values()].some(({ bodySha256 }) => bodySha256 === delivery.bodySha256)) continue;
    return `acknowledged and lost: ${key}`;
  }
  return null;
}

function brokenByRow(row: LedgerRow, committed: MemoryTables['committed']): string | null {
  const event = `${row.eventId} (${row.state})`;
  for (const handler of HANDLERS) {
    const run = committed.runs.get(`${row.id} ${handler}`);
    const effects = [...committed.outbox.values()].filter(({ topic, key }) => topic === handler && key === row.eventId);
    if (effects.length > 1) return `effective twice: ${handler} at ${event}`;
    const isDone = run?.state === 'done';
    if (isDone !== (effects.length === 1))
      return `${handler} at ${event} is ${run?.state ?? 'not run'} and had ${effects.length} effects`;
    if (row.state === 'processed' && !isDone) return `processed without ${handler}: ${event}`;
  }
  if ((row.state === 'received') !== (row.finishedAt === null)) return `finished and not, at once: ${event}`;
  if (row.state !== 'dead') return null;
  const isExplained = row.failure !== null && row.firstFailure !== null && row.reason !== null && row.attempts > 0;
  return isExplained ? null : `dead and not explained: ${event}`;
}

/** What is processed stays so; only an operator's forced replay may change that, and here is none. */
function regress(
  key: string,
  { from, to }: { readonly from: LedgerRow['state'] | undefined; readonly to: LedgerRow['state'] },
): string | null {
  return (from === 'processed' || from === 'ignored') && to !== from ? `${key} went from ${from} to ${to}` : null;
}

/** Payments are the fold of the committed facts, and the facts are what the stored events say. */
function brokenPayment(committed: MemoryTables['committed']): string | null {
  const facts = [...committed.facts.values()];
  for (const [key, { family }] of committed.payments) {
    const own = facts.filter(({ payment }) => payment === Number(key)).map(({ keyed }) => keyed);
    if (own.length === 0) return `payment ${key} has no facts`;
    if (!isDeepStrictEqual(foldPayment(own), family)) return `payment ${key} is not the fold of its facts`;
  }
  const folded = new Set(facts.map(({ ledgerId }) => ledgerId));
  for (const row of committed.ledger.values())
    if (row.state === 'processed' && !folded.has(row.id)) return `processed and not folded: ${row.eventId}`;
  return null;
}

/** What must hold once everything has come to rest, with every fault gone. */
export function brokenAtRest({ tables, jobs, acknowledged }: Lawful): string | null {
  const { ledger, events, facts } = tables.committed;
  for (const delivery of acknowledged.values()) {
    const row = ledger.get(`${delivery.account} ${delivery.eventId}`);
    if (row?.state === 'received') return `never finished: ${delivery.eventId}`;
  }
  for (const job of jobs.all()) {
    if (job.place !== 'failed') continue;
    const { account, eventId } = parseDelivery(job.data);
    if (ledger.get(`${account} ${eventId}`)?.state !== 'dead') return `failed in the queue alone: ${job.id}`;
  }
  for (const row of ledger.values()) {
    if (row.state === 'dead' && jobs.get(row.jobId)?.place !== 'failed')
      return `dead in the ledger alone: ${row.eventId}`;
    const stored = events.get(String(row.id));
    if (stored === undefined) return `entered and not stored: ${row.eventId}`;
    const own = [...facts.values()].filter(({ ledgerId }) => ledgerId === row.id).map(({ keyed }) => keyed.fact);
    const said = providerNamed('stripe')?.translate(Buffer.from(stored.body.data, stored.body.encoding)) ?? [];
    if (row.state === 'processed' && !isDeepStrictEqual(own, said))
      return `other facts than the event says: ${row.eventId}`;
  }
  return null;
}

function bodyHashOf(data: unknown): string {
  return typeof data === 'object' && data !== null && 'bodySha256' in data ? String(data.bodySha256) : '';
}
