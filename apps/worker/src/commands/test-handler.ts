import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs, styleText } from 'node:util';
import * as z from 'zod';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import { ConfigurationError, PermanentError } from '@penstock/core/failure';
import type { HandlerLog } from '@penstock/core/handler';
import { providerNamed } from '@penstock/core/providers/registry';
import { findConfirmation } from '@penstock/db/confirmations';
import { openDatabase, type ExecutedQuery, type LedgerDatabase, type LedgerTransaction } from '@penstock/db/database';
import { deliveryOfStoredEvent } from '@penstock/db/events';
import { findEvents } from '@penstock/db/find-events';
import { assertMigrated } from '@penstock/db/migrate';
import { loadConfiguration, type LoadedConfiguration } from '@penstock/runtime/configuration-file';
import { readSettings, type Environment } from '@penstock/runtime/env';
import { databaseSettings, sharedSettings } from '@penstock/runtime/shared-settings';
import { realTime } from '../real-time.ts';
import { rehearseHandler, type Rehearsal } from '../rehearse-handler.ts';

/** Runs `pnpm handler test`; gives the exit code. Throws ConfigurationError for what cannot be. */
export async function testHandler(args: readonly string[], environment: Environment): Promise<number> {
  const { configFile: fileSetting, payloadKeys: keysSetting } = sharedSettings;
  const { databaseUrl, configFile, payloadKeys } = readSettings(
    { databaseUrl: databaseSettings.databaseUrl, configFile: fileSetting, payloadKeys: keysSetting },
    environment,
  );
  const { handlerName, event, flags } = readArguments(args);
  const configuration = await loadConfiguration<LedgerTransaction>(configFile);
  const handler = configuration.handlers.find(({ name }) => name === handlerName);
  if (handler === undefined)
    throw new ConfigurationError([
      `there is no handler named ${handlerName}; ${configFile} has ${configuration.handlers.map(({ name }) => name).join(', ') || 'none'}`,
    ]);

  let statements: ExecutedQuery[] = [];
  await using db = openDatabase({
    url: databaseUrl,
    poolMax: 1,
    applicationName: 'penstock-handler-test',
    payloadKeys,
    onQuery: (query) => statements.push(query),
  });
  await assertMigrated(db);
  const delivery = existsSync(event)
    ? readRecorded(event, { flags, configuration })
    : await findStored(db, event, configuration);
  const provider = providerNamed(delivery.provider);
  if (provider === undefined) throw new ConfigurationError([`there is no provider named ${delivery.provider}`]);
  const configured = configuration.endpoints.get(delivery.endpoint);
  const endpoint = configured === undefined ? undefined : { settings: configured.settings, confirm: null };
  const answer = (await findConfirmation(db, delivery))?.answer ?? null;

  const { timeoutMs, version, pattern } = handler;
  write(`${bold('handler')}   ${handler.name}, version ${version}, for ${pattern}`);
  let own: readonly ExecutedQuery[] = [];
  const rehearsal = await rehearseHandler(
    db,
    {
      delivery,
      provider,
      endpoint,
      handler,
      answer,
      onHandler: (moment) => {
        if (moment === 'begins') statements = [];
        // The first opens its savepoint, the last closes it.
        else own = statements.slice(1, -1);
      },
    },
    {
      ...realTime,
      handlerMs: timeoutMs ?? 10_000,
      handlerLog: () => printedLog,
      destinations: configuration.destinations,
    },
  );
  print(delivery, rehearsal, own);
  return rehearsal.outcome.kind === 'done' ? 0 : 1;
}

function readArguments(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        endpoint: { type: 'string' },
        provider: { type: 'string' },
        type: { type: 'string' },
        id: { type: 'string' },
      },
    });
    const [handlerName, event, ...more] = positionals;
    if (handlerName !== undefined && event !== undefined && more.length === 0)
      return { handlerName, event, flags: values };
  } catch (error) {
    throw new ConfigurationError([error instanceof Error ? error.message : String(error)]);
  }
  throw new ConfigurationError(['name one handler and one event; --help tells more']);
}

const named = z.looseObject({
  id: z.string().optional().catch(undefined),
  type: z.string().optional().catch(undefined),
  event_type: z.string().optional().catch(undefined),
});

/** A body in a file, as if it had been delivered and verified just now. */
function readRecorded(
  file: string,
  given: {
    readonly flags: ReturnType<typeof readArguments>['flags'];
    readonly configuration: Pick<LoadedConfiguration<never>, 'endpoints'>;
  },
): Delivery {
  const { flags, configuration } = given;
  const endpoint = flags.endpoint === undefined ? undefined : configuration.endpoints.get(flags.endpoint);
  if (flags.endpoint !== undefined && endpoint === undefined)
    throw new ConfigurationError([`--endpoint: there is no endpoint named ${flags.endpoint}`]);
  const provider = endpoint?.provider.id ?? flags.provider ?? 'stripe';
  const body = readFileSync(file);
  const names = readNames(body);
  return {
    v: 1,
    deliveryId: randomUUID(),
    endpoint: endpoint?.name ?? provider,
    provider,
    account: endpoint?.account ?? provider,
    eventId: flags.id ?? names.id ?? `sha256-${sha256Hex(body)}`,
    type: flags.type ?? names.type ?? names.event_type ?? 'unknown',
    shape: 'event',
    occurredAt: null,
    receivedAt: new Date().toISOString(),
    livemode: null,
    apiVersion: null,
    providerAccount: null,
    tier: 'full',
    keyId: 'handler-test',
    transmissionId: null,
    requestId: randomUUID(),
    contentType: null,
    origin: 'webhook',
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
  };
}

function readNames(body: Buffer): z.infer<typeof named> {
  try {
    return named.parse(JSON.parse(body.toString('utf8')));
  } catch {
    return {};
  }
}

async function findStored(
  db: LedgerDatabase,
  eventId: string,
  { endpoints }: Pick<LoadedConfiguration<never>, 'endpoints'>,
): Promise<Delivery> {
  const accounts = [...new Set([...endpoints.values()].map(({ account }) => account))];
  const [found, another] = await findEvents(db, { eventId, accounts });
  if (found === undefined) throw new ConfigurationError([`${eventId} is neither a file nor an event of the ledger`]);
  if (another !== undefined)
    throw new ConfigurationError([`${eventId} is an event of the accounts ${found.account} and ${another.account}`]);
  try {
    return await deliveryOfStoredEvent(db, found.id, randomUUID());
  } catch (error) {
    if (error instanceof PermanentError)
      throw new ConfigurationError([`${eventId}: ${error.message}; give it as a file`]);
    throw error;
  }
}

function print(delivery: Delivery, rehearsal: Rehearsal, statements: readonly ExecutedQuery[]): void {
  const { covered, facts, payments, outcome, tables, messages } = rehearsal;
  write(`${bold('event')}     ${delivery.provider} ${delivery.eventId} ${delivery.type}`);
  if (!covered)
    write(styleText('yellow', '          the handler’s pattern does not cover it: a worker would not run it'));
  write(`${bold('facts')}     ${facts.join(', ') || 'none'}`);
  for (const { id, status } of payments) write(`${bold('payment')}   ${id} ${status}`);
  for (const { sql, parameters, durationMs } of statements)
    write(
      `${bold('statement')} ${sql.replaceAll(/\s+/g, ' ').trim()}  ${JSON.stringify(parameters)}  ${durationMs.toFixed(1)} ms`,
    );
  for (const { table, inserted, updated, deleted } of tables)
    write(`${bold('table')}     ${table}: ${inserted} inserted, ${updated} updated, ${deleted} deleted`);
  for (const { topic, key, payload } of messages)
    write(`${bold('outbox')}    ${topic} ${key} ${JSON.stringify(payload)}`);
  write(
    outcome.kind === 'done'
      ? styleText('green', `done in ${outcome.durationMs.toFixed(1)} ms; everything was rolled back`)
      : styleText('red', `failed: ${outcome.failure.code}: ${outcome.failure.message}; everything was rolled back`),
  );
}

const printedLog: HandlerLog = {
  debug: (message, fields) => printLog('debug', message, fields),
  info: (message, fields) => printLog('info', message, fields),
  warn: (message, fields) => printLog('warn', message, fields),
  error: (message, fields) => printLog('error', message, fields),
};

function printLog(level: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
  write(`${bold('log')}       ${level}: ${message} ${JSON.stringify(fields)}`);
}

function bold(word: string): string {
  return styleText('bold', word);
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
