import { parseArgs } from 'node:util';
import { mutants, type Mutant } from './mutants.ts';
import { commandOf, simulate } from './run.ts';

const usage = `Usage: pnpm simulate [--seed N] [--steps N] [--mutant NAME] [--json]

Drives the worker's own code, with its sweeper, over a ledger and a queue in
memory, one effect at a time in an order that the seed chooses, through crashes,
outages, flushes, older queues, duplicates, forgeries and replays. Laws are
looked at after every step.

  --seed N       the first episode's; the n-th has N + n   (default: of the clock)
  --steps N      in all                                    (default 100000)
  --mutant NAME  a planted bug: ${mutants.join(', ')}
  --json         for machines

Exit code 1 where a law was broken; the command that repeats it is printed.
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    steps: { type: 'string', default: '100000' },
    mutant: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(usage);
else process.exitCode = await main();

async function main(): Promise<number> {
  const seed = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed);
  const steps = Number(values.steps);
  const mutant = mutants.find((name) => name === values.mutant);
  if (
    !Number.isSafeInteger(seed) ||
    !Number.isSafeInteger(steps) ||
    steps < 1 ||
    (values.mutant !== undefined && mutant === undefined)
  ) {
    process.stderr.write(usage);
    return 64;
  }
  const simulated = await simulate({ seed, steps, ...planted(mutant), onEpisode: showProgress });
  if (process.stderr.isTTY) process.stderr.write('\r');
  const { broken } = simulated;
  if (values.json) process.stdout.write(`${JSON.stringify({ seed, ...simulated })}\n`);
  else if (broken?.broken == null) {
    process.stdout.write(
      `${simulated.steps} steps in ${simulated.episodes} episodes from seed ${seed}: no law was broken\n`,
    );
    process.stdout.write(`${simulated.events} events, ${simulated.dead} of them dead at the end\n`);
    for (const [what, times] of Object.entries(simulated.happened)) process.stdout.write(`  ${what}: ${times}\n`);
  } else {
    const { law, step, story } = broken.broken;
    process.stdout.write(
      `${story.map((line) => `  ${line}\n`).join('')}broken at step ${step} of seed ${broken.seed}: ${law}\n`,
    );
    process.stdout.write(`repeat it with: ${commandOf(broken)}${mutant === undefined ? '' : ` --mutant ${mutant}`}\n`);
  }
  return broken === null ? 0 : 1;
}

function planted(mutant: Mutant | undefined): { readonly mutant?: Mutant } {
  return mutant === undefined ? {} : { mutant };
}

function showProgress({ seed }: { readonly seed: number }): void {
  if (process.stderr.isTTY) process.stderr.write(`\repisode of seed ${seed}`);
}
