import { styleText } from 'node:util';
import type { DeadEvent, EventStory } from '@penstock/db/dead-events';
import type { DeadReport, Healing } from '@penstock/db/dead-report';

/** The report, for people. */
export function writeReport(report: DeadReport): void {
  const { dead, deaths, from, to, causes, kinds, trend, replayed } = report;
  write(styleText('bold', `${dead} dead now, ${deaths} died from ${minute(from)} to ${minute(to)}`));
  write(
    `\n${sparkline(trend.map((part) => part.deaths))}  most in one part: ${Math.max(0, ...trend.map((part) => part.deaths))}`,
  );
  if (causes.length > 0) write('\nBy cause');
  for (const { fingerprint, code, message, dead: count, firstSeen, lastSeen, replayed: healing } of causes) {
    write(`  ${String(count).padStart(6)}  ${fingerprint}  ${styleText('bold', code)}  ${message.slice(0, 100)}`);
    write(
      `          first ${minute(firstSeen)}, last ${minute(lastSeen)}${healing.events === 0 ? '' : `; ${healed(healing)}`}`,
    );
  }
  if (kinds.length > 0) write('\nBy type');
  for (const { provider, type, dead: count } of kinds) write(`  ${String(count).padStart(6)}  ${provider} ${type}`);
  write(`\nReplays: ${replayed.events === 0 ? 'none of a dead event yet' : healed(replayed)}`);
  const [worst] = causes;
  if (worst !== undefined && worst.dead > 0)
    write(`Once it is mended: pnpm replay plan --fingerprint ${worst.fingerprint} --why …`);
}

/** A line an event. */
export function writeEvents(events: readonly DeadEvent[], { more }: { readonly more: boolean }): void {
  if (events.length === 0) write('No event matches.');
  for (const { id, eventId, type, state, attempts, code, finishedAt } of events)
    write(
      `${String(id).padStart(8)}  ${finishedAt === null ? '' : minute(finishedAt)}  ${eventId}  ${type}  ${state} after ${attempts}  ${code ?? ''}`.trimEnd(),
    );
  const last = events.at(-1);
  if (more && last !== undefined) write(`More: --before ${last.id}`);
}

/** One event: why, since when, what happened to it, and what it says as far as it may be shown. */
export function writeStory(story: Omit<EventStory, 'body'>, preview: unknown): void {
  const { eventId, account, provider, type, state, reason, attempts, code, message, fingerprint, firstFailure } = story;
  write(
    `${styleText('bold', eventId)} ${provider} ${type}, account ${account}: ${state}${reason === null ? '' : ` (${reason})`} after ${attempts} attempts`,
  );
  if (firstFailure !== null) write(`  first  ${firstFailure.code}: ${firstFailure.message}`);
  if (code !== null) write(`  last   ${code}: ${message ?? ''}\n  cause  ${fingerprint ?? ''}`);
  write(`  job    ${story.jobId}\n  request ${story.requestId}, trace ${story.traceId ?? 'none'}`);
  for (const { handler, state: ran, attempts: times } of story.handlers)
    write(`  handler ${handler}: ${ran} after ${times}`);
  write('');
  for (const { at, what } of story.timeline) write(`  ${at.toISOString()}  ${what}`);
  write(`\n${JSON.stringify(preview, null, 2)}`);
}

const bars = '▁▂▃▄▅▆▇█';

/** `▁▁▃█▁`: the highest is full, and what is not nothing is seen. */
function sparkline(values: readonly number[]): string {
  const most = Math.max(1, ...values);
  return values.map((value) => bars[Math.ceil((value / most) * (bars.length - 1))] ?? '').join('');
}

function healed({ events, healed: well }: Healing): string {
  return `${well} of ${events} replayed are healed (${Math.floor((well / events) * 100)} %)`;
}

function minute(time: Date): string {
  return `${time.toISOString().slice(0, 16)}Z`;
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
