import { createChaos, type Action, type Chaos, type ChaosOptions } from './chaos.ts';
import { CRASHES_MAX, SWEEP_GRACE_MS } from './fleet.ts';
import { brokenAtRest, createLaws, type Lawful } from './laws.ts';
import { isPoison } from './provider-life.ts';
import { seededRandom, type Random } from './random.ts';

/** What is simulated. */
export interface EpisodeOptions extends ChaosOptions {
  readonly seed: number;
  /** Until then there are faults; after that the world must come to rest. */
  readonly steps: number;
}

/** How an episode ended. */
export interface Episode {
  readonly seed: number;
  /** Those with faults, of all. */
  readonly faultySteps: number;
  readonly steps: number;
  readonly events: number;
  readonly dead: number;
  /** How often each thing happened. */
  readonly happened: Readonly<Record<string, number>>;
  /** Which law was broken, at which step, and what went before. */
  readonly broken: { readonly law: string; readonly step: number; readonly story: readonly string[] } | null;
}

/** Steps in which a world without faults comes to rest, and far more. */
const REST_STEPS_MAX = 20_000;

/** One world from its first event until it rests, every choice made by the seed. */
export async function simulateEpisode(options: EpisodeOptions): Promise<Episode> {
  const random = seededRandom(options.seed);
  const chaos = createChaos(random, options);
  const check = createLaws();
  const happened: Record<string, number> = {};
  let step = 0;
  const brokenLaw = (): string | null => chaos.faults[0] ?? check(chaos.lawful);

  let law: string | null = null;
  for (; law === null && step < options.steps; step += 1) {
    const action = choose(chaos.actions, random);
    happened[action.name] = (happened[action.name] ?? 0) + 1;
    if (!/^an (effect|outage)$/.test(action.name)) chaos.scheduler.tell(action.name);
    await action.act();
    chaos.restart();
    law = brokenLaw();
  }

  chaos.calmDown();
  for (let quiet = 0; law === null && quiet < 3; step += 1) {
    if (step > options.steps + REST_STEPS_MAX) law = 'the world never came to rest';
    const went = await goOn(chaos, { sweeps: options.mutant !== 'no-sweeper' });
    if (went !== 'went on') quiet = went === 'at rest' ? quiet + 1 : 0;
    chaos.restart();
    law ??= brokenLaw();
  }
  law ??= brokenAtRest(chaos.lawful) ?? brokenPoison(chaos.lawful);

  const rows = [...chaos.lawful.tables.committed.ledger.values()];
  return {
    seed: options.seed,
    faultySteps: options.steps,
    steps: step,
    events: rows.length,
    dead: rows.filter(({ state }) => state === 'dead').length,
    happened,
    broken: law === null ? null : { law, step, story: [...chaos.scheduler.log] },
  };
}

function choose(actions: readonly Action[], random: Random): Action {
  const total = actions.reduce((sum, { weight }) => sum + weight, 0);
  let left = random.below(total);
  for (const action of actions) if ((left -= action.weight) < 0) return action;
  throw new Error('there is no action to choose from');
}

/** One step towards rest: an effect, else a job, else time and a sweep. */
async function goOn(
  { scheduler, workers, lawful, pass }: Chaos,
  { sweeps }: { readonly sweeps: boolean },
): Promise<'went on' | 'waited' | 'at rest'> {
  if (await scheduler.advance(null)) return 'went on';
  const jobs = lawful.jobs.all();
  const isDue = jobs.some(
    ({ place, until }) => place === 'waiting' || (place === 'delayed' && until <= scheduler.now()),
  );
  if (isDue && workers.some((worker) => worker.take())) return 'went on';
  const isAtRest = jobs.every(({ place }) => place === 'failed' || place === 'completed');
  await pass(SWEEP_GRACE_MS * 2);
  if (sweeps) workers[0]?.sweep();
  return isAtRest ? 'at rest' : 'waited';
}

/** A poisonous event is dead, and was not condemned for less than it takes. */
function brokenPoison({ tables }: Lawful): string | null {
  for (const row of tables.committed.ledger.values()) {
    if (isPoison(row.eventId) && row.state !== 'dead') return `poison is ${row.state}: ${row.eventId}`;
    const crashes = [...tables.committed.crashes.values()].filter(({ ledgerId }) => ledgerId === row.id).length;
    if (row.state === 'dead' && row.reason === 'poison' && crashes < CRASHES_MAX)
      return `condemned after ${crashes} crashes: ${row.eventId}`;
  }
  return null;
}
