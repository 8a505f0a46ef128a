import { parseArgs, styleText } from 'node:util';
import { ConfigurationError } from '@penstock/core/failure';
import { openDatabase } from '@penstock/db/database';
import { assertMigrated } from '@penstock/db/migrate';
import { historyOfPayment } from '@penstock/db/payment-history';
import { findPayments } from '@penstock/db/payments';
import { readSettings } from '@penstock/runtime/env';
import { runCommand } from '@penstock/runtime/lifecycle';
import { databaseSettings } from '@penstock/runtime/shared-settings';
import { changesOf, lines } from '../payment-changes.ts';

const usage = `Usage: pnpm payment <id> [--account ACCOUNT] [--at TIME] [--json]

Tells a payment's history: each event, when it happened, arrived and was
applied, and what it changed; then how the payment stands.

  <id>           any id that an event named: of the payment, an order, a
                 charge, a capture, a refund, a dispute
  --at TIME      how it was known then, in ISO 8601: 2026-03-01T12:00:00Z
  --account A    where accounts share ids
  --json         for machines
  --help         this text

Needs DATABASE_URL. Exit code 1 where there is no such payment.
`;

/** `pnpm payment`: what do we know, and since when? */
await runCommand(async () => {
  const { id, at, account, json, help } = readArguments();
  if (help || id === undefined) {
    (help ? process.stdout : process.stderr).write(usage);
    process.exitCode = help ? 0 : 64;
    return;
  }
  const { databaseUrl } = readSettings({ databaseUrl: databaseSettings.databaseUrl }, process.env);
  await using db = openDatabase({ url: databaseUrl, poolMax: 1, applicationName: 'penstock-payment' });
  await assertMigrated(db);
  const found = await findPayments(db, id, { account });
  const [payment, another] = found;
  if (payment === undefined) {
    process.stderr.write(`No payment goes by ${id}.\n`);
    process.exitCode = 1;
    return;
  }
  if (another !== undefined) {
    const matches = found.map((each) => `${each.account} ${each.id}`).join(', ');
    throw new ConfigurationError([`several payments go by ${id}: ${matches}; choose one by --account or its own id`]);
  }
  const changes = changesOf(await historyOfPayment(db, payment.key), { at });
  const last = changes.at(-1);
  if (json) {
    const told = changes.map(({ event: { facts: _facts, ...event }, changes: changed }) => ({
      ...event,
      changes: changed,
    }));
    process.stdout.write(
      `${JSON.stringify({ account: payment.account, at: at ?? null, state: last?.after ?? null, events: told }, null, 2)}\n`,
    );
    return;
  }
  for (const { event, changes: changed } of changes) {
    const { occurredAt, receivedAt, appliedAt, providerEventId, type, sentAt, bodyKept } = event;
    process.stdout.write(`${styleText('bold', type)} ${providerEventId}\n`);
    process.stdout.write(
      `  happened ${occurredAt.toISOString()}, arrived ${receivedAt.toISOString()}, applied ${appliedAt.toISOString()}\n`,
    );
    if (sentAt.length > 1)
      process.stdout.write(`  sent ${sentAt.length} times, last ${sentAt.at(-1)?.toISOString() ?? ''}\n`);
    if (!bodyKept) process.stdout.write('  its own bytes are past their retention; what it said is kept\n');
    for (const line of changed.length === 0 ? ['nothing new'] : changed) process.stdout.write(`  ${line}\n`);
  }
  if (last === undefined) {
    process.stdout.write(`Nothing was known of ${id} then.\n`);
    return;
  }
  process.stdout.write(
    `\n${styleText('bold', `${last.after.payment.id}${at === undefined ? '' : ` as known at ${at.toISOString()}`}`)}\n`,
  );
  for (const [name, value] of Object.entries(lines(last.after)))
    process.stdout.write(`  ${name.padEnd(10)} ${value}\n`);
});

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        at: { type: 'string' },
        account: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const at = values.at === undefined ? undefined : new Date(values.at);
    if (at !== undefined && Number.isNaN(at.getTime()))
      throw new Error('--at must be a time such as 2026-03-01T12:00:00Z');
    if (positionals.length > 1) throw new Error('name one payment');
    return { ...values, at, id: positionals[0] };
  } catch (error) {
    throw new ConfigurationError([error instanceof Error ? error.message : String(error)]);
  }
}
