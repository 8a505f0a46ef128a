import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../harness/until.ts';
import type { Program } from './fleet.ts';
import { persist, repair, setGate, statesOf } from './ledger-questions.ts';
import { heldEvent, type ChaosEvent } from './lives.ts';
import type { Link } from './proxy.ts';
import { replayAllDead } from './replay-command.ts';
import { faultKinds, type Fault, type FaultKind } from './schedule.ts';
import type { RedisService } from './services.ts';
import type { Stand } from './stand.ts';

/** Ends a fault: what was killed runs again, what was cut is whole. */
type Mend = () => Promise<void>;
type Inflict = (stand: Stand, fault: Fault) => Promise<Mend>;

/** Begins a fault; what it returns ends it. */
export function inflict(stand: Stand, fault: Fault): Promise<Mend> {
  return inflictions[fault.kind](stand, fault);
}

/** Faults of which only one can be at a time, by what they befall; null where nothing else may be the matter meanwhile. */
export function placeOf(fault: Fault): string | null {
  if (fault.kind === 'redis-flushall' || fault.kind === 'redis-old-aof') return null;
  const { target } = faultKinds[fault.kind];
  return target === 'ingest'
    ? `ingest ${fault.which % 2}`
    : target === 'worker'
      ? `worker ${fault.which % 3}`
      : target === 'provider'
        ? fault.kind
        : target;
}

const inflictions: Readonly<Record<FaultKind, Inflict>> = {
  'kill-ingest': (stand, fault) => endProgram(programOf(stand, fault), 'kill'),
  'kill-worker': (stand, fault) => endProgram(programOf(stand, fault), 'kill'),
  'restart-ingest': (stand, fault) => endProgram(programOf(stand, fault), 'stop'),
  'restart-worker': (stand, fault) => endProgram(programOf(stand, fault), 'stop'),
  'freeze-ingest': (stand, fault) => freezeProgram(programOf(stand, fault)),
  'freeze-worker': (stand, fault) => freezeProgram(programOf(stand, fault)),
  'step-clock-ingest': (stand, fault) => stepClock(programOf(stand, fault), fault),
  'step-clock-worker': (stand, fault) => stepClock(programOf(stand, fault), fault),
  'kill-redis': async (stand) => {
    await redisOf(stand).end('kill');
    return () => redisOf(stand).start();
  },
  'freeze-redis': async (stand) => {
    await redisOf(stand).freeze();
    return () => redisOf(stand).thaw();
  },
  'redis-disk-full': async (stand) => {
    await redisOf(stand).fillDisk();
    return async () => {
      await until(() => !redisOf(stand).isRunning(), { what: 'Redis to end for want of space', everyMs: 100 });
      await redisOf(stand).start();
    };
  },
  'redis-memory-full': (stand) => redisOf(stand).fillMemory(),
  'redis-flushall': (stand, fault) => loseQueue(stand, { fault, lose: async (redis) => () => redis.flushAll() }),
  'redis-old-aof': (stand, fault) => loseQueue(stand, { fault, lose: (redis) => redis.keepAof() }),
  'kill-postgres': async ({ postgres }) => {
    await postgres.end('kill');
    return () => postgres.start();
  },
  'restart-postgres': async ({ postgres }) => {
    await postgres.end('stop');
    return () => postgres.start();
  },
  'freeze-postgres': async ({ postgres }) => {
    await postgres.freeze();
    return () => postgres.thaw();
  },
  'cut-redis': async (stand, fault) => cut(linksOf(stand.redisLinks, fault)),
  'delay-redis': async (stand, fault) => delay(linksOf(stand.redisLinks, fault), fault),
  'half-open-redis': async (stand, fault) => halfOpen(linksOf(stand.redisLinks, fault)),
  'silent-redis': async (stand, fault) => silence(linksOf(stand.redisLinks, fault)),
  'cut-postgres': async (stand, fault) => cut(linksOf(stand.postgresLinks, fault)),
  'delay-postgres': async (stand, fault) => delay(linksOf(stand.postgresLinks, fault), fault),
  'half-open-postgres': async (stand, fault) => halfOpen(linksOf(stand.postgresLinks, fault)),
  'silent-postgres': async (stand, fault) => silence(linksOf(stand.postgresLinks, fault)),
  'duplicate-storm': async ({ provider }) => {
    const lately = [...provider.sent.values()].slice(-40);
    const storm = Promise.all(
      lately.flatMap(({ event }) => Array.from({ length: 8 }, () => provider.sendAgain(event))),
    );
    return async () => void (await storm);
  },
  'out-of-order': async ({ provider }) => {
    const release = provider.holdBack();
    return async () => release();
  },
  'fail-handlers': async ({ db }) => {
    await setGate(db, { name: 'every', closed: true });
    return () => setGate(db, { name: 'every', closed: false });
  },
  'send-dead-again': async (stand) => {
    await sendDeadAgain(stand);
    return async () => undefined;
  },
  replay: async (stand) => {
    await repairDead(stand);
    await replayAllDead(stand.postgres.url);
    return async () => undefined;
  },
};

function programOf({ programs }: Stand, fault: Fault): Program {
  const { target } = faultKinds[fault.kind];
  const candidates = programs.filter(({ kind }) => kind === target);
  const program = candidates[fault.which % candidates.length];
  if (program === undefined) throw new Error(`${fault.kind} has nothing to befall`);
  return program;
}

function redisOf({ redis }: Stand): RedisService {
  if (redis === null) throw new Error('this run has no Redis');
  return redis;
}

async function endProgram(program: Program, how: 'kill' | 'stop'): Promise<Mend> {
  await program.end(how);
  return () => program.start();
}

async function freezeProgram(program: Program): Promise<Mend> {
  program.freeze();
  return async () => program.thaw();
}

/** Up to ten minutes at ingest, past what signatures allow; a minute at a worker, so that what it delays comes back in time. */
async function stepClock(program: Program, fault: Fault): Promise<Mend> {
  const most = program.kind === 'ingest' ? 600_000 : 60_000;
  program.stepClock(Math.round((fault.strength * 2 - 1) * most));
  return async () => program.stepClock(0);
}

/** One process's link, or every one's: each third time. */
function linksOf(links: readonly Link[], fault: Fault): readonly Link[] {
  if (fault.which % 3 === 0) return links;
  return links.filter((_, index) => index === fault.which % links.length);
}

function cut(links: readonly Link[]): Mend {
  for (const link of links) link.set({ kind: 'cut' });
  return async () => open(links);
}

/** Up to 400 ms each way: past the deadline of an enqueue, and below it. */
function delay(links: readonly Link[], fault: Fault): Mend {
  for (const link of links) link.set({ kind: 'delay', milliseconds: 20 + Math.round(fault.strength * 380) });
  return async () => open(links);
}

function open(links: readonly Link[]): void {
  for (const link of links) link.set({ kind: 'open' });
}

function halfOpen(links: readonly Link[]): Mend {
  const resets = links.map((link) => link.halfOpen());
  return async () => {
    for (const reset of resets) reset();
  };
}

/** Half-open for good: nothing but a process's own impatience ends these. */
function silence(links: readonly Link[]): Mend {
  for (const link of links) link.halfOpen();
  return async () => undefined;
}

/** Enough that some are in every state a job can be in. */
const HELD_EVENTS = 30;

/**
 * Takes from the queue what it knows, once everything acknowledged is in the
 * ledger and some of it is held there unprocessed. What only the queue knew
 * would be gone by nature; nothing is, at this moment.
 */
async function loseQueue(
  stand: Stand,
  { fault, lose }: { readonly fault: Fault; readonly lose: (redis: RedisService) => Promise<() => Promise<void>> },
): Promise<Mend> {
  const { db, provider } = stand;
  const loseNow = await lose(redisOf(stand));
  const mend = async (): Promise<void> => {
    await setGate(db, { name: 'held', closed: false });
    provider.resume();
  };
  await setGate(db, { name: 'held', closed: true });
  try {
    await Promise.all(
      Array.from({ length: HELD_EVENTS }, (_, index) =>
        provider.send(heldEvent(`held${fault.number}x${index}`, new Date())),
      ),
    );
    await provider.pause();
    await until(async () => (await notStored(stand)).length === 0, {
      what: 'every acknowledged event to be in the ledger, so that the queue can be taken away',
      deadlineMs: STORED_MS_MAX,
      everyMs: 200,
    });
    await loseNow();
  } catch (error) {
    await mend();
    throw error;
  }
  return mend;
}

/** What a silent connection holds is free after 75 s, and then has its turn behind a backlog. */
const STORED_MS_MAX = 300_000;

/** The ids of events that were acknowledged and that the ledger does not have yet. */
export async function notStored({ db, provider }: Stand): Promise<readonly string[]> {
  const acknowledged = [...provider.sent.values()].filter((sent) => sent.acknowledged).map(({ event }) => event.id);
  const stored = await statesOf(db, acknowledged);
  return acknowledged.filter((id) => !stored.has(id));
}

/** Mends what dead events stumbled over, poisoned ones left out; returns those that can be processed from then on. */
async function repairDead({ db, provider }: Stand): Promise<readonly ChaosEvent[]> {
  const mendable = [...provider.sent.values()].filter(
    ({ event, acknowledged }) => acknowledged && event.fate !== 'dead',
  );
  const byId = new Map(mendable.map(({ event }) => [event.id, event]));
  const rows = await persist(() =>
    db.selectFrom('ledger').select('provider_event_id').where('state', '=', 'dead').execute(),
  );
  const dead = rows.flatMap((row) => byId.get(row.provider_event_id) ?? []);
  await repair(
    db,
    dead.map(({ id }) => id),
  );
  return dead;
}

/** Mends the dead and has their provider send them again; returns how many there were. */
export async function sendDeadAgain(stand: Stand): Promise<number> {
  const dead = await repairDead(stand);
  await Promise.all(
    dead.map(async (event) => {
      for (let tries = 0; tries < 20 && !(await stand.provider.sendAgain(event)); tries += 1) await sleep(250);
    }),
  );
  return dead.length;
}
