import { parseArgs, styleText, type ParseArgsConfig } from 'node:util';
import { ReplayError, timeFrom, type ReplayErrorCode } from '@penstock/core/replay';
import { openDatabase, type LedgerDatabase } from '@penstock/db/database';
import { assertMigrated } from '@penstock/db/migrate';
import type { Operator } from '@penstock/db/operator-actions';
import { commandOperator } from '@penstock/runtime/command-operator';
import { readSettings } from '@penstock/runtime/env';
import { runCommand } from '@penstock/runtime/lifecycle';
import { databaseSettings, sharedSettings } from '@penstock/runtime/shared-settings';

/** A command that was called wrongly, after sysexits.h's EX_USAGE. */
export const EXIT_USAGE = 64;

/** What was given on the command line cannot be meant. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Runs a command that operators use: its exit code, and errors in words with their code. */
export async function runOperatorCommand(command: (args: readonly string[]) => Promise<number>): Promise<void> {
  await runCommand(async () => {
    try {
      // pnpm hands over the `--` that separates its own arguments from ours.
      process.exitCode = await command(process.argv.slice(2).filter((argument) => argument !== '--'));
    } catch (error) {
      if (error instanceof UsageError) {
        process.stderr.write(`${error.message}\nSee --help.\n`);
        process.exitCode = EXIT_USAGE;
      } else if (error instanceof ReplayError) {
        process.stderr.write(`${styleText('red', error.code, { stream: process.stderr })}: ${error.message}\n`);
        process.exitCode = misuses.has(error.code) ? EXIT_USAGE : 1;
      } else throw error;
    }
  });
}

/** Those that another command line would avoid. */
const misuses: ReadonlySet<ReplayErrorCode> = new Set([
  'replay_needs_force',
  'replay_needs_handlers',
  'replay_handler_unknown',
  'facts_not_editable',
]);

/** Reads flags; throws UsageError. */
export function readFlags<const Options extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('. ')[0] ?? error.message) : String(error));
  }
}

/** Opens the ledger that DATABASE_URL names. */
export async function openLedger(applicationName: string): Promise<LedgerDatabase & AsyncDisposable> {
  const { databaseUrl, payloadKeys } = readSettings(
    { databaseUrl: databaseSettings.databaseUrl, payloadKeys: sharedSettings.payloadKeys },
    process.env,
  );
  const db = openDatabase({ url: databaseUrl, poolMax: 2, applicationName, payloadKeys });
  try {
    await assertMigrated(db);
    return db;
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

/** Who is at the keyboard: `--by`, else the user of this machine. */
export function operatorOf(by: string | undefined): Operator {
  return commandOperator(by);
}

/** A time in ISO 8601, or so long ago: `7d`, `12h`, `30m`. Throws UsageError. */
export function timeOf(flag: string, text: string, now: Date): string {
  const time = timeFrom(text, now);
  if (time === null)
    throw new UsageError(`--${flag} must be a time such as 2026-03-01T12:00:00Z, or so long ago: 7d, 12h, 30m`);
  return time;
}

/** Writes a document for machines. */
export function writeJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}
