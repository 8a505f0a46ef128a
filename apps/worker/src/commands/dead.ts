import { maskPayload } from '@penstock/core/masking/mask-fields';
import { discardEvent, listEvents, tellEvent } from '@penstock/db/dead-events';
import { deadReport } from '@penstock/db/dead-report';
import { readSettings } from '@penstock/runtime/env';
import { queueLocation } from '@penstock/runtime/queue-location';
import { queueSettings } from '@penstock/runtime/shared-settings';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';
import { filterFlags, filterHelp, filterOf } from './filter-flags.ts';
import {
  EXIT_USAGE,
  openLedger,
  operatorOf,
  readFlags,
  runOperatorCommand,
  timeOf,
  UsageError,
  writeJson,
} from './operator-command.ts';
import { writeEvents, writeReport, writeStory } from './tell-dead.ts';

const usage = `Usage: pnpm dead report [--since TIME]             causes, types, trend, what replays healed
       pnpm dead list [which events] [--before ID]
       pnpm dead show <event> [--account ACCOUNT]
       pnpm dead discard --event ID --reason TEXT [--account ACCOUNT] [--by NAME]

Why events are dead: they were tried as often as the policy says, and are tried
again when their provider repeats them or somebody replays them (pnpm replay).
A discarded one stays dead. What people wrote and who they are is masked.

${filterHelp}
  --since TIME   report: from when; default 7d
  --before ID    list: the page after the event of this number
  --reason TEXT  discard: why, for the audit
  --by NAME      who you are, for the audit; default: your user name
  --json         for machines
  --help         this text

Needs DATABASE_URL; discard needs the queue too (REDIS_URL or
QUEUE_DATABASE_URL). Exit code 0; 1 where there is no such event, or report
finds dead ones; 64 for wrong arguments.
`;

const flags = {
  ...filterFlags,
  since: { type: 'string', default: '7d' },
  before: { type: 'string' },
  reason: { type: 'string' },
  by: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

type Flags = ReturnType<typeof readFlags<typeof flags>>['values'];

const PAGE = 50;

await runOperatorCommand(async (args) => {
  const { values, positionals } = readFlags(args, flags);
  const [verb, ...rest] = positionals;
  if (values.help || verb === undefined) {
    (values.help ? process.stdout : process.stderr).write(usage);
    return values.help ? 0 : EXIT_USAGE;
  }
  switch (verb) {
    case 'report':
      return report(values);
    case 'list':
      return list(values);
    case 'show':
      return show(rest, values);
    case 'discard':
      return discard(values);
    default:
      throw new UsageError(`there is no "dead ${verb}": report, list, show or discard`);
  }
});

async function report({ since, json }: Flags): Promise<number> {
  const to = new Date();
  const from = new Date(timeOf('since', since, to));
  if (from.getTime() >= to.getTime()) throw new UsageError('--since must be in the past');
  await using db = await openLedger('penstock-dead');
  const found = await deadReport(db, { from, to });
  if (json) writeJson(found);
  else writeReport(found);
  return found.dead > 0 ? 1 : 0;
}

async function list(values: Flags): Promise<number> {
  const { before, json } = values;
  if (before !== undefined && !/^\d{1,15}$/.test(before)) throw new UsageError('--before must be a number of the list');
  const filter = filterOf(values, { now: new Date(), states: ['dead'] });
  await using db = await openLedger('penstock-dead');
  const beforeId = before === undefined ? undefined : Number(before);
  const events = await listEvents(db, { filter, beforeId, limit: PAGE });
  if (json) writeJson(events);
  else writeEvents(events, { more: events.length === PAGE });
  return 0;
}

async function show([eventId, ...more]: readonly string[], values: Flags): Promise<number> {
  if (eventId === undefined || more.length > 0) throw new UsageError("show needs one event: its provider's id");
  await using db = await openLedger('penstock-dead');
  const { body, ...story } = await tellEvent(db, { eventId, account: values.account?.[0] });
  const preview = maskPayload(body.toString('utf8'));
  if (values.json) writeJson({ ...story, preview });
  else writeStory(story, preview);
  return 0;
}

async function discard(values: Flags): Promise<number> {
  const [eventId, ...more] = values.event ?? [];
  if (eventId === undefined || more.length > 0) throw new UsageError('discard needs one --event');
  const reason = values.reason?.trim() ?? '';
  if (reason === '') throw new UsageError('--reason is missing: it stands in the audit');
  const location = queueLocation(readSettings(queueSettings, process.env));
  await using db = await openLedger('penstock-dead');
  await using queue = openWebhookQueue(location);
  await queue.connected();
  const operator = operatorOf(values.by);
  const { account, jobId } = await discardEvent(db, { eventId, account: values.account?.[0], operator, reason });
  await queue.forgetFailed(jobId);
  if (values.json) writeJson({ account, eventId, state: 'discarded' });
  else process.stdout.write(`${eventId} is discarded: it is not tried again.\n`);
  return 0;
}
