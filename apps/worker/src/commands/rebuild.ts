import { parseArgs, styleText } from 'node:util';
import { ConfigurationError } from '@penstock/core/failure';
import { providerNamed } from '@penstock/core/providers/registry';
import { openDatabase } from '@penstock/db/database';
import { assertMigrated } from '@penstock/db/migrate';
import { recordOperatorAction } from '@penstock/db/operator-actions';
import type { Difference } from '@penstock/db/shadow';
import { commandOperator } from '@penstock/runtime/command-operator';
import { loadConfiguration } from '@penstock/runtime/configuration-file';
import { readSettings } from '@penstock/runtime/env';
import { runCommand } from '@penstock/runtime/lifecycle';
import { databaseSettings, sharedSettings } from '@penstock/runtime/shared-settings';
import { rebuild, type RebuildWorld } from '../rebuild.ts';
import { createProgress } from './progress.ts';

const usage = `Usage: pnpm rebuild [--check | --into SCHEMA]

Folds every payment, refund, dispute and payout anew from the stored events,
compares the result with the live tables row by row, and writes over what
differs, in one transaction. Events may keep coming; workers wait while the
last part runs, and lose nothing.

  --check        compare only; exit code 1 where anything differs
  --into SCHEMA  leave the result in a schema of this name, live tables untouched
  --help         this text

Needs DATABASE_URL, and room for a second copy of the projections.
`;

/** A statement about whole tables that says nothing for a day is not coming back. */
const SILENCE_MS = 86_400_000;

/** `pnpm rebuild`: is what is shown what was told? */
await runCommand(async () => {
  const { check, into, help } = readArguments();
  if (help) {
    process.stdout.write(usage);
    return;
  }
  const { payloadKeys: keysSetting, configFile: fileSetting } = sharedSettings;
  const { databaseUrl, configFile, payloadKeys } = readSettings(
    { databaseUrl: databaseSettings.databaseUrl, configFile: fileSetting, payloadKeys: keysSetting },
    process.env,
  );
  const configuration = await loadConfiguration<unknown>(configFile);
  await using db = openDatabase({
    url: databaseUrl,
    poolMax: 2,
    applicationName: 'penstock-rebuild',
    // Statements about whole tables are silent for long.
    silenceMs: SILENCE_MS,
    payloadKeys,
  });
  await assertMigrated(db);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('stopped; the live tables are as they were')));
  const progress = createProgress();
  const world: RebuildWorld = {
    db,
    provider: providerNamed,
    settingsOf: (endpoint) => configuration.endpoints.get(endpoint)?.settings,
    onProgress: ({ phase, done, of }) => progress.show({ what: `${phase} events`, done, of }),
    signal: stop.signal,
  };
  const started = performance.now();
  const adopt = !check && into === undefined;
  const rebuilt = await rebuild(world, {
    schema: into ?? 'penstock_rebuild',
    adopt,
    keep: into !== undefined,
    onAdopt: (tx, { events, facts, differences }) =>
      recordOperatorAction(tx, {
        operator: commandOperator(),
        action: 'projections.rebuild',
        target: 'projections',
        reason: null,
        details: { events, facts, differing: countDiffering(differences) },
      }),
  });
  progress.end();
  const seconds = (performance.now() - started) / 1_000;
  process.stdout.write(
    `${rebuilt.events} events, ${rebuilt.facts} facts, in ${seconds.toFixed(1)} s (${Math.round(rebuilt.events / seconds)} events/s)\n`,
  );
  report(rebuilt.differences);
  const differing = countDiffering(rebuilt.differences);
  if (into !== undefined)
    process.stdout.write(`The result is in the schema ${into}; the live tables are as they were.\n`);
  if (adopt && differing > 0) process.stdout.write('The live tables are now what the events say.\n');
  if (check && differing > 0) process.exitCode = 1;
});

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        check: { type: 'boolean', default: false },
        into: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.into !== undefined && !/^[a-z_][a-z0-9_]{0,62}$/.test(values.into))
      throw new ConfigurationError(['--into must be a plain lower-case name']);
    if (values.into === 'public' || values.into?.startsWith('pg_') === true)
      throw new ConfigurationError([`--into ${values.into} would overwrite what is there`]);
    if (values.check && values.into !== undefined) throw new ConfigurationError(['--check and --into: choose one']);
    return values;
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw new ConfigurationError([error instanceof Error ? error.message : String(error)]);
  }
}

/** Returns how many rows differ. */
function countDiffering(differences: readonly Difference[]): number {
  return differences.reduce((sum, { missing, unexpected, changed }) => sum + missing + unexpected + changed, 0);
}

function report(differences: readonly Difference[]): void {
  for (const { table, missing, unexpected, changed, samples } of differences) {
    const count = missing + unexpected + changed;
    const line = `${table.padEnd(20)} ${missing} missing, ${unexpected} unexpected, ${changed} changed`;
    process.stdout.write(`${styleText(count === 0 ? 'green' : 'red', line)}\n`);
    for (const sample of samples) process.stdout.write(`  ${sample}\n`);
  }
}
