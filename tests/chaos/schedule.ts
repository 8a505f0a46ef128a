import { randomOf, type Random } from '../fuzz/random.ts';

/** Every kind of fault, with how long it lasts and which backends it concerns. */
export const faultKinds = {
  'kill-ingest': { target: 'ingest', lastsMs: [200, 3_000] },
  'kill-worker': { target: 'worker', lastsMs: [200, 3_000] },
  'restart-ingest': { target: 'ingest', lastsMs: [0, 1_000] },
  'restart-worker': { target: 'worker', lastsMs: [0, 1_000] },
  'freeze-ingest': { target: 'ingest', lastsMs: [500, 5_000] },
  'freeze-worker': { target: 'worker', lastsMs: [500, 6_000] },
  'step-clock-ingest': { target: 'ingest', lastsMs: [1_000, 4_000] },
  'step-clock-worker': { target: 'worker', lastsMs: [1_000, 4_000] },
  'kill-redis': { target: 'redis', lastsMs: [100, 3_000] },
  'freeze-redis': { target: 'redis', lastsMs: [300, 3_000] },
  'redis-disk-full': { target: 'redis', lastsMs: [500, 3_000] },
  'redis-memory-full': { target: 'redis', lastsMs: [500, 3_000] },
  'redis-flushall': { target: 'redis', lastsMs: [500, 1_500] },
  'redis-old-aof': { target: 'redis', lastsMs: [500, 1_500] },
  'kill-postgres': { target: 'postgres', lastsMs: [100, 3_000] },
  'restart-postgres': { target: 'postgres', lastsMs: [0, 1_000] },
  'freeze-postgres': { target: 'postgres', lastsMs: [300, 3_000] },
  'cut-redis': { target: 'redis-link', lastsMs: [0, 2_000] },
  'delay-redis': { target: 'redis-link', lastsMs: [1_000, 4_000] },
  'half-open-redis': { target: 'redis-link', lastsMs: [2_000, 6_000] },
  'silent-redis': { target: 'redis-link', lastsMs: [0, 1_000] },
  'cut-postgres': { target: 'postgres-link', lastsMs: [0, 2_000] },
  'delay-postgres': { target: 'postgres-link', lastsMs: [1_000, 4_000] },
  'half-open-postgres': { target: 'postgres-link', lastsMs: [2_000, 6_000] },
  'silent-postgres': { target: 'postgres-link', lastsMs: [0, 1_000] },
  'duplicate-storm': { target: 'provider', lastsMs: [500, 1_500] },
  'out-of-order': { target: 'provider', lastsMs: [1_000, 3_000] },
  'fail-handlers': { target: 'provider', lastsMs: [500, 2_500] },
  'send-dead-again': { target: 'provider', lastsMs: [500, 1_500] },
  replay: { target: 'provider', lastsMs: [500, 3_000] },
} as const satisfies Record<string, { readonly target: FaultTarget; readonly lastsMs: readonly [number, number] }>;

export type FaultTarget = 'ingest' | 'worker' | 'redis' | 'postgres' | 'redis-link' | 'postgres-link' | 'provider';
export type FaultKind = keyof typeof faultKinds;

/** One fault of a run: what, when, how long. Derived from the seed alone. */
export interface Fault {
  readonly number: number;
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly lastsMs: number;
  /** Which of its targets, counted from 0; reduced to how many there are. */
  readonly which: number;
  /** Between 0 and 1: how strong, where the kind has degrees. */
  readonly strength: number;
}

/** Narrows a word to a kind of fault. */
export function isFaultKind(word: string): word is FaultKind {
  return Object.hasOwn(faultKinds, word);
}

/**
 * Those that a run on this backend can have. In PostgreSQL a worker's queue
 * listens on a connection that it never asks anything, and so never learns that
 * it has gone silent: jobs are found by looking, but the worker ends no sooner
 * than SHUTDOWN_MS allows, and not cleanly (docs/RELIABILITY.md).
 */
export function faultKindsOf(backend: 'redis' | 'postgres'): readonly FaultKind[] {
  return Object.keys(faultKinds)
    .filter(isFaultKind)
    .filter(
      (kind) => backend === 'redis' || (!faultKinds[kind].target.startsWith('redis') && kind !== 'silent-postgres'),
    );
}

/**
 * The faults of a run. Kinds are dealt like cards, every one once before any
 * comes again, so that a short run sees many of them; pauses are between half
 * and one and a half of `everyMs`.
 */
export function planFaults(options: {
  readonly seed: number;
  readonly minutes: number;
  readonly everyMs: number;
  readonly kinds: readonly FaultKind[];
}): readonly Fault[] {
  const random = randomOf(options.seed, 0);
  const faults: Fault[] = [];
  let deck: FaultKind[] = [];
  for (
    let atMs = pause(random, options.everyMs);
    atMs < options.minutes * 60_000;
    atMs += pause(random, options.everyMs)
  ) {
    if (deck.length === 0) deck = shuffled(options.kinds, random);
    const kind = deck.pop();
    if (kind === undefined) break;
    const [least, most] = faultKinds[kind].lastsMs;
    faults.push({
      number: faults.length + 1,
      kind,
      atMs,
      lastsMs: least + random.below(most - least + 1),
      which: random.below(60),
      strength: random.below(1_000) / 1_000,
    });
  }
  return faults;
}

function pause(random: Random, everyMs: number): number {
  return Math.round(everyMs / 2) + random.below(everyMs);
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const rest = [...items];
  return items.flatMap(() => rest.splice(random.below(rest.length), 1));
}
