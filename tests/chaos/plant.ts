import { spawn } from 'node:child_process';
import path from 'node:path';
import { parseArgs, styleText } from 'node:util';
import * as z from 'zod';
import { plants } from './plants.ts';

const usage = `Usage: pnpm chaos:plant [--seed S] [BUG…]

Plants one bug after the other in the running product and expects pnpm chaos to
find each; without a bug, under the same faults, it must find nothing.

Bugs (default: all):
${plants.map(({ name, about }) => `  ${name.padEnd(34)} ${about}`).join('\n')}

Exit code 0 where every bug was found, 1 otherwise, 64 for wrong options.
`;

const reportSchema = z.object({
  faults: z.object({ total: z.number() }),
  lost: z.array(z.string()),
  duplicated: z.array(z.string()),
  wrong: z.array(z.string()),
});

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, help: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !plants.some((plant) => plant.name === name));
if (values.help) process.stdout.write(usage);
else if (unknown.length > 0) {
  process.stderr.write(`There is no bug named ${unknown.join(', ')}.\n\n${usage}`);
  process.exitCode = 64;
} else process.exitCode = await main();

async function main(): Promise<number> {
  const chosen = plants.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const runs = [
    { name: null, faults: [...new Set(chosen.flatMap(({ faults }) => faults.split(',')))].join(',') },
    ...chosen,
  ];
  const columns = ['faults', 'lost', 'duplicated', 'wrong'] as const;
  process.stdout.write(`${'bug'.padEnd(36)}${columns.map((name) => name.padStart(12)).join('')}\n`);
  let asExpected = true;
  for (const { name, faults } of runs) {
    const under = ['--seed', values.seed, '--minutes', '0.3', '--every', '2', '--rate', '30', '--faults', faults];
    // A bug that leaves events behind for ever need not be waited for as long as a slow machine.
    const { report, exitCode } = await chaos(
      name === null ? under : under.concat(['--patience', '20', '--plant', name]),
    );
    if (report === null) {
      if (exitCode === 130) return 130;
      process.stdout.write(`${(name ?? 'none').padEnd(36)} no report (exit code ${exitCode})\n`);
      asExpected = false;
      continue;
    }
    const found = report.lost.length + report.duplicated.length + report.wrong.length > 0;
    const good = found === (name !== null);
    asExpected &&= good;
    const counts = [report.faults.total, report.lost.length, report.duplicated.length, report.wrong.length];
    const verdict = styleText(good ? 'green' : 'red', found ? 'found' : 'nothing found');
    process.stdout.write(
      `${(name ?? 'none').padEnd(36)}${counts.map((count) => String(count).padStart(12)).join('')}  ${verdict}\n`,
    );
  }
  return asExpected ? 0 : 1;
}

async function chaos(args: readonly string[]) {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  // A Ctrl-C reaches the run as well, which ends what it has started; this waits for it.
  process.once('SIGINT', () => undefined);
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { report: printed === '' ? null : reportSchema.parse(JSON.parse(printed)), exitCode };
}
