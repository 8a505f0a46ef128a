import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import type { Database } from '@penstock/db/schema';
import { simulateEpisode, type Episode } from './simulate.ts';
import type { Mutant } from './mutants.ts';

/** How a simulation ended. */
export interface Simulated {
  readonly steps: number;
  readonly episodes: number;
  readonly events: number;
  readonly dead: number;
  readonly happened: Readonly<Record<string, number>>;
  /** The episode that broke a law; the simulation stops there. */
  readonly broken: Episode | null;
}

/** Short enough to be looked at after every step, long enough for a dead event to be replayed and flushed. */
const EPISODE_STEPS = 800;

/** Episodes one after the other until so many steps have been taken, or a law is broken. The n-th has the seed + n. */
export async function simulate(options: {
  readonly seed: number;
  readonly steps: number;
  readonly mutant?: Mutant;
  readonly onEpisode?: (episode: Episode) => void;
}): Promise<Simulated> {
  const { mutant } = options;
  const handlerTx = await nobodysTransaction();
  let total: Simulated = { steps: 0, episodes: 0, events: 0, dead: 0, happened: {}, broken: null };
  for (let number = 0; total.steps < options.steps; number += 1) {
    const episode = await simulateEpisode({
      seed: options.seed + number,
      steps: Math.min(EPISODE_STEPS, options.steps - total.steps),
      handlerTx,
      ...(mutant === undefined ? {} : { mutant }),
    });
    options.onEpisode?.(episode);
    total = {
      steps: total.steps + episode.steps,
      episodes: total.episodes + 1,
      events: total.events + episode.events,
      dead: total.dead + episode.dead,
      happened: sum(total.happened, episode.happened),
      broken: episode.broken === null ? null : episode,
    };
    if (total.broken !== null) break;
  }
  return total;
}

/** The one command that repeats an episode. */
export function commandOf({ seed, faultySteps }: Episode): string {
  return `npx pnpm@12 simulate --seed ${seed} --steps ${faultySteps}`;
}

function sum(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>): Record<string, number> {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries([...names].map((name) => [name, (one[name] ?? 0) + (other[name] ?? 0)]));
}

/** A transaction that reaches no database: the simulated handlers write to the outbox alone. */
export async function nobodysTransaction() {
  const db = new Kysely<Database>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (kysely) => new PostgresIntrospector(kysely),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
  return db.startTransaction().execute();
}
