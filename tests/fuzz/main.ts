import { randomInt } from 'node:crypto';
import { parseArgs, styleText } from 'node:util';
import { createThrowawayAuthority } from '@penstock/local/throwaway-authority';
import { certificateEffects } from './effects.ts';
import { fuzz, type FuzzReport } from './run.ts';
import { fuzzTargets } from './targets.ts';

const usage = `Usage: pnpm fuzz [--requests N] [--seed S] [--case K] [--provider ID]

Sends every provider's verifier and translator requests and bodies that were
genuine before something in them was changed. Nothing may be accepted that the
genuine one does not prove, and nothing may throw.

  --requests N   how many                       (default 1000000)
  --seed S       which; the same seed, the same (default: a random one, printed)
  --case K       only this one, to see it again
  --provider ID  only this provider
  --help         this text

Exit code 0 where nothing was found, 1 otherwise, 130 after Ctrl-C.
`;

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    seed: { type: 'string' },
    case: { type: 'string' },
    provider: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(usage);
else process.exitCode = await main();

async function main(): Promise<number> {
  const authority = await createThrowawayAuthority();
  const all = fuzzTargets(authority);
  const targets = Object.fromEntries(
    Object.entries(all).filter(([name]) => values.provider === undefined || name === values.provider),
  );
  const seed = numberOf(values.seed) ?? randomInt(2 ** 31);
  const only = numberOf(values.case);
  const requests = only === undefined ? numberOf(values.requests) : 1;
  if (requests === undefined || Object.keys(targets).length === 0) {
    process.stderr.write(usage);
    return 64;
  }
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.stdout.write(
    `seed ${seed}, ${requests.toLocaleString('en')} requests, ${Object.keys(targets).length} providers\n`,
  );
  const started = performance.now();
  const report = await fuzz({
    targets,
    effects: certificateEffects(authority),
    seed,
    from: only ?? 0,
    count: requests,
    signal: stop.signal,
    onProgress: (done) => showProgress(done, requests),
  });
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
  print(report, { seed, seconds: (performance.now() - started) / 1_000 });
  if (stop.signal.aborted) return 130;
  return report.violations.length === 0 ? 0 : 1;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}

/** A line that moves on a terminal; elsewhere one line each tenth. */
function showProgress(done: number, requests: number): void {
  if (process.stdout.isTTY) process.stdout.write(`\r${done.toLocaleString('en')} of ${requests.toLocaleString('en')}`);
  else if (done % Math.max(1_000, Math.floor(requests / 10_000) * 1_000) === 0)
    process.stdout.write(`${done.toLocaleString('en')} of ${requests.toLocaleString('en')}\n`);
}

function print({ counts, violations }: FuzzReport, run: { readonly seed: number; readonly seconds: number }): void {
  const columns = [
    'requests',
    'genuine',
    'verified',
    'malformed',
    'rejected',
    'undecided',
    'translated',
    'withFacts',
  ] as const;
  process.stdout.write(`${'provider'.padEnd(20)}${columns.map((name) => name.padStart(11)).join('')}\n`);
  for (const [provider, tally] of counts)
    process.stdout.write(`${provider.padEnd(20)}${columns.map((name) => String(tally[name]).padStart(11)).join('')}\n`);
  for (const { provider, caseNumber, what } of violations)
    process.stdout.write(
      `${styleText('red', `${provider}: ${what}`)}\n  pnpm fuzz --seed ${run.seed} --case ${caseNumber}${values.provider === undefined ? '' : ` --provider ${provider}`}\n`,
    );
  const verdict =
    violations.length === 0
      ? styleText('green', 'nothing was accepted that was not proven, and nothing threw')
      : styleText('red', `${violations.length} found`);
  process.stdout.write(`${verdict}, in ${run.seconds.toFixed(1)} s\n`);
}
