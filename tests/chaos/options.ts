import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { plants, type Plant } from './plants.ts';
import { faultKindsOf, isFaultKind, type FaultKind } from './schedule.ts';

export const usage = `Usage: pnpm chaos [options]

Runs two ingests, three workers, a Redis and a PostgreSQL of its own, sends
them events as Stripe and PayPal do, and kills, freezes, cuts off and starves
them meanwhile. Then it compares what was acknowledged with what became of it.
The report is JSON on standard output, the progress on standard error.

  --seed S         which faults, when; the same seed, the same schedule (default: random)
  --minutes M      how long faults go on, 0.1 to 1440     (default 2)
  --every S        seconds between faults, in the mean     (default 4)
  --rate N         events a second, 1 to 2000              (default 40)
  --backend B      where the queue lives: redis, postgres  (default redis)
  --faults K,K     only these kinds                        (default: all)
  --spool          ingests keep what the queue cannot take (SPOOL_DIR)
  --plant BUG      with this bug in the product: ${plants.map(({ name }) => name).join(', ')}
  --patience S     seconds an event may take to be processed after a fault,
                   and all of them after the last one      (default 180)
  --keep           leave the run's directory, with its logs
  --help           this text

Kinds: ${faultKindsOf('redis').join(', ')}.

Exit code 0 where every promise was kept, 1 where one was not, 64 for wrong
options, 70 where the harness itself failed, 78 where there is nothing to run
on, 130 after Ctrl-C.
`;

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly everyMs: number;
  readonly rate: number;
  readonly backend: 'redis' | 'postgres';
  readonly kinds: readonly FaultKind[];
  readonly spool: boolean;
  readonly plant: Plant | null;
  readonly patienceMs: number;
  readonly keep: boolean;
}

type Reading =
  | { readonly kind: 'help' }
  | { readonly kind: 'problem'; readonly problem: string }
  | { readonly kind: 'options'; readonly options: ChaosOptions };

/** Reads the command line. */
export function readOptions(args: readonly string[]): Reading {
  try {
    return parse(args);
  } catch (error) {
    return { kind: 'problem', problem: error instanceof Error ? error.message : String(error) };
  }
}

function parse(args: readonly string[]): Reading {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      minutes: { type: 'string', default: '2' },
      every: { type: 'string', default: '4' },
      rate: { type: 'string', default: '40' },
      backend: { type: 'string', default: 'redis' },
      faults: { type: 'string' },
      spool: { type: 'boolean', default: false },
      plant: { type: 'string' },
      patience: { type: 'string', default: '180' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return { kind: 'help' };
  const { backend } = values;
  if (backend !== 'redis' && backend !== 'postgres') throw new Error('--backend must be redis or postgres');
  return {
    kind: 'options',
    options: {
      seed:
        values.seed === undefined ? randomInt(2 ** 31) : number('seed', values.seed, { least: 0, most: 2 ** 31 - 1 }),
      minutes: number('minutes', values.minutes, { least: 0.1, most: 1_440 }),
      everyMs: number('every', values.every, { least: 0.2, most: 3_600 }) * 1_000,
      rate: number('rate', values.rate, { least: 1, most: 2_000 }),
      backend,
      kinds: readKinds(values.faults, faultKindsOf(backend)),
      spool: values.spool,
      plant: values.plant === undefined ? null : readPlant(values.plant),
      patienceMs: number('patience', values.patience, { least: 1, most: 3_600 }) * 1_000,
      keep: values.keep,
    },
  };
}

function number(name: string, text: string, range: { readonly least: number; readonly most: number }): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= range.least && value <= range.most))
    throw new Error(`--${name} must be a number from ${range.least} to ${range.most}`);
  return value;
}

function readKinds(text: string | undefined, possible: readonly FaultKind[]): readonly FaultKind[] {
  if (text === undefined) return possible;
  return text.split(',').map((word) => {
    const kind = word.trim();
    if (!isFaultKind(kind)) throw new Error(`--faults: there is no fault named ${kind}`);
    if (!possible.includes(kind)) throw new Error(`--faults: ${kind} needs a queue in Redis`);
    return kind;
  });
}

function readPlant(name: string): Plant {
  const plant = plants.find((candidate) => candidate.name === name);
  if (plant === undefined) throw new Error(`--plant: there is no bug named ${name}`);
  return plant;
}
