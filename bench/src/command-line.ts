import { parseArgs } from 'node:util';
import type * as z from 'zod';

/** sysexits.h's EX_USAGE. */
const EXIT_USAGE = 64;

/**
 * Runs one program of the bench: each setting is `--name VALUE`; `--json` asks for
 * the report for machines, `--help` for the usage. What is wrong is told with it.
 */
export async function runBench<Shape extends z.ZodRawShape>(bench: {
  readonly usage: string;
  readonly settings: z.ZodObject<Shape>;
  /** Returns the exit code. */
  readonly main: (settings: z.output<z.ZodObject<Shape>>, report: { readonly json: boolean }) => Promise<number>;
}): Promise<void> {
  const given = readArguments(Object.keys(bench.settings.shape));
  if (given.kind === 'wrong') return refuse(bench.usage, [given.problem]);
  const { json = false, help = false, ...values } = given.values;
  if (help === true) {
    process.stdout.write(bench.usage);
    return;
  }
  const settings = bench.settings.safeParse(values);
  if (settings.success) process.exitCode = await bench.main(settings.data, { json: json === true });
  else
    refuse(
      bench.usage,
      settings.error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`),
    );
}

function readArguments(names: readonly string[]) {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  try {
    const { values } = parseArgs({ options: { ...options, json: { type: 'boolean' }, help: { type: 'boolean' } } });
    return { kind: 'read', values } as const;
  } catch (error) {
    return { kind: 'wrong', problem: error instanceof Error ? error.message : String(error) } as const;
  }
}

function refuse(usage: string, problems: readonly string[]): void {
  process.stderr.write(`${problems.join('\n')}\n\n${usage}`);
  process.exitCode = EXIT_USAGE;
}
