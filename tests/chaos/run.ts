import { setTimeout as sleep } from 'node:timers/promises';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';
import { until } from '../harness/until.ts';
import { inflict, notStored, placeOf, sendDeadAgain } from './faults.ts';
import { judge } from './judge.ts';
import { leaksOfEnded, leaksOfRunning, redisConnectionsAtRest } from './leaks.ts';
import { setGate, statesOf } from './ledger-questions.ts';
import { canaryEvent, liveOnce, type ExpectedPayment } from './lives.ts';
import { summarize, type FaultRecord, type Report } from './report.ts';
import type { Fault } from './schedule.ts';
import type { Stand } from './stand.ts';

export interface RunOptions {
  readonly seed: number;
  readonly minutes: number;
  /** Events a second. */
  readonly rate: number;
  readonly faults: readonly Fault[];
  /** How long an event may take to be processed after a fault, and all of them to come to rest after the last. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly say: (message: string) => void;
}

/**
 * Load and faults, then rest, then the judgement. Throws where the run was
 * broken off; what the system did wrong is in the report.
 */
export async function runChaos(stand: Stand, options: RunOptions): Promise<Report> {
  const connectionsAtStart = await redisConnectionsAtRest(stand);
  const startedAt = new Date();
  const started = performance.now();
  const load = generateLoad(stand, options);
  const records = await inflictAll(stand, options);
  options.say('the last fault is over; all comes to rest');
  const payments = await load.stop();
  const unsettled = await settle(stand, { ...options, sending: load.sending });
  options.signal.throwIfAborted();
  const leaksAtRest = await leaksOfRunning(stand, connectionsAtStart);
  options.say('ending the processes');
  await Promise.all(stand.programs.map((program) => program.end('stop')));
  const leaks = [...leaksAtRest, ...(await leaksOfEnded(stand))];
  options.say('judging');
  const judgement = await judge(stand.db, { sent: [...stand.provider.sent.values()], payments });
  const crashes = stand.programs.flatMap((program) => program.crashes());
  const wrong = [...judgement.wrong, ...unsettled, ...crashes, ...leaks];
  return summarize({
    seed: options.seed,
    backend: stand.location.backend,
    rate: options.rate,
    startedAt,
    seconds: (performance.now() - started) / 1_000,
    provider: stand.provider,
    records,
    judgement: { ...judgement, wrong },
  });
}

/** Lives at the rate asked for, their events shuffled and spread over some seconds; returns what ends it. */
function generateLoad(stand: Stand, options: RunOptions) {
  const { provider } = stand;
  const payments: ExpectedPayment[] = [];
  const sending = new Set<Promise<void>>();
  const stop = new AbortController();
  const started = performance.now();
  let number = 0;
  let events = 0;
  const generating = (async () => {
    while (!stop.signal.aborted && !options.signal.aborted) {
      const due = ((performance.now() - started) / 1_000) * options.rate;
      while (events < due) {
        const life = liveOnce({ seed: options.seed, number: (number += 1), now: new Date() });
        events += life.events.length;
        if (life.payment !== null) payments.push(life.payment);
        for (const event of life.events) {
          // In no order: each waits for a time of its own.
          const sent = sleep(Math.random() * 1_500).then(() => provider.send(event));
          sending.add(sent);
          void sent.finally(() => sending.delete(sent));
        }
      }
      await sleep(20);
    }
  })();
  return {
    sending,
    stop: async (): Promise<readonly ExpectedPayment[]> => {
      stop.abort();
      await generating;
      return payments;
    },
  };
}

/** Every fault in its time, and how long the system took to be well after each. */
async function inflictAll(stand: Stand, options: RunOptions): Promise<readonly FaultRecord[]> {
  const started = performance.now();
  const underWay = new Map<string, Promise<void>>();
  const records: Promise<FaultRecord>[] = [];
  for (const fault of options.faults) {
    const wait = fault.atMs - (performance.now() - started);
    if (wait > 0) await sleep(wait, undefined, { signal: options.signal });
    options.signal.throwIfAborted();
    const place = placeOf(fault);
    // What takes the queue away comes alone; of the others, one at a time in each place.
    await (place === null ? Promise.all(underWay.values()) : underWay.get(place));
    options.say(`fault ${fault.number} of ${options.faults.length}: ${fault.kind}`);
    const mended = Promise.withResolvers<void>();
    const record = one(stand, { ...options, fault, started, mended: mended.resolve });
    // Awaited with the others; until then one that failed must not end the process.
    record.catch(() => undefined);
    records.push(record);
    if (place === null) await mended.promise;
    else underWay.set(place, mended.promise);
  }
  return Promise.all(records);
}

async function one(
  stand: Stand,
  given: {
    readonly fault: Fault;
    readonly started: number;
    readonly patienceMs: number;
    readonly signal: AbortSignal;
    readonly mended: () => void;
  },
): Promise<FaultRecord> {
  const { fault, signal } = given;
  const { number, kind, lastsMs } = fault;
  const begun = { number, kind, lastsMs, atMs: Math.round(performance.now() - given.started) };
  try {
    const mend = await inflict(stand, fault);
    await sleep(fault.lastsMs, undefined, { signal }).catch(() => undefined);
    await mend();
  } catch (error) {
    return { ...begun, recoveryMs: null, problem: error instanceof Error ? error.message : String(error) };
  } finally {
    given.mended();
  }
  return { ...begun, recoveryMs: await recover(stand, given) };
}

/** From the end of a fault until an event sent to each ingest after it is processed. */
async function recover(
  { provider, db, programs }: Stand,
  given: { readonly fault: Fault; readonly patienceMs: number; readonly signal: AbortSignal },
): Promise<number | null> {
  const { fault, patienceMs, signal } = given;
  const started = performance.now();
  const canaries = programs
    .filter(({ kind }) => kind === 'ingest')
    .map((_, ingest) => ({ ingest, event: canaryEvent(`canary${fault.number}x${ingest}`, new Date()) }));
  const sent = Promise.all(canaries.map(({ event, ingest }) => provider.send(event, { ingest })));
  sent.catch(() => undefined);
  const ids = canaries.map(({ event }) => event.id);
  while (performance.now() - started < patienceMs && !signal.aborted) {
    const states = await statesOf(db, ids);
    if (ids.every((id) => states.get(id) === 'processed')) return Math.round(performance.now() - started);
    await sleep(50);
  }
  return null;
}

/** Waits until everything is acknowledged and finished; what did not come to rest in time, in words. */
async function settle(
  stand: Stand,
  options: RunOptions & { readonly sending: ReadonlySet<Promise<void>> },
): Promise<readonly string[]> {
  const { db, location } = stand;
  await setGate(db, { name: 'held', closed: false });
  await setGate(db, { name: 'every', closed: false });
  const deadline = performance.now() + options.patienceMs;
  const inTime = async (what: string, check: () => Promise<boolean> | boolean): Promise<readonly string[]> => {
    try {
      await until(() => options.signal.aborted || check(), {
        what,
        deadlineMs: Math.max(1, deadline - performance.now()),
        everyMs: 250,
      });
      return [];
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)];
    }
  };
  const finished = async (): Promise<boolean> => {
    const rows = await db.selectFrom('ledger').select('id').where('state', '=', 'received').limit(1).execute();
    return rows.length === 0;
  };
  const replayed = async (): Promise<boolean> => {
    const rows = await db.selectFrom('replays').select('id').where('state', '=', 'running').limit(1).execute();
    return rows.length === 0;
  };
  await using queue = openWebhookQueue(location);
  await queue.connected();
  return [
    ...(await inTime('every event to be acknowledged', () => options.sending.size === 0)),
    ...(await inTime('every acknowledged event to be stored', async () => (await notStored(stand)).length === 0)),
    // A replay brings finished and dead events back, at its own pace, for as long as it runs.
    ...(await inTime('every replay to be through', replayed)),
    ...(await inTime('every stored event to be finished', finished)),
    // An operator's last look: what died of a fault is sent again, once.
    ...(await inTime(
      'the dead to be processed, mended and sent again',
      async () => (await sendDeadAgain(stand)) === 0 && finished(),
    )),
    ...(await inTime('the queue to be empty', async () => {
      const { waiting, active, delayed } = await queue.counts();
      return waiting + active + delayed === 0;
    })),
  ];
}
