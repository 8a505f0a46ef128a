import { maskPayload } from '@penstock/core/masking/mask-fields';
import {
  assertDead,
  countDeadDeliveries,
  deadDeliveries,
  retryDeliveries,
  tellDelivery,
  type DeadDeliveryFilter,
} from '@penstock/db/dead-deliveries';
import type { LedgerDatabase } from '@penstock/db/database';
import { listOutboxDeliveries } from '@penstock/db/list-outbox';
import { readSettings } from '@penstock/runtime/env';
import { openOutboxQueue } from '@penstock/runtime/outbox-queue';
import { queueLocation } from '@penstock/runtime/queue-location';
import { queueSettings } from '@penstock/runtime/shared-settings';
import {
  EXIT_USAGE,
  openLedger,
  operatorOf,
  readFlags,
  runOperatorCommand,
  UsageError,
  writeJson,
} from './operator-command.ts';
import { createProgress } from './progress.ts';
import { messages, writeDeliveries, writeDelivery, writeDryRun } from './tell-outbox.ts';

const usage = `Usage: pnpm outbox list [--state STATE] [--destination NAME] [--before ID] [--limit N]
       pnpm outbox show <id>
       pnpm outbox retry <id>… | --destination NAME | --all  (--reason TEXT [--by NAME] | --dry-run)

Messages on their way to your destinations. A dead one was answered 410, or was
tried as often as its destination says; a retry sends it again, with all its
attempts before it, under the same webhook-id.

  --state STATE       list: dead (default), pending, queued, delivered, all
  --destination NAME  list, retry: of one destination
  --before ID         list: the page after the message of this number
  --limit N           list: at most so many, 1 to 1000; 50 unless said
  --all               retry: every dead message
  --dry-run           retry: how many there are, why they died, and a few of them
  --reason TEXT       retry: why, for the audit
  --by NAME           who you are, for the audit; default: your user name
  --json              for machines
  --help              this text

Needs DATABASE_URL; retry needs the queue too (REDIS_URL or QUEUE_DATABASE_URL).
Exit code 0; 1 where there is no such message or nothing to retry; 64 for wrong
arguments; 78 for wrong settings.
`;

const flags = {
  state: { type: 'string', default: 'dead' },
  destination: { type: 'string' },
  before: { type: 'string' },
  limit: { type: 'string', default: '50' },
  all: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  reason: { type: 'string' },
  by: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

type Flags = ReturnType<typeof readFlags<typeof flags>>['values'];

const states = ['dead', 'pending', 'queued', 'delivered'] as const;

/** One transaction's worth: short enough that a Ctrl-C loses little, long enough for a commit to be cheap. */
const BATCH = 500;

const SAMPLES = 5;

/** `pnpm outbox`: what did not arrive, and again. */
await runOperatorCommand(async (args) => {
  const { values, positionals } = readFlags(args, flags);
  const [verb, ...rest] = positionals;
  if (values.help || verb === undefined) {
    (values.help ? process.stdout : process.stderr).write(usage);
    return values.help ? 0 : EXIT_USAGE;
  }
  switch (verb) {
    case 'list':
      if (rest.length > 0) throw new UsageError('list takes no message: pnpm outbox show <id>');
      return list(values);
    case 'show':
      return show(rest, values);
    case 'retry':
      return retry(rest, values);
    default:
      throw new UsageError(`there is no "outbox ${verb}": list, show or retry`);
  }
});

async function list({ destination, before, json, ...values }: Flags): Promise<number> {
  const state = states.find((each) => each === values.state);
  if (state === undefined && values.state !== 'all')
    throw new UsageError(`--state must be ${states.join(', ')} or all`);
  const limit = numberOf('--limit', values.limit);
  if (limit > 1_000) throw new UsageError('--limit must be 1 to 1000');
  const after = before === undefined ? null : { id: numberOf('--before', before) };
  await using db = await openLedger('penstock-outbox');
  const deliveries = await listOutboxDeliveries(db, { destination, state }, { limit, after });
  if (json) writeJson(deliveries);
  else writeDeliveries(deliveries, { more: deliveries.length === limit });
  return 0;
}

async function show([id, ...more]: readonly string[], { json }: Flags): Promise<number> {
  if (id === undefined || more.length > 0) throw new UsageError('show needs one message: its number in the list');
  const number = numberOf('a message', id);
  await using db = await openLedger('penstock-outbox');
  const { payload, ...told } = await tellDelivery(db, number);
  const preview = maskPayload(JSON.stringify(payload));
  if (json) writeJson({ ...told, preview });
  else writeDelivery({ ...told, payload }, preview);
  return 0;
}

async function retry(rest: readonly string[], values: Flags): Promise<number> {
  const { destination, all, json } = values;
  const ids = rest.map((id) => numberOf('a message', id));
  if ([ids.length > 0, destination !== undefined, all].filter(Boolean).length !== 1)
    throw new UsageError('retry needs one of: the numbers of messages, --destination NAME, --all');
  const reason = values.reason?.trim() ?? '';
  if (reason === '' && !values['dry-run']) throw new UsageError('--reason is missing: it stands in the audit');
  await using db = await openLedger('penstock-outbox');
  if (ids.length > 0) await assertDead(db, ids);
  const groups = ids.length > 0 ? [] : await countDeadDeliveries(db, { destination });
  const count = ids.length > 0 ? ids.length : groups.reduce((sum, group) => sum + group.count, 0);
  if (count === 0) return await tellNothing(db, { destination, json });
  if (values['dry-run']) return await tellDryRun(db, { ids, destination, groups, count, json });
  const retried = await retryAll(db, { ids, destination, count, reason, by: values.by });
  if (json) writeJson({ retried });
  else process.stdout.write(`${messages(retried)} will be sent again: pnpm outbox list --state queued\n`);
  return retried === 0 ? 1 : 0;
}

/** In batches, oldest first: each is committed with its audit, and then given to the workers. */
async function retryAll(
  db: LedgerDatabase,
  what: DeadDeliveryFilter & {
    readonly ids: readonly number[];
    readonly count: number;
    readonly reason: string;
    readonly by: string | undefined;
  },
): Promise<number> {
  const { ids, destination, count, reason } = what;
  const location = queueLocation(readSettings(queueSettings, process.env));
  await using queue = openOutboxQueue(location);
  await queue.connected();
  const operator = operatorOf(what.by);
  const progress = createProgress();
  let retried = 0;
  // Each is taken once, though it may be dead again before the last is.
  for (let afterId = 0; ;) {
    const batch = ids.length > 0 ? ids : await deadDeliveries(db, { destination }, { afterId, limit: BATCH });
    const revived = await db.transaction().execute((tx) => retryDeliveries(tx, batch, { operator, reason }));
    await queue.retry(revived);
    retried += revived.length;
    if (count > BATCH) progress.show({ what: 'retry', done: retried, of: count });
    if (ids.length > 0 || batch.length < BATCH) break;
    afterId = batch.at(-1) ?? afterId;
  }
  progress.end();
  return retried;
}

async function tellDryRun(
  db: LedgerDatabase,
  what: DeadDeliveryFilter & {
    readonly ids: readonly number[];
    readonly groups: Awaited<ReturnType<typeof countDeadDeliveries>>;
    readonly count: number;
    readonly json: boolean;
  },
): Promise<number> {
  const { ids, destination, groups, count } = what;
  const newest = await listOutboxDeliveries(db, { destination, state: 'dead' }, { limit: SAMPLES, after: null });
  const samples = ids.length > 0 ? [] : newest;
  if (what.json) writeJson({ wouldRetry: count, groups, samples });
  else writeDryRun(groups, { count, samples });
  return 0;
}

async function tellNothing(
  db: LedgerDatabase,
  { destination, json }: { readonly destination: string | undefined; readonly json: boolean },
): Promise<number> {
  if (json) writeJson({ retried: 0 });
  const others = [...new Set((await countDeadDeliveries(db, {})).map((group) => group.destination))];
  process.stderr.write(
    destination === undefined || others.length === 0
      ? 'No message is dead.\n'
      : `No message to ${destination} is dead; there are dead ones to ${others.join(', ')}.\n`,
  );
  return 1;
}

function numberOf(what: string, text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new UsageError(`${what} must be a number, such as 12: not "${text}"`);
  return Number(text);
}
