import { ReplayError } from '@penstock/core/replay';
import { planReplay } from '@penstock/db/plan-replay';
import { countItems } from '@penstock/db/replay-items';
import { commandReplay, findReplay, listReplays, type ReplayCommand } from '@penstock/db/replays';
import { readSettings } from '@penstock/runtime/env';
import { replaySettings } from '@penstock/runtime/shared-settings';
import { filterFlags, filterHelp, filterOf } from './filter-flags.ts';
import {
  EXIT_USAGE,
  openLedger,
  operatorOf,
  readFlags,
  runOperatorCommand,
  UsageError,
  writeJson,
} from './operator-command.ts';
import { writePlan, writeReplay, writeReplays } from './tell-replay.ts';
import { watchReplay } from './watch-replay.ts';

const usage = `Usage: pnpm replay plan --why TEXT [which events]     says what would happen, changes nothing
       pnpm replay apply <plan>                       starts it, and shows how far it is
       pnpm replay status|pause|resume|cancel <plan>
       pnpm replay list

Gives events back to the workers: all that a filter means, after a dry run. The
workers move them below live traffic. Handlers that are done are not run again.

${filterHelp}
How:
  --why TEXT            the reason, for the audit; needed by plan
  --force               finished events (--state processed by default), of which
                        only chosen handlers run:
  --handler NAME        this one, may be given several times
  --all-handlers        every one that covers the event
  --per-second N        slower than REPLAY_PER_SECOND
  --by NAME             who you are, for the audit; default: your user name
  --detach              apply: do not wait for the end
  --json                for machines
  --help                this text

There is no edit-and-replay: what a provider said is a fact, and facts are not
edited. Mend the handler or the translation, then replay.

Needs DATABASE_URL. Exit code 0; 1 where nothing matches, events are dead again,
or the replay cannot be changed so; 64 for wrong arguments.
`;

const flags = {
  ...filterFlags,
  why: { type: 'string' },
  force: { type: 'boolean', default: false },
  handler: { type: 'string', multiple: true },
  'all-handlers': { type: 'boolean', default: false },
  'per-second': { type: 'string' },
  by: { type: 'string' },
  detach: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

type Flags = ReturnType<typeof readFlags<typeof flags>>['values'];

await runOperatorCommand(async (args) => {
  if (args[0] === 'edit' || args.some((argument) => /^--(edit|set|body|payload)\b/.test(argument)))
    throw new ReplayError(
      'facts_not_editable',
      'an event is what the provider said, and is not edited; mend the handler or the translation, then replay',
    );
  const { values, positionals } = readFlags(args, flags);
  const [verb, ...rest] = positionals;
  if (values.help || verb === undefined) {
    (values.help ? process.stdout : process.stderr).write(usage);
    return values.help ? 0 : EXIT_USAGE;
  }
  switch (verb) {
    case 'plan':
      if (rest.length > 0) throw new UsageError(`plan takes no ${rest.join(' ')}; events are selected by flags`);
      return plan(values);
    case 'list':
      return list(values);
    case 'status':
      return status(replayId(verb, rest), values);
    case 'apply':
    case 'pause':
    case 'resume':
    case 'cancel':
      return command(verb, replayId(verb, rest), values);
    default:
      throw new UsageError(`there is no "replay ${verb}": plan, apply, status, pause, resume, cancel or list`);
  }
});

async function plan(values: Flags): Promise<number> {
  if (values.why === undefined || values.why.trim() === '')
    throw new UsageError('--why is missing: the reason stands in the audit');
  const { replayPerSecond } = readSettings(replaySettings, process.env);
  const filter = filterOf(values, { now: new Date(), states: values.force ? ['processed'] : ['dead'] });
  await using db = await openLedger('penstock-replay');
  const planned = await planReplay(db, {
    filter,
    force: values.force,
    handlers: values['all-handlers'] ? 'all' : (values.handler ?? 'not done'),
    perSecond: Math.min(replayPerSecond, paceOf(values['per-second']) ?? replayPerSecond),
    operator: operatorOf(values.by),
    reason: values.why,
  });
  if (values.json) writeJson(planned);
  else writePlan(planned);
  return 0;
}

async function list(values: Flags): Promise<number> {
  await using db = await openLedger('penstock-replay');
  const replays = await listReplays(db, { limit: 50 });
  if (values.json) writeJson(replays);
  else writeReplays(replays);
  return 0;
}

async function status(id: number, values: Flags): Promise<number> {
  await using db = await openLedger('penstock-replay');
  const replay = await findReplay(db, id);
  const counts = replay.result ?? (await countItems(db, id));
  if (values.json) writeJson({ ...replay, counts });
  else writeReplay(replay, counts);
  return 0;
}

async function command(verb: ReplayCommand, id: number, values: Flags): Promise<number> {
  await using db = await openLedger('penstock-replay');
  const replay = await commandReplay(db, {
    id,
    command: verb,
    operator: operatorOf(values.by),
    reason: values.why ?? null,
  });
  const follows = (verb === 'apply' || verb === 'resume') && !values.detach;
  const ended = follows ? await watchReplay(db, id) : replay;
  const counts = ended.result ?? (await countItems(db, id));
  if (values.json) writeJson({ ...ended, counts });
  else writeReplay(ended, counts);
  return ended.state === 'done' && counts.dead > 0 ? 1 : 0;
}

function replayId(verb: string, [text, ...more]: readonly string[]): number {
  if (text === undefined)
    throw new UsageError(`${verb} needs the id of a plan: "pnpm replay plan" makes one, "pnpm replay list" shows them`);
  if (!/^\d{1,15}$/.test(text) || more.length > 0) throw new UsageError(`${verb} needs the id of one plan, a number`);
  return Number(text);
}

function paceOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const pace = Number(text);
  if (!/^\d{1,4}$/.test(text) || pace < 1) throw new UsageError('--per-second must be a whole number from 1 to 9999');
  return pace;
}
