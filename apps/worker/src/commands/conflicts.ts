import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';
import { conflictKinds, explainConflict } from '@penstock/core/conflict';
import { requestFetch } from '@penstock/db/conflict-fetches';
import { openDatabase, type LedgerDatabase, type LedgerTransaction } from '@penstock/db/database';
import { dismissConflict, findConflict, findConflicts, type FoundConflict } from '@penstock/db/find-conflicts';
import { assertMigrated } from '@penstock/db/migrate';
import { recordOperatorAction } from '@penstock/db/operator-actions';
import { commandOperator } from '@penstock/runtime/command-operator';
import { readSettings } from '@penstock/runtime/env';
import { runCommand } from '@penstock/runtime/lifecycle';
import { databaseSettings } from '@penstock/runtime/shared-settings';
import { readArguments } from './conflicts-arguments.ts';

const usage = `Usage: pnpm conflicts [list] [--kind KIND] [--account A] [--state STATE] [--limit N] [--after ID]
       pnpm conflicts show <id>
       pnpm conflicts resolve <id> [--wait SECONDS]
       pnpm conflicts dismiss <id> --reason TEXT [--by NAME]

What does not add up: statuses that cannot follow each other, amounts that
disagree, refunds of payments that are not known, two bodies under one event id,
bodies that their provider contradicts.

  list           those open, newest first
  show           one with what is known of it
  resolve        has a worker ask the provider how the payment stands; the answer
                 is an event of its own, and settles what it makes consistent
  dismiss        closes it without asking; it opens again where its reason changes

  --kind KIND    ${conflictKinds.join(', ')}
  --account A    of one account
  --state STATE  open (default), resolved, dismissed, all
  --limit N      at most so many, 1 to 1000; 50 unless said
  --after ID     those listed after this one
  --wait S       how long to wait for the answer; 30 unless said, 0: not at all
  --json         for machines
  --help         this text

Needs DATABASE_URL. Exit code 1 where there is no such conflict, or it stays open.
`;

/** `pnpm conflicts`: what has somebody to look at? */
await runCommand(async () => {
  const { command, id, help, ...options } = readArguments();
  if (help) {
    process.stdout.write(usage);
    return;
  }
  const { databaseUrl } = readSettings({ databaseUrl: databaseSettings.databaseUrl }, process.env);
  await using db = openDatabase({ url: databaseUrl, poolMax: 1, applicationName: 'penstock-conflicts' });
  await assertMigrated(db);
  if (command === 'list') {
    const { state, kind, account, limit, after } = options;
    const filter = { state: state === 'all' ? undefined : state, kind, account };
    const found = await findConflicts(db, filter, { limit, beforeId: after });
    if (options.json) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
    else tellList(found, limit);
    return;
  }
  const stands = await act(db, { command, id, ...options });
  const conflict = await findConflict(db, id);
  if (conflict === undefined) {
    process.stderr.write(`There is no conflict ${id}.\n`);
    process.exitCode = 1;
    return;
  }
  if (options.json) process.stdout.write(`${JSON.stringify(conflict, null, 2)}\n`);
  else tell(conflict);
  if (stands !== null) {
    process.stderr.write(`${stands}\n`);
    process.exitCode = 1;
  }
});

/** Does what is asked for; says why it was not done, or null. */
async function act(
  db: LedgerDatabase,
  asked: { readonly command: 'show' | 'resolve' | 'dismiss'; readonly id: number } & Pick<
    ReturnType<typeof readArguments>,
    'wait' | 'reason' | 'by'
  >,
): Promise<string | null> {
  const { id, command, by, reason = '' } = asked;
  const who = { id, by, reason };
  switch (command) {
    case 'show':
      return null;
    case 'dismiss':
      return (await audited(db, { ...who, action: 'conflict.dismiss' }, (tx) => dismissConflict(tx, who)))
        ? null
        : `The conflict ${id} is not open.`;
    case 'resolve':
      return (await audited(db, { ...who, action: 'conflict.fetch' }, (tx) => requestFetch(tx, id)))
        ? waitForAnswer(db, id, asked.wait)
        : `The conflict ${id} is not open.`;
  }
}

/** Does it, and says in the audit who did, in one transaction. */
async function audited(
  db: LedgerDatabase,
  asked: {
    readonly action: 'conflict.dismiss' | 'conflict.fetch';
    readonly id: number;
    readonly by: string;
    readonly reason: string;
  },
  work: (tx: LedgerTransaction) => Promise<boolean>,
): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const done = await work(tx);
    if (done)
      await recordOperatorAction(tx, {
        operator: commandOperator(asked.by),
        action: asked.action,
        target: `conflict:${asked.id}`,
        reason: asked.reason === '' ? null : asked.reason,
        details: {},
      });
    return done;
  });
}

async function waitForAnswer(db: LedgerDatabase, id: number, seconds: number): Promise<string | null> {
  if (seconds === 0) return null;
  const until = Date.now() + seconds * 1_000;
  for (;;) {
    const conflict = await findConflict(db, id);
    if (conflict === undefined || conflict.state !== 'open') return null;
    if (conflict.fetchState === 'failed')
      return `The provider could not be asked: ${conflict.fetchErrorCode}: ${conflict.fetchErrorMessage}`;
    if (conflict.fetchFinished)
      return 'The provider was asked, and its answer leaves the conflict open: see pnpm payment, then mend it there or dismiss it.';
    if (Date.now() > until)
      return conflict.fetchState === 'fetched'
        ? `The answer is the event ${conflict.fetchEvent}, and is not applied yet; look again with pnpm conflicts show ${id}.`
        : `No answer within ${seconds} s${conflict.fetchErrorMessage === null ? ': does a worker run?' : `: ${conflict.fetchErrorMessage}`} It will be asked as soon as one can.`;
    await delay(200);
  }
}

function tellList(found: readonly FoundConflict[], limit: number): void {
  if (found.length === 0) process.stdout.write('No conflicts.\n');
  for (const conflict of found) {
    process.stdout.write(
      `${styleText('bold', String(conflict.id))} ${conflict.kind} ${conflict.account} ${conflict.payment ?? conflict.event ?? ''} ${conflict.state}, opened ${conflict.openedAt.toISOString()}\n  ${explainConflict(conflict)}\n`,
    );
  }
  if (found.length === limit) process.stdout.write(`There may be more: --after ${found.at(-1)?.id}\n`);
}

function tell(conflict: FoundConflict): void {
  const { closedAt, fetchState } = conflict;
  const closed = [conflict.closedByEvent ?? conflict.closedBy, conflict.closeReason].filter((part) => part !== null);
  const rows: readonly (readonly [string, string | null])[] = [
    ['what', `${conflict.kind}, ${conflict.code}`],
    ['why', explainConflict(conflict)],
    ['account', `${conflict.account} (${conflict.provider})`],
    ['payment', conflict.payment],
    ['event', conflict.event],
    ['state', conflict.state],
    [
      'opened',
      `${conflict.openedAt.toISOString()}${conflict.openedByEvent === null ? '' : ` by ${conflict.openedByEvent}`}`,
    ],
    ['closed', closedAt === null ? null : `${closedAt.toISOString()} by ${closed.join(': ')}`],
    ['fetch', fetchState === 'idle' ? null : `${fetchState}, ${conflict.fetchAttempts} attempts`],
    ['answer', conflict.fetchEvent],
    ['failure', conflict.fetchErrorCode === null ? null : `${conflict.fetchErrorCode}: ${conflict.fetchErrorMessage}`],
  ];
  process.stdout.write(`${styleText('bold', `Conflict ${conflict.id}`)}\n`);
  for (const [name, value] of rows) if (value !== null) process.stdout.write(`  ${name.padEnd(8)} ${value}\n`);
}
